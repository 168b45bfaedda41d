package caucus

// MemberChannel is the channel on which messages for one member come, which only its own session may read.
func MemberChannel(group, member string) string { return "caucus:m:" + group + ":" + member }

// EventChannel is the channel on which the events of a group are published.
func EventChannel(group string) string { return "caucus:g:" + group }
