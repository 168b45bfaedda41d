package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/overview"
)

// seenEnsemble is an ensemble of nodes and groups, each "name role" or "name state".
func seenEnsemble(leader string, quorum bool, nodes, groups []string) *overview.Ensemble {
	s := &overview.Ensemble{Cluster: "c", Term: 7, Quorum: quorum}
	if leader != "" {
		s.Leader = &leader
	}
	for _, text := range nodes {
		name, role, _ := strings.Cut(text, " ")
		s.Nodes = append(s.Nodes, overview.Node{Row: overview.Row{Name: name, Role: role, Version: "1"}})
	}
	for _, text := range groups {
		name, state, _ := strings.Cut(text, " ")
		s.Groups = append(s.Groups, overview.Group{Name: name, State: state, Size: int64(len(state))})
	}
	return s
}

func TestChangesBetweenTwoLooks(t *testing.T) {
	three := []string{"n1 leader", "n2 follower", "n3 learner"}
	before := seenEnsemble("n1", true, three, []string{"g settled", "h settled"})
	newer := seenEnsemble("n1", true, three, []string{"g settled", "h settled"})
	newer.Nodes[1].Version = "2"
	other := seenEnsemble("n1", true, three, []string{"g settled", "h settled"})
	other.Cluster = "d"
	for _, c := range []struct {
		now  *overview.Ensemble
		want string
	}{
		{before, ""},
		{seenEnsemble("n2", true, []string{"n1 follower", "n2 leader", "n3 learner"}, []string{"g settled",
			"h settled"}),
			"n2 leads, term 7"},
		{seenEnsemble("", false, []string{"n1 unreachable", "n2 candidate", "n3 learner"}, []string{"g settled",
			"h settled"}),
			"the quorum is LOST; nobody leads any more; n1 cannot be reached"},
		{seenEnsemble("n1", true, []string{"n1 leader", "n3 follower", "n4 learner"}, []string{"g settling",
			"i settling"}),
			"n3 votes now; n4 has come, as learner; n2 was removed; group g is settling, with 8 members; " +
				"group i was made; group h has ended"},
		{newer, "n2 runs 2 now, and ran 1"},
		{other, "another ensemble answers: d"},
	} {
		if got := strings.Join(changesBetween(before, c.now), "; "); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
	down := seenEnsemble("", false, []string{"n1 unreachable"}, nil)
	back := seenEnsemble("n1", true, []string{"n1 leader"}, nil)
	want := "there is a quorum again; n1 leads, term 7; n1 is back, as leader"
	if got := strings.Join(changesBetween(down, back), "; "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// Where nothing can be drawn, only changes are told, and once that nobody answers.
func TestALookoutWithoutATerminalTellsOnlyChanges(t *testing.T) {
	var out bytes.Buffer
	l := &lookout{screen: &screen{out: &out}}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	s := seenEnsemble("n1", true, []string{"n1 leader", "n2 unreachable"}, []string{"g settled"})
	see := func(want string) {
		t.Helper()
		if got := out.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("told is %q, want %q", got, want)
		}
		out.Reset()
	}
	show := func(s *overview.Ensemble) {
		t.Helper()
		if err := l.show(s, at); err != nil {
			t.Fatal(err)
		}
	}
	show(s)
	see("05:06:07  2 nodes, 1 of them unreachable; n1 leads; quorum: yes; 1 groups\n")
	show(s)
	see("")
	l.lose(errors.New("refused"))
	see("nobody answers: refused; trying on\n")
	l.lose(errors.New("refused"))
	see("")
	show(s)
	see("2 nodes")
}
