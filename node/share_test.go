package node

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// Who sends much goes in smaller pieces the more others are under way, and a pipeline of usual size as a
// whole, as does what the ensemble has no part in.
func TestShare(t *testing.T) {
	n := bareNode(Config{})
	for _, c := range []struct {
		cmd            caucus.Command
		cmds, underway int
		want           int
	}{
		{caucus.Command{"GET", "k"}, 1, 0, 1},
		{caucus.Command{"GET", "k"}, 64, 10_000, 64},
		{caucus.Command{"GET", "k"}, 2000, 0, 1024},
		{caucus.Command{"SET", "k", "v"}, 2000, 1, 512},
		{caucus.Command{"SET", "k", "v"}, 2000, 9, 102},
		{caucus.Command{"SET", "k", "v"}, 2000, 10_000, 64},
		{caucus.Command{"PING"}, 2000, 10_000, 2000},
	} {
		n.shares.underway.Store(int64(c.underway))
		cmds := make([]caucus.Command, c.cmds)
		for i := range cmds {
			cmds[i] = c.cmd
		}
		if _, used := n.converse(waist.ConnInfo{}).talk.Plan(cmds); used != c.want {
			t.Errorf("of %d times %s, with %d pipelines under way, %d go at once; want %d", c.cmds, c.cmd[0],
				c.underway, used, c.want)
		}
	}
}

// Beside pipelines of usual size the pieces of giants take less than a write of the log.
func TestShareBesideOthers(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		commands int
		since    time.Duration // a pipeline came
		came     int           // with so many commands
		writes   time.Duration // take so long
		want     int
	}{
		{2000, time.Millisecond, 1, 4 * time.Millisecond, 500},
		{65, time.Millisecond, 64, 4 * time.Millisecond, 500},
		{64, time.Millisecond, 1, 4 * time.Millisecond, 64},
		{2000, time.Millisecond, 1, time.Microsecond, 256}, // a disk in memory
		{2000, time.Millisecond, 1, time.Second, 1024},     // a slow one, beside which it does not matter
		{2000, time.Millisecond, 65, 4 * time.Millisecond, 1024},
		{2000, 10 * time.Millisecond, 1, 4 * time.Millisecond, 1024},
	} {
		s := newShares()
		for range 200 {
			s.wrote(c.writes)
		}
		s.came(c.came, &time.Time{}, begun)
		got := s.of(c.commands, begun.Add(c.since))
		if got < c.want-1-c.want/50 || got > c.want {
			t.Errorf("%+v: %d go at once", c, got)
		}
	}
}

// crowd has pipelines of usual size come to s as long as a test lasts.
func crowd(t *testing.T, s *shares) {
	t.Helper()
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for tick := time.NewTicker(besides / 2); ; {
			s.came(1, &time.Time{}, time.Now())
			select {
			case <-tick.C:
			case <-quit:
				tick.Stop()
				return
			}
		}
	}()
	synctest.Wait()
	t.Cleanup(func() { close(quit); <-gone })
}

// Beside others giants go one after the other, and after each as much time is the others' as it took, but not
// for ever. Who is not to wait does not.
func TestGiantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShares()
		crowd(t, s)
		begun := time.Now()
		for n, c := range []struct {
			takes  time.Duration
			begins time.Duration // after the first
		}{
			{3 * time.Millisecond, 0},
			{time.Millisecond, 6 * time.Millisecond},
			{time.Second, 8 * time.Millisecond},
			{time.Millisecond, 1008*time.Millisecond + mostRest},
		} {
			over, ok := s.turn(t.Context(), usualCommands+1, time.Minute)
			if at := time.Since(begun); !ok || at != c.begins {
				t.Errorf("giant %d goes after %v: %v", n, at, ok)
			}
			if over, ok := s.turn(t.Context(), usualCommands, 0); !ok {
				t.Error("a usual one has to wait")
			} else {
				over()
			}
			time.Sleep(c.takes)
			over()
		}
	})
}

func TestGiantsWaitNoLongerThanTheyMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShares()
		crowd(t, s)
		over, ok := s.turn(t.Context(), 1000, time.Minute)
		if !ok {
			t.Fatal("the first one waits")
		}
		begun := time.Now()
		if _, ok := s.turn(t.Context(), 1000, time.Second); ok || time.Since(begun) != time.Second {
			t.Errorf("it went beside another: %v, after %v", ok, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := s.turn(ctx, 1000, time.Minute); ok || time.Since(begun) != 2*time.Second {
			t.Errorf("it waits longer than its context: %v, after %v", ok, time.Since(begun))
		}
		over()
	})
}

// Without others a giant waits for nobody, and who waited for its turn when they went goes on at once.
func TestGiantsAloneDoNotTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShares()
		s.came(1, &time.Time{}, time.Now())
		first, _ := s.turn(t.Context(), 1000, time.Minute)
		second := make(chan func())
		go func() {
			over, _ := s.turn(t.Context(), 1000, time.Minute)
			second <- over
		}()
		time.Sleep(besides)
		if over, ok := s.turn(t.Context(), 1000, 0); !ok {
			t.Error("it has to wait for another giant")
		} else {
			over()
		}
		begun := time.Now()
		first()
		(<-second)()
		if took := time.Since(begun); took != 0 {
			t.Errorf("who waited goes on after %v", took)
		}
	})
}

// Giants alone go in large pieces, though what is read of them may be few commands.
func TestShareOfGiantsAlone(t *testing.T) {
	s := newShares()
	var giant time.Time
	now := time.Unix(1_000_000, 0)
	for _, commands := range []int{20_000, 22, 22, 478, 64, 1, 2} {
		s.came(commands, &giant, now)
	}
	if got := s.of(2000, now); got != sharedCommands {
		t.Errorf("%d go at once, want %d", got, sharedCommands)
	}
	now = now.Add(2 * forgotten)
	s.came(1, &giant, now)
	if got := s.of(2000, now); got != leastPiece {
		t.Errorf("%d go at once beside one that sends little again, want %d", got, leastPiece)
	}
}
