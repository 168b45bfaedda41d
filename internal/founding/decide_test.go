package founding_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caucus-project/caucus/internal/founding"
)

// party is what n nodes of one list say when each has heard all.
func party(n int) []founding.Statement {
	var all []founding.Statement
	for i := range n {
		s := founding.Statement{Name: fmt.Sprintf("n%d", i+1), Addr: fmt.Sprintf("n%d:5010", i+1), Exact: true,
			Incarnation: founding.Incarnation{byte(i + 1)}, State: founding.Fresh}
		for k := range n {
			s.Heard = append(s.Heard, founding.Incarnation{byte(k + 1)})
			if k != i {
				s.List = append(s.List, founding.Entry{Name: fmt.Sprintf("n%d", k+1),
					Addr: fmt.Sprintf("n%d:5010", k+1)})
			}
		}
		all = append(all, s)
	}
	return all
}

// judge calls the roll of the first node of all, who hears the others unless they are nameless.
func judge(t *testing.T, opts founding.Options, all ...founding.Statement) founding.Decision {
	t.Helper()
	r, err := founding.New(all[0], opts)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all[1:] {
		if s.Name == "" {
			r.Silent(i, "connection refused")
		} else {
			r.Heard(i, s)
		}
	}
	return r.Decide()
}

// What is decided, when one thing differs from three nodes that agree.
func TestA12_WhatIsDecided(t *testing.T) {
	listed := founding.Options{Listed: true}
	for what, c := range map[string]struct {
		opts   founding.Options
		change func(all []founding.Statement)
		action founding.Action
		words  string // of the waits, or of the error
	}{
		"all agree": {opts: listed, action: founding.Found},
		"another has the lowest name": {listed, func(all []founding.Statement) {
			all[0].Name, all[1].List[0].Name, all[2].List[0].Name = "n9", "n9", "n9"
		}, founding.Wait, "n2 it founds the ensemble"},
		"one is silent": {listed, func(all []founding.Statement) {
			all[2].Name = ""
		}, founding.Wait, "n3 connection refused"},
		"one is joining": {listed, func(all []founding.Statement) {
			all[1].State = founding.Joining
		}, founding.Wait, "n2 it is joining an ensemble"},
		"one has not heard another": {listed, func(all []founding.Statement) {
			all[1].Heard = all[1].Heard[:2]
		}, founding.Wait, "n2 it has not heard n3; its list is: n1 at n1:5010"},
		"one has not heard this node": {listed, func(all []founding.Statement) {
			all[1].Heard = all[1].Heard[1:]
		}, founding.Wait, "n2 it has not heard this node"},
		"one has heard an earlier directory of another": {listed, func(all []founding.Statement) {
			all[1].Heard[2] = founding.Incarnation{77}
		}, founding.Wait, "n2 it has not heard n3"},
		"one has heard somebody more": {listed, func(all []founding.Statement) {
			all[1].Heard = append(all[1].Heard, founding.Incarnation{77})
		}, founding.Wait, "it has heard 4 nodes and this one 3"},
		"one belongs to an ensemble": {listed, func(all []founding.Statement) {
			all[2].State, all[2].Cluster, all[1].Name = founding.Member, [16]byte{5}, ""
		}, founding.Join, ""},
		"two belong to two ensembles": {listed, func(all []founding.Statement) {
			all[1].State, all[2].State, all[2].Cluster = founding.Member, founding.Member, [16]byte{5}
		}, founding.Fail, "n2 belongs to ensemble 00000000000000000000000000000000 and n3 to ensemble 0500"},
		"one calls itself otherwise": {listed, func(all []founding.Statement) {
			all[1].Name = "other"
		}, founding.Fail, `the node at n2:5010 is listed here as "n2" and calls itself "other"`},
		"one has this node's name": {listed, func(all []founding.Statement) {
			all[0].List[0].Name, all[1].Name = "", "n1"
		}, founding.Fail, `this node and the one at n2:5010 are both "n1"`},
		"two have one name": {listed, func(all []founding.Statement) {
			all[0].List[1].Name, all[2].Name = "", "n2"
		}, founding.Fail, `the nodes at n2:5010 and at n3:5010 are both "n2"`},
		"another file lists others": {listed, func(all []founding.Statement) {
			all[1].List[1] = founding.Entry{Name: "n4", Addr: "n4:5010"}
		}, founding.Fail, "peers: this node's file is of n1 at n1:5010, n2 at n2:5010, n3 at n3:5010; " +
			"that of n2 is of n1 at n1:5010, n2 at n2:5010, n4 at n4:5010"},
		"the file of another does not name this node": {listed, func(all []founding.Statement) {
			all[1].List, all[1].Heard = all[1].List[1:], all[1].Heard[1:]
		}, founding.Wait, "n2 its list does not name this node, which joins those on it when"},
		"another list was stated node by node": {listed, func(all []founding.Statement) {
			all[0].Exact = false
			all[1].List, all[1].Heard = all[1].List[:1], all[1].Heard[:2]
		}, founding.Wait, "n2 it has not heard n3; its list is: n1 at n1:5010"},
		"another file has another port": {listed, func(all []founding.Statement) {
			all[1].List[1].Addr = "n3:6010"
		}, founding.Fail, "port: n3 has 5010 by this node's file, and 6010 by that of n2"},
		"another file has another host": {listed, func(all []founding.Statement) {
			all[1].List[1].Addr = "localhost:5010"
		}, founding.Found, ""},
		"two files state one node's metadata differently": {listed, func(all []founding.Statement) {
			all[0].List[1].Metadata, all[1].List[1].Metadata = `{"a":1}`, `{"a":2}`
		}, founding.Fail, `metadata: n3 has {"a":1} by this node's file, and {"a":2} by that of n2`},
		"two files state this node's metadata differently": {listed, func(all []founding.Statement) {
			all[1].List[0].Metadata, all[2].List[0].Metadata = `{"a":1}`, `{"a":2}`
		}, founding.Fail, `metadata: n1 has {"a":1} by the file of n2, and {"a":2} by the file of n3`},
		"a file and the node itself state metadata differently": {listed, func(all []founding.Statement) {
			all[0].Metadata, all[1].List[0].Metadata = `{"a":1}`, `{"a":2}`
		}, founding.Fail, `metadata: n1 has {"a":1} by this node's file, and {"a":2} by that of n2`},
		"a silent one is not waited for": {founding.Options{Listed: true, Without: []string{"n3"}},
			func(all []founding.Statement) { all[2].Name, all[1].Heard = "", all[1].Heard[:2] },
			founding.Found, ""},
		"one that is not waited for was heard by another": {founding.Options{Listed: true,
			Without: []string{"n3:5010"}}, func(all []founding.Statement) { all[2].Name = "" },
			founding.Wait, "n2 it has heard 3 nodes and this one 2"},
		"this node itself answers for another": {listed, func(all []founding.Statement) {
			all[2] = all[0]
		}, founding.Wait, "n3 this node itself answers at its address, n3:5010"},
		"this node is not on the list": {founding.Options{}, nil, founding.Wait, "only joins"},
	} {
		all := party(3)
		if c.change != nil {
			c.change(all)
		}
		d := judge(t, c.opts, all...)
		said := fmt.Sprint(d.Err)
		for _, w := range d.Waits {
			said += " " + w.For + " " + w.Why
		}
		if d.Action != c.action || !strings.Contains(said, c.words) {
			t.Errorf("%s: action %d, want %d; said %s, want %s", what, d.Action, c.action, said, c.words)
		}
		if d.Action == founding.Found && d.Voters != 2 {
			t.Errorf("%s: founded for %d voters, want 2", what, d.Voters)
		}
		if d.Action == founding.Join && d.Through != "n3:5010" {
			t.Errorf("%s: joins through %s", what, d.Through)
		}
	}
}

// Who names others and is named by none registers itself: it waits until they have founded, whom it does not
// disturb, and joins them.
func TestA12_ANewcomerRegistersItself(t *testing.T) {
	all := party(3)
	late := founding.Statement{Name: "a-newcomer", Addr: "n4:5010", Exact: true, State: founding.Fresh,
		Incarnation: founding.Incarnation{4}, List: []founding.Entry{{Name: "n1", Addr: "n1:5010"}}}
	founder, err := founding.New(all[0], founding.Options{Listed: true})
	if err != nil {
		t.Fatal(err)
	}
	founder.Heard(0, all[1])
	founder.Heard(1, all[2])
	if err := founder.Compare(late); err != nil {
		t.Errorf("the founder is disturbed: %v", err)
	}
	if d := founder.Decide(); d.Action != founding.Found || d.Voters != 2 {
		t.Errorf("the founder: %+v", d)
	}
	if d := judge(t, founding.Options{Listed: true}, late, all[0]); d.Action != founding.Wait {
		t.Errorf("before the others have founded: %+v", d)
	}
	all[0].State, all[0].Cluster = founding.Member, [16]byte{5}
	d := judge(t, founding.Options{Listed: true}, late, all[0])
	if d.Action != founding.Join || d.Through != "n1:5010" {
		t.Errorf("when they have: %+v", d)
	}
}

// The same list everywhere, this node's own address in it: once it has heard itself it belongs to those who
// found, whatever the address is called.
func TestA12_OwnAddressOnTheList(t *testing.T) {
	all := party(2)
	me := all[0]
	me.Exact = false
	me.List = []founding.Entry{{Addr: "localhost:5010"}, {Addr: "n2:5010"}}
	r, err := founding.New(me, founding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Heard(1, all[1])
	if d := r.Decide(); d.Action != founding.Wait || d.Waits[0].For != "localhost:5010" {
		t.Errorf("before it has heard all: %+v", d)
	}
	r.Heard(0, r.Say())
	if d := r.Decide(); d.Action != founding.Found || d.Voters != 2 {
		t.Errorf("after it has heard itself: %+v", d)
	}
}

func TestA12_MetadataOfTheNode(t *testing.T) {
	for _, state := range []founding.State{founding.Fresh, founding.Member} {
		all := party(3)
		all[1].List[0].Metadata, all[1].State = `{"a":1}`, state
		if d := judge(t, founding.Options{Listed: true}, all...); d.Metadata != `{"a":1}` {
			t.Errorf("state %d: %+v", state, d)
		}
	}
}

func TestA12_WithoutTooMany(t *testing.T) {
	me := party(3)[0]
	for words, without := range map[string][]string{
		`founding without "n7": no such node is on the list (n2 at n2:5010, n3 at n3:5010)`: {"n7"},
		"founding without n2 and n3:5010 leaves 1 of 3 nodes":                               {"n2", "n3:5010"},
	} {
		_, err := founding.New(me, founding.Options{Listed: true, Without: without})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v, want %s", without, err, words)
		}
	}
}

func TestStatementRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 20, 60)
	rapid.Check(t, func(t *rapid.T) {
		s := founding.Statement{Name: text.Draw(t, "name"), Addr: text.Draw(t, "addr"),
			State: founding.State(rapid.IntRange(1, 3).Draw(t, "state")), Exact: rapid.Bool().Draw(t, "exact"),
			Metadata: text.Draw(t, "metadata")}
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			s.List = append(s.List, founding.Entry{Name: text.Draw(t, "n"), Addr: text.Draw(t, "a"),
				Metadata: text.Draw(t, "m")})
			s.Heard = append(s.Heard, founding.Incarnation{rapid.Byte().Draw(t, "heard")})
		}
		b := s.Append(nil)
		if again, err := founding.ReadStatement(b); err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%+v came back as %+v, %v", s, again, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := founding.ReadStatement(b[:cut]); err == nil {
			t.Fatalf("%d bytes of %d were enough", cut, len(b))
		}
	})
}

func TestStatementOfUnknownState(t *testing.T) {
	s := party(1)[0]
	s.State = 4
	if _, err := founding.ReadStatement(s.Append(nil)); err == nil || !strings.Contains(err.Error(), "state 4") {
		t.Errorf("state 4 was read: %v", err)
	}
}
