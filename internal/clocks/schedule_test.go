package clocks_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/clocks"
)

const second = 1_000_000

// at is when the true clocks have gone on for so long.
func at(seconds int64) clocks.Reading {
	return clocks.Reading{Mono: 100*second + seconds*second, Boot: 200*second + seconds*second,
		Wall: 1_800_000_000*second + seconds*second}
}

// less gives how far one reading is ahead of another.
func less(a, b clocks.Reading) clocks.Reading {
	return clocks.Reading{Mono: a.Mono - b.Mono, Boot: a.Boot - b.Boot, Wall: a.Wall - b.Wall}
}

func TestASchedule(t *testing.T) {
	var s clocks.Schedule
	if got := s.At(at(0)); got != at(0) {
		t.Errorf("without a word they show %+v", got)
	}
	s = s.Then(at(10), 10_000, clocks.Reading{})
	s = s.Then(at(20), 0, clocks.Reading{Wall: 3600 * second})
	s = s.Then(at(30), -10_000, clocks.Reading{Mono: -5 * second})
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	s = clocks.ParseSchedule(text)
	for seconds, want := range map[int64]clocks.Reading{
		25: {Mono: 100_000, Boot: 100_000, Wall: 100_000 + 3600*second},
		29: {Mono: 100_000, Boot: 100_000, Wall: 100_000 + 3600*second}, // what is to come has not come
		30: {Mono: 100_000 - 5*second, Boot: 100_000, Wall: 100_000 + 3600*second},
		50: {Mono: -100_000 - 5*second, Boot: -100_000, Wall: -100_000 + 3600*second},
	} {
		if got := less(s.At(at(seconds)), at(seconds)); got != want {
			t.Errorf("after %d s they are ahead by %+v, want %+v", seconds, got, want)
		}
	}
}

// Where the rate alone changes no clock ever goes back or jumps.
func TestARateIsNoJump(t *testing.T) {
	var s clocks.Schedule
	last := s.At(at(0))
	for i := range int64(4) {
		s = s.Then(at(10*i+5), []int64{10_000, -10_000, 300_000, 0}[i], clocks.Reading{})
		for j := range int64(10) {
			now := s.At(at(10*i + j + 1))
			if by := less(now, last); by.Mono < second*98/100 || by.Mono > second*131/100 || by.Boot != by.Mono ||
				by.Wall != by.Mono {
				t.Errorf("in a second it went on by %+v", by)
			}
			last = now
		}
	}
}

func TestNonsenseIsNoSchedule(t *testing.T) {
	for _, text := range []string{"", "{", `{"from":1}`, "[1]"} {
		if got := clocks.ParseSchedule([]byte(text)).At(at(1)); got != at(1) {
			t.Errorf("%q: they show %+v", text, got)
		}
	}
}
