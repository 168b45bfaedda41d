package caucus

// Event is something that happened in a group and went through the log. Seq has no gaps within a life of
// the group and is the same on every node.
type Event struct {
	Group string
	Seq   uint64
	JSON  string // the whole event as WIRE describes it, fields in a fixed order
}

// EventChannel is the channel on which the events of a group are published.
func EventChannel(group string) string { return "caucus:g:" + group }
