package doctor

import (
	"fmt"
	"net"
	"time"
)

// What can be wrong with the machines of the nodes, and with their doors.

// Clocks count up to a second from the others' (SAFETY A14); a good time service is far below a quarter.
const (
	clockOff  = 1000 // ms
	clockNear = 250
)

func (x *exam) clocks() string {
	furthest := int64(0)
	for _, t := range x.answered() {
		ahead, ok := t.number("clock_ahead_ms")
		switch {
		case t.is("clock_rate_off"):
			x.bad(t.who(), "replace the machine whose clock is wrong, the leader's if several nodes say this; "+
				"until then only tokens and guards tell two holders apart",
				"its clock and the leader's run at different rates")
		case ok && max(ahead, -ahead) > clockOff:
			x.bad(t.who(), "see to its time service (chrony, systemd-timesyncd)",
				"its clock is %d ms from the ensemble's, and does not count", ahead)
		case ok && max(ahead, -ahead) > clockNear:
			x.warn(t.who(), "see to its time service (chrony, systemd-timesyncd)",
				"its clock is %d ms from the ensemble's", ahead)
		}
		furthest = max(furthest, ahead, -ahead)
	}
	return fmt.Sprintf("%d ms from the ensemble's at most", furthest)
}

// A sync that takes longer makes every write slow; disks made for it take a tenth and less.
const (
	slowSync  = 100_000 // µs
	fewBytes  = 1 << 30 // bytes free
	megabytes = 1 << 20
)

func (x *exam) disks() string {
	for _, t := range x.answered() {
		free, told := t.number("disk_free")
		switch {
		case t.is("disk_hung"):
			x.bad(t.who(), "look at the system's log; the node goes on by itself when the disk does",
				"its disk does not answer")
		case t.is("disk_low"):
			x.bad(t.who(), "make room, or enlarge the disk: when fewer than a majority have room, what grows is "+
				"refused",
				"its disk is nearly full, %d MiB are free", free/megabytes)
		case told && free > 0 && free < fewBytes:
			x.warn(t.who(), "make room, or enlarge the disk", "%d MiB are free on its disk", free/megabytes)
		}
		if sync, told := t.number("sync_p99_usec"); told && sync > slowSync {
			x.warn(t.who(), "who else uses the disk? every write waits for a majority of such syncs",
				"one sync in a hundred takes %d ms or more", sync/1000)
		}
	}
	free, sync := x.values("disk_free"), x.values("sync_p99_usec")
	if len(free) == 0 || len(sync) == 0 {
		return ""
	}
	return fmt.Sprintf("%d MiB free at least; 99 of 100 syncs take at most %.1f ms", free[0]/megabytes,
		float64(sync[len(sync)-1])/1000)
}

func (x *exam) snapshots() string {
	for _, t := range x.answered() {
		if t.Info["rdb_last_bgsave_status"] == "err" {
			x.bad(t.who(), "its log says what failed; until it works the log on disk grows",
				"the last snapshot could not be written")
		}
	}
	return "the last ones were written"
}

func (x *exam) memory() string {
	used, limit := x.values("used_memory"), x.values("maxmemory")
	if len(used) == 0 || len(limit) == 0 {
		return ""
	}
	most, may := used[len(used)-1], limit[len(limit)-1]
	const do = "delete some keys, or CONFIG SET maxmemory"
	switch {
	case may == 0:
		return fmt.Sprintf("%d MiB of keys, without a limit", most/megabytes)
	case most >= may:
		x.bad("", do, "keys and values take all of maxmemory, %d MiB; what grows is refused", may/megabytes)
	case most >= may/10*9:
		x.warn("", do, "keys and values take %d of %d MiB of maxmemory", most/megabytes, may/megabytes)
	}
	return fmt.Sprintf("%d of %d MiB", most/megabytes, may/megabytes)
}

// otherFiles is how many file descriptors a node needs beside those of clients: its log, snapshots, peers.
const otherFiles = 128

func (x *exam) clients() string {
	for _, t := range x.answered() {
		have, told := t.number("connected_clients")
		may, also := t.number("maxclients")
		files, limited := t.number("max_open_files")
		if told && also && have > may/10*8 {
			x.warn(t.who(), "raise --max-clients, or look who connects so often (CLIENT LIST)",
				"%d of %d clients are connected", have, may)
		}
		if limited && also && files < may+otherFiles {
			x.warn(t.who(), fmt.Sprintf("raise the limit to %d (LimitNOFILE= of systemd, ulimit -n), or lower "+
				"--max-clients",
				may+otherFiles), "it may open %d files, and --max-clients promises %d connections", files, may)
		}
	}
	have := x.values("connected_clients")
	if len(have) == 0 {
		return ""
	}
	return fmt.Sprintf("%d at one node at most", have[len(have)-1])
}

// soon is when a certificate should have been replaced: with a week to spare.
const soon = 7 * 24 * time.Hour

func (x *exam) certificates() string {
	first := time.Time{}
	for _, t := range x.answered() {
		unix, told := t.number("certificate_expires")
		if !told || unix == 0 {
			continue
		}
		ends := time.Unix(unix, 0).UTC()
		switch left := ends.Sub(x.now); {
		case left <= 0:
			x.bad(t.who(), "replace it now: caucus cert", "its certificate, or its authority, has ended on %s",
				ends.Format(time.DateOnly))
		case left < soon:
			x.warn(t.who(), "replace it: caucus cert", "its certificate, or its authority, ends on %s",
				ends.Format(time.DateOnly))
		}
		if first.IsZero() || ends.Before(first) {
			first = ends
		}
	}
	if first.IsZero() {
		return "none are in use"
	}
	return "the first ends on " + first.Format(time.DateOnly)
}

// doors looks whether strangers are let in. Who is asked at a loopback address lets in this machine's anyway.
func (x *exam) doors() string {
	for _, t := range x.answered() {
		host, _, _ := net.SplitHostPort(t.Addr)
		if ip := net.ParseIP(host); t.Open && (ip == nil || !ip.IsLoopback()) {
			x.bad(t.who(), "give all nodes a password (--password-file)", "it answers anybody, without a password")
		}
	}
	return "no node answers strangers"
}
