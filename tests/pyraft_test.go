package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// What pyraft's page shows of one node, done with ours. docs/pyraft.md says which of its names is shown
// where.

// Told of nobody, a node elects itself and serves. Its name is its address unless -i says another, and its
// peers' door is the port behind the clients'.
func TestPyraftNodeAlone(t *testing.T) {
	t.Parallel()
	addrs := nodetest.FreeAddresses(t, 2)
	s := newServer(t, "alone")
	s.client = addrs[0]
	s.spawn("serve", "-a", s.client, "-l", "off", "--data", s.dir)
	s.serving()
	ready := s.now().Ready()
	for _, want := range []string{" id=" + addrs[0], " client=" + addrs[0], " peers=" + addrs[1],
		" data=" + s.dir} {
		if !strings.Contains(ready, want) {
			t.Errorf("%q lacks %q", ready, want)
		}
	}
	s.do("SET", "key", "value")
	if got := s.do("GET", "key"); got != "value" {
		t.Errorf("GET key is %v", got)
	}
	if got := s.info(); got.NID != s.client || got.State != "l" || got.Term == 0 || len(got.Peers) != 0 {
		t.Errorf("INFO json says %+v", got)
	}
}

// pyraftInfo is what pyraft's info tells.
type pyraftInfo struct {
	NID        string          `json:"nid"`
	State      string          `json:"state"`
	Term       uint64          `json:"term"`
	Index      uint64          `json:"index"`
	Peers      map[string]seen `json:"peers"`
	Checkpoint uint64          `json:"last_checkpoint"`
}

type seen struct {
	State string `json:"state"`
	Addr  string `json:"addr"`
	Term  uint64 `json:"term"`
	Index uint64 `json:"index"`
}

func (s *server) info() (i pyraftInfo) {
	if err := json.Unmarshal([]byte(fmt.Sprint(s.do("INFO", "json"))), &i); err != nil {
		s.t.Error(err)
	}
	return i
}

// INFO json is one object with pyraft's fields, in its order, and ours behind: of this node, and of all
// others by name.
func TestPyraftInfo(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	leads := leader(t, list)
	index := list[1].do("CHECKPOINT").(int64)
	eventually(t, "the leader has heard how far each is", func() bool { // a heartbeat after it has joined
		for _, p := range leads.info().Peers {
			if p.Index == 0 {
				return false
			}
		}
		return true
	})
	for _, s := range list {
		text := fmt.Sprint(s.do("INFO", "json"))
		fields, at := fieldsInOrder(t, text), map[string]bool{}
		want := []string{"nid", "state", "term", "index", "peers", "last_checkpoint"}
		if !slices.Equal(fields[:len(want)], want) {
			t.Errorf("%s has the fields %q, and pyraft's are %q", text, fields, want)
		}
		info := s.info()
		if wants := map[bool]string{true: "l", false: "f"}[s == leads]; info.NID != s.name || info.State != wants {
			t.Errorf("%s says %s; it should be of state %s", s.name, text, wants)
		}
		for name, p := range info.Peers {
			at[p.Addr] = true
			if wants := map[bool]string{true: "l", false: "f"}[name == leads.name]; p.State != wants ||
				p.Term != info.Term {
				t.Errorf("%s says of %s %+v; it should be of state %s and term %d", s.name, name, p, wants, info.Term)
			}
		}
		for _, other := range list {
			if at[other.client] == (other == s) {
				t.Errorf("%s has %v as peers; it should have all but itself", s.name, at)
			}
		}
		if s == list[1] && info.Checkpoint != uint64(index) {
			t.Errorf("the last checkpoint is at %d, and CHECKPOINT answered %d", info.Checkpoint, index)
		}
	}
	list[2].kill()
	eventually(t, "the dead one's state is not known", func() bool {
		return list[0].info().Peers[list[2].name].State == "?"
	})
}

// fieldsInOrder gives the names of an object's fields as they stand there.
func fieldsInOrder(t *testing.T, text string) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if _, err := d.Token(); err != nil {
		t.Fatal(text, err)
	}
	for d.More() {
		name, err := d.Token()
		if err == nil {
			names = append(names, fmt.Sprint(name))
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			t.Fatal(text, err)
		}
	}
	if _, err := d.Token(); err != nil || d.Decode(new(any)) != io.EOF {
		t.Errorf("%s is not one object", text)
	}
	return names
}

// As many entries of the log as one says are followed by a checkpoint, which nobody has to ask for, and a
// node that is killed goes on from it and from what the log has behind it.
func TestPyraftCheckpointsByThemselves(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1", "--snapshot", "50")
	s.start()
	before := s.info().Checkpoint
	for i := range 120 {
		s.do("SET", "key", i)
	}
	eventually(t, "two checkpoints were made", func() bool { return s.info().Checkpoint >= before+100 })
	if files, err := filepath.Glob(filepath.Join(s.dir, "snap", "*")); err != nil || len(files) == 0 {
		t.Errorf("there are no snapshots: %v", err)
	}
	s.kill()
	s.start()
	if got := s.do("GET", "key"); got != "119" {
		t.Errorf("key is %v", got)
	}
}
