package caucus

// Event is something that happened in a group and went through the log. Seq has no gaps within a life of
// the group and is the same on every node.
type Event struct {
	Group string
	Seq   uint64
	JSON  string // the whole event as WIRE describes it, fields in a fixed order
}

// MemberChannel is the channel on which messages for one member come, which only its own session may read.
func MemberChannel(group, member string) string { return PrivateChannels + group + ":" + member }

// PrivateChannels begins the names of such channels. Group names hold no ":", so the first one after it
// divides group and member (SAFETY B17).
const PrivateChannels = "caucus:m:"

// FeedMark stands, in what a node's feed calls such a channel, behind its name and before what binds it
// to the session. No client can say it there.
const FeedMark = "\x00"

// EventChannel is the channel on which the events of a group are published.
func EventChannel(group string) string { return "caucus:g:" + group }
