package clocks

import "encoding/json"

// Env is the environment variable that names the file of a machine's clocks.
const Env = "CAUCUS_CHAOS_CLOCKS"

// Warp is how wrong the clocks of a machine are, from some moment on.
type Warp struct {
	From int64   `json:"from"` // the moment, by the true CLOCK_MONOTONIC
	PPM  int64   `json:"ppm"`  // by so many parts in a million all clocks run too fast since then
	By   Reading `json:"by"`   // how far each clock was ahead at that moment
}

// Of gives what the clocks show when the true ones show something.
func (w Warp) Of(truth Reading) Reading {
	gained := (truth.Mono - w.From) * w.PPM / 1_000_000
	return Reading{Mono: truth.Mono + w.By.Mono + gained, Boot: truth.Boot + w.By.Boot + gained,
		Wall: truth.Wall + w.By.Wall + gained}
}

// Schedule is the content of the file of a machine's clocks: how wrong they are, in the order of the
// moments. What comes stands there before its moment, so that it comes for all processes at once, and
// no process sees a clock go back that did not.
type Schedule []Warp

// At gives what the clocks show. Before the first moment they are true.
func (s Schedule) At(truth Reading) Reading { return s.now(truth).Of(truth) }

func (s Schedule) now(truth Reading) (last Warp) {
	for _, w := range s {
		if w.From <= truth.Mono {
			last = w
		}
	}
	return last
}

// Then gives the schedule in which, from a moment on that is to come, all clocks run too fast by so
// many parts in a million, after each was moved by so much.
func (s Schedule) Then(truth Reading, ppm int64, moved Reading) Schedule {
	present := s.now(truth)
	ahead := present.Of(truth)
	next := Warp{From: truth.Mono, PPM: ppm, By: Reading{Mono: ahead.Mono - truth.Mono + moved.Mono,
		Boot: ahead.Boot - truth.Boot + moved.Boot, Wall: ahead.Wall - truth.Wall + moved.Wall}}
	return Schedule{present, next}
}

// ParseSchedule reads what Text wrote. Of anything else it says that the clocks are true.
func ParseSchedule(text []byte) (s Schedule) {
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	return s
}

// Text writes the schedule.
func (s Schedule) Text() ([]byte, error) { return json.Marshal(s) }
