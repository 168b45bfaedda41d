package doctor

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/overview"
)

// What can be wrong with the ensemble as a whole, and among its nodes.

func (x *exam) answers() string {
	for _, t := range x.told {
		if t.Error != "" {
			x.bad(t.who(), "start it with the line that it had; if it is gone for good: caucus node remove "+t.who(),
				"no answer at %s: %s", t.Addr, t.Error)
		}
	}
	return fmt.Sprintf("all %d nodes answer", len(x.told))
}

func (x *exam) quorum() string {
	switch {
	case !x.ensemble.Quorum:
		x.bad("", "a majority of the voters must reach each other: start those that are down; if they are "+
			"lost for good: caucus recover (docs/operating.md, Lost nodes)", "nobody can write or read what is newest")
	case x.ensemble.Leader == nil:
		x.warn("", "ask again; an election takes less than a second", "no leader is known to %s", x.ensemble.Name)
	default:
		return "yes; " + *x.ensemble.Leader + " leads"
	}
	return ""
}

func (x *exam) voters() string {
	voters, dead := 0, 0
	for _, n := range x.ensemble.Nodes {
		switch n.Role {
		case "learner":
			lacks := ""
			if n.Lag != nil {
				lacks = fmt.Sprintf("; it lacks %d entries", *n.Lag)
			}
			x.warn(n.Name, "it votes once it has caught up; if it stays like this, its log says why; if it is not to "+
				"come: caucus node remove "+n.Name, "it does not vote yet%s", lacks)
			continue
		case "unreachable":
			dead++
		}
		voters++
	}
	bears := (voters-1)/2 - dead
	switch {
	case voters == 1:
		x.warn("", "start two more nodes with --join", "there is one voter, and its loss stops everything")
	case voters%2 == 0:
		x.warn("", "add a node, or remove one", "%d voters bear the loss of %d, no more than %d would", voters,
			(voters-1)/2, voters-1)
	}
	if x.ensemble.Quorum && voters > 2 && bears < 1 {
		x.warn("", "bring back who is missing before another one fails",
			"the next loss of a voter stops everything")
	}
	for _, t := range x.answered() {
		if expected := t.Info["expected_nodes"]; expected != "" {
			x.warn("", "start them with --join, or caucus node remove NAME", "expected, and not there yet: %s",
				expected)
			break
		}
	}
	return fmt.Sprintf("%d vote; the loss of %d is borne", voters, bears)
}

// links looks who reaches whom, as each node says itself. Of one that does not answer nothing needs to be
// said.
func (x *exam) links() string {
	answers := map[string]bool{}
	for _, t := range x.answered() {
		answers[t.Name] = true
	}
	for _, t := range x.answered() {
		for _, peer := range strings.Split(t.Info["peers_down"], ",") {
			if answers[peer] {
				x.bad(t.who(), "look at the network and at firewalls between their peer doors",
					"it does not reach %s, which runs", peer)
			}
		}
	}
	return "every node reaches every other that runs"
}

func (x *exam) addresses() string {
	for _, t := range x.answered() {
		switch is := t.Info["cluster_id"]; {
		case is != x.ensemble.Cluster:
			x.bad(t.who(), "stop it, and start it with --join and an empty directory if it belongs here",
				"at %s is a node of another ensemble, %s and not %s", t.Addr, is, x.ensemble.Cluster)
		case t.Name != "" && t.Info["node"] != t.Name:
			x.bad(t.who(), "give each node an address of its own; see --advertise", "at its address, %s, is %s",
				t.Addr,
				t.Info["node"])
		}
	}
	doors := map[string][]string{}
	for _, n := range x.ensemble.Nodes {
		for _, addr := range []string{n.Addr, n.Peer, n.HTTP} {
			if addr != "" {
				doors[addr] = append(doors[addr], n.Name)
			}
		}
	}
	for _, addr := range slices.Sorted(maps.Keys(doors)) {
		if of := doors[addr]; len(of) > 1 {
			x.bad("", "give each door of each node an address of its own; see --advertise", "%s is the address of %s",
				addr, strings.Join(of, " and of "))
		}
	}
	x.hosts()
	return "each node is where the others look for it"
}

// hosts looks whether the nodes stand on machines of their own.
func (x *exam) hosts() {
	on := map[string][]string{}
	for _, n := range x.ensemble.Nodes {
		host, _, _ := net.SplitHostPort(n.Addr)
		on[host] = append(on[host], n.Name)
	}
	for _, host := range slices.Sorted(maps.Keys(on)) {
		ip := net.ParseIP(host)
		switch {
		case len(on) > 1 && ip != nil && ip.IsLoopback():
			x.bad(strings.Join(on[host], ","), "start it with --advertise and the host at which others reach it",
				"others look for it at %s, on their own machine", host)
		case len(on) > 1 && len(on[host]) > len(x.ensemble.Nodes)/2:
			x.warn("", "spread the nodes over more machines", "%s are all on %s; its loss stops everything",
				strings.Join(on[host], ", "), host)
		}
	}
}

func (x *exam) versions() string {
	of := func(value func(overview.Node) string) (list []string) {
		for _, n := range x.ensemble.Nodes {
			list = append(list, value(n))
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	versions := of(func(n overview.Node) string { return n.Version })
	levels := of(func(n overview.Node) string { return fmt.Sprint(n.Level) })
	if len(versions) > 1 || len(levels) > 1 {
		x.warn("", "bring all nodes to one version, one after the other; what is new is used only then",
			"versions %s, feature levels %s", strings.Join(versions, " and "), strings.Join(levels, " and "))
	}
	return fmt.Sprintf("all run %s, feature level %s", strings.Join(versions, ""), strings.Join(levels, ""))
}

// farBehind is how many entries a node may lack: what a busy ensemble does in a second or so.
const farBehind = 10_000

func (x *exam) lag() string {
	const do = "it cannot follow, or has just come back: ask again; then look at its processor, disk and network"
	for _, t := range x.answered() {
		commit, known := t.number("commit")
		applied, also := t.number("applied")
		if known && also && commit-applied > farBehind {
			x.warn(t.who(), do, "it has %d entries still to apply", commit-applied)
		}
	}
	most := uint64(0)
	for _, n := range x.ensemble.Nodes {
		if n.Lag == nil || n.Role == "unreachable" {
			continue
		}
		if most = max(most, *n.Lag); *n.Lag > farBehind {
			x.warn(n.Name, do, "it lacks %d entries", *n.Lag)
		}
	}
	return fmt.Sprintf("%d entries at most", most)
}
