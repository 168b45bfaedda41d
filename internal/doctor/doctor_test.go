package doctor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/overview"
)

var today = time.Unix(1_800_000_000, 0)

// healthy gives an ensemble of three nodes that is well, and what they told.
func healthy() (*overview.Ensemble, []Told) {
	e := &overview.Ensemble{Cluster: "c", Name: "n1", Leader: new("n1"), Quorum: true}
	var told []Told
	for i, role := range []string{"leader", "follower", "follower"} {
		n := overview.Node{Row: overview.Row{Name: fmt.Sprint("n", i+1), Role: role, Lag: new(uint64(7)),
			Addr: fmt.Sprintf("10.0.0.%d:1", i), Peer: fmt.Sprintf("10.0.0.%d:2", i),
			HTTP: fmt.Sprintf("10.0.0.%d:3", i), Version: "0.1.0", Level: 1}}
		e.Nodes = append(e.Nodes, n)
		told = append(told, Told{Addr: n.Addr, Name: n.Name, Info: map[string]string{
			"cluster_id": "c", "node": n.Name, "commit": "100", "applied": "99", "peers_down": "",
			"clock_ahead_ms": "-3", "clock_rate_off": "0", "disk_free": "9000000000", "disk_low": "0",
			"disk_hung": "0", "sync_p99_usec": "1200", "rdb_last_bgsave_status": "ok", "used_memory": "1000000000",
			"maxmemory": "2000000000", "connected_clients": "17", "maxclients": "10000",
			"max_open_files": "20000", "expected_nodes": "", "certificate_expires": "1900000000"}})
	}
	return e, told
}

// reading is what is shown of findings, as a person would read it.
func reading(all []Finding) string {
	var lines []string
	for _, f := range all {
		if f.State != OK {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s", f.State, f.Check, f.Node, f.Found))
		}
	}
	return strings.Join(lines, "\n")
}

func TestTheHealthyAreFoundWell(t *testing.T) {
	e, told := healthy()
	all := Examine(today, e, told)
	if r := reading(all); r != "" || Worst(all) != OK || len(all) != len(checks()) {
		t.Errorf("%d findings for %d checks, %s", len(all), len(checks()), r)
	}
	for _, f := range all {
		if f.Found == "" || f.Do != "" || f.Node != "" {
			t.Errorf("%+v", f)
		}
	}
}

// Each illness has just the findings that are stated, each with what to do.
func TestTheIllAreFound(t *testing.T) {
	info := func(node int, pairs ...string) func(*overview.Ensemble, []Told) {
		return func(_ *overview.Ensemble, told []Told) {
			for i := 0; i < len(pairs); i += 2 {
				told[node].Info[pairs[i]] = pairs[i+1]
			}
		}
	}
	everywhere := func(field, value string) func(*overview.Ensemble, []Told) {
		return func(_ *overview.Ensemble, told []Told) {
			for _, t := range told {
				t.Info[field] = value
			}
		}
	}
	for name, c := range map[string]struct {
		make func(*overview.Ensemble, []Told)
		want string
	}{
		"dead": {func(e *overview.Ensemble, told []Told) {
			e.Nodes[2].Role, e.Nodes[2].Lag = "unreachable", new(uint64(90_000))
			told[2] = Told{Addr: "10.0.0.2:1", Name: "n3", Error: "refused"}
			told[0].Info["peers_down"] = "n3"
		}, "bad answers n3: no answer at 10.0.0.2:1: refused\n" +
			"warn voters : the next loss of a voter stops everything"},
		"no majority": {func(e *overview.Ensemble, _ []Told) { e.Quorum, e.Leader = false, nil },
			"bad quorum : nobody can write or read what is newest"},
		"no leader": {func(e *overview.Ensemble, _ []Told) { e.Leader = nil },
			"warn quorum : no leader is known to n1"},
		"learner": {func(e *overview.Ensemble, _ []Told) {
			e.Nodes[2].Role, e.Nodes[2].Lag = "learner", new(uint64(9))
		}, "warn voters n3: it does not vote yet; it lacks 9 entries\n" +
			"warn voters : 2 voters bear the loss of 0, no more than 1 would"},
		"expected": {info(0, "expected_nodes", "n4=10.0.0.9:1"),
			"warn voters : expected, and not there yet: n4=10.0.0.9:1"},
		"cut off": {info(1, "peers_down", "n3"), "bad links n2: it does not reach n3, which runs"},
		"stranger": {info(2, "cluster_id", "d"), "bad addresses n3: at 10.0.0.2:1 is a node of another " +
			"ensemble, d and not c"},
		"swapped": {info(2, "node", "n2"), "bad addresses n3: at its address, 10.0.0.2:1, is n2"},
		"clash": {func(e *overview.Ensemble, _ []Told) { e.Nodes[2].Peer = "10.0.0.1:2" },
			"bad addresses : 10.0.0.1:2 is the address of n2 and of n3"},
		"one machine": {func(e *overview.Ensemble, _ []Told) { e.Nodes[2].Addr = "10.0.0.1:9" },
			"warn addresses : n2, n3 are all on 10.0.0.1; its loss stops everything"},
		"loopback": {func(e *overview.Ensemble, _ []Told) { e.Nodes[2].Addr = "127.0.0.1:9" },
			"bad addresses n3: others look for it at 127.0.0.1, on their own machine"},
		"versions": {func(e *overview.Ensemble, _ []Told) { e.Nodes[2].Version, e.Nodes[2].Level = "0.2.0", 2 },
			"warn versions : versions 0.1.0 and 0.2.0, feature levels 1 and 2"},
		"behind": {func(e *overview.Ensemble, _ []Told) { e.Nodes[2].Lag = new(uint64(10_001)) },
			"warn lag n3: it lacks 10001 entries"},
		"slow to apply": {info(1, "commit", "20000"), "warn lag n2: it has 19901 entries still to apply"},
		"clock off": {info(1, "clock_ahead_ms", "-1001"), "bad clocks n2: its clock is -1001 ms from the " +
			"ensemble's, and does not count"},
		"clock near": {info(1, "clock_ahead_ms", "251"), "warn clocks n2: its clock is 251 ms from the " +
			"ensemble's"},
		"rate": {info(1, "clock_rate_off", "1"), "bad clocks n2: its clock and the leader's run at " +
			"different rates"},
		"hung": {info(1, "disk_hung", "1"), "bad disks n2: its disk does not answer"},
		"full": {info(1, "disk_low", "1", "disk_free", "1048576"),
			"bad disks n2: its disk is nearly full, 1 MiB are free"},
		"filling": {info(1, "disk_free", "1048576"), "warn disks n2: 1 MiB are free on its disk"},
		"slow disk": {info(1, "sync_p99_usec", "204800"), "warn disks n2: one sync in a hundred takes 204 " +
			"ms or more"},
		"no snapshot": {info(1, "rdb_last_bgsave_status", "err"),
			"bad snapshots n2: the last snapshot could not be written"},
		"memory near": {everywhere("maxmemory", "1100000000"),
			"warn memory : keys and values take 953 of 1049 MiB of maxmemory"},
		"memory full": {everywhere("maxmemory", "1000000000"),
			"bad memory : keys and values take all of maxmemory, 953 MiB; what grows is refused"},
		"clients": {info(1, "connected_clients", "8001"), "warn clients n2: 8001 of 10000 clients are connected"},
		"files": {info(1, "max_open_files", "1024"),
			"warn clients n2: it may open 1024 files, and --max-clients promises 10000 connections"},
		"certificate": {info(1, "certificate_expires", "1800500000"),
			"warn certificates n2: its certificate, or its authority, ends on 2027-01-21"},
		"ended": {info(1, "certificate_expires", "1799999999"),
			"bad certificates n2: its certificate, or its authority, has ended on 2027-01-15"},
		"open": {func(_ *overview.Ensemble, told []Told) { told[1].Open = true },
			"bad doors n2: it answers anybody, without a password"},
	} {
		e, told := healthy()
		c.make(e, told)
		all := Examine(today, e, told)
		if got := reading(all); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		for _, f := range all {
			if f.State != OK && f.Do == "" {
				t.Errorf("%s: nothing is said to do about %s", name, f.Found)
			}
		}
	}
}

func TestSmallEnsembles(t *testing.T) {
	for n, want := range []string{"", "warn voters : there is one voter, and its loss stops everything",
		"warn voters : 2 voters bear the loss of 0, no more than 1 would"} {
		e, told := healthy()
		if e.Nodes, told = e.Nodes[:n], told[:n]; n == 0 {
			continue
		}
		if got := reading(Examine(today, e, told)); got != want {
			t.Errorf("%d nodes: %s", n, got)
		}
	}
}

// What is not told is not judged: nodes of another version tell less.
func TestWhatIsNotToldIsNotJudged(t *testing.T) {
	e, told := healthy()
	for i := range told {
		told[i].Info = map[string]string{"cluster_id": "c", "node": told[i].Name}
	}
	told[2].Open, told[2].Addr = true, "127.0.0.1:1" // where it may
	if got := reading(Examine(today, e, told)); got != "" {
		t.Error(got)
	}
	if Worst([]Finding{{State: Warn}, {State: Bad}, {State: OK}}) != Bad || Worst(nil) != OK {
		t.Error("the worst is not found")
	}
}
