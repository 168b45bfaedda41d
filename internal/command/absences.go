package command

// Absence is commands of Redis that are not here, and why.
type Absence struct {
	Why      string   // a sentence
	Commands []string // one without its subcommands stands for all of them
}

// Absences lists the commands of Redis 7.0 that are not in the table.
func Absences() (list []Absence) {
	t := New()
	for _, a := range absences() {
		var left []string
		for _, name := range a.Commands {
			if !t.Has(name) {
				left = append(left, name)
			}
		}
		if a.Commands = left; len(left) > 0 {
			list = append(list, a)
		}
	}
	return list
}

func absences() []Absence {
	return []Absence{
		{"A script would have to do the same on every node, whatever it asks for; a program that a node is " +
			"part of adds commands of its own instead.",
			[]string{"eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "function", "script", "module"}},
		{"Their text is one of Redis' own files, of its own encodings; COPY, `caucus backup` and `caucus " +
			"restore` do without.", []string{"dump", "restore", "restore-asking", "migrate"}},
		{"There is one database.", []string{"move", "swapdb"}},
		{"What is acknowledged is in the log of a majority; CHECKPOINT writes a snapshot, and a node does so " +
			"by itself.",
			[]string{"save", "bgsave", "bgrewriteaof", "lastsave"}},
		{"Nodes follow each other in their own way; ENSEMBLE TRANSFER has another one lead.",
			[]string{"replicaof", "slaveof", "psync", "sync", "replconf", "failover", "asking"}},
		{"Streams are not offered: events of groups, and CHANGES, are kept and read from a place on.",
			[]string{"xack", "xadd", "xautoclaim", "xclaim", "xdel", "xgroup", "xinfo", "xlen", "xpending", "xrange",
				"xread",
				"xreadgroup", "xrevrange", "xsetid", "xtrim"}},
		{"Bits of strings, places on the earth and estimated counts are not offered.",
			[]string{"bitcount", "bitfield", "bitfield_ro", "bitop", "bitpos", "getbit", "setbit", "geoadd", "geodist",
				"geohash", "geopos", "georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro",
				"geosearch",
				"geosearchstore", "pfadd", "pfcount", "pfdebug", "pfmerge", "pfselftest"}},
		{"Channels are not divided among nodes: PUBLISH reaches the subscribers of all.",
			[]string{"spublish", "ssubscribe", "sunsubscribe", "pubsub|shardchannels", "pubsub|shardnumsub"}},
		{"Keys are not divided among nodes, and what the nodes agree on is not set by hand; ADD_NODE, DEL_NODE " +
			"and ENSEMBLE TRANSFER do what an operator may.",
			[]string{"cluster|addslots", "cluster|addslotsrange", "cluster|bumpepoch",
				"cluster|count-failure-reports", "cluster|countkeysinslot", "cluster|delslots",
				"cluster|delslotsrange", "cluster|failover", "cluster|flushslots", "cluster|forget",
				"cluster|getkeysinslot", "cluster|meet", "cluster|replicate", "cluster|reset",
				"cluster|saveconfig", "cluster|set-config-epoch", "cluster|setslot"}},
		{"The other nodes would go on.", []string{"client|pause", "client|unpause"}},
		{"A command that waits ends by its own timeout, or with its connection: CLIENT KILL.",
			[]string{"client|unblock"}},
		{"Who hears no answers does not hear what was refused; a pipeline costs no round trips either.",
			[]string{"client|reply"}},
		{"What CONFIG SET changes is in the log at once, on all nodes.", []string{"config|rewrite"}},
		{"Counters only rise, so that rates can be had from them; /metrics has counters and histograms.",
			[]string{"config|resetstat", "latency|graph", "latency|histogram"}},
		{"The memory is Go's: /metrics tells of it.", []string{"memory|malloc-stats"}},
		{"COMMAND GETKEYS gives the keys; nothing is locked by key.", []string{"command|getkeysandflags"}},
		{"What all connections say is not shown to one of them.", []string{"monitor"}},
		{"Users are in the log, not in a file.", []string{"acl|load", "acl|save"}},
		{"There are generators of passwords; ours would be one more to trust.", []string{"acl|genpass"}},
		{"It is art, and theirs.", []string{"lolwut"}},
	}
}
