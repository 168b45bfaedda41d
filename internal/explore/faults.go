package explore

// Fault is a mistake that the world's leader, or its members, make on purpose, to show that the search
// finds what comes of it.
type Fault uint8

// The faults, by the rule that each breaks.
const (
	NoFault                Fault = iota
	GrantsAtOnce                 // A3: what was revoked is granted anew without waiting for its holders
	CountsTheAnswerAsHeard       // A3: a holder is taken to know what its answer says before it has it
	CountsWhileEnding            // A2: a heartbeat counts although the session's end is proposed
	CountsWhileMarked            // A5: a heartbeat counts although the session is marked
	GraceCutShort                // A4: who was dropped ends a tick before its GRACE is over
	EvictsAtOnce                 // B21: who is evicted ends before its promise is over
	ElectionCounts               // A5: who is elected takes everybody to have been silent for a TTL
	ElectionForgetsHolders       // A3: who is elected waits for nobody
	CountsFromArrival            // A2: a promise counts from when its answer came
	SaysBeforeItStops            // A3: a member gives something up before it stops to believe in it
	BelievesWhileItGivesUp       // A3: an answer that overtakes a LEAVE and its like begins a belief
	FaultCount
)
