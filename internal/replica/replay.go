package replica

import (
	"fmt"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Replay applies all entries to a state, also those that nothing shows to be committed: for a node whose
// peers are lost, what it has is all there is.
func Replay(m *machine.Machine, entries []*pb.Entry) error {
	for _, e := range entries {
		if err := replay(m, e); err != nil {
			return fmt.Errorf("entry %d: %w", e.GetIndex(), err)
		}
	}
	return nil
}

func replay(m *machine.Machine, e *pb.Entry) error {
	if e.GetType() != pb.EntryNormal {
		_, c, err := readChange(e)
		if err == nil && c != nil {
			c.apply(m, e.GetIndex(), e.GetTerm())
		} else {
			m.Skip(e.GetIndex(), e.GetTerm())
		}
		return err
	}
	if len(e.GetData()) == 0 {
		m.Skip(e.GetIndex(), e.GetTerm())
		return nil
	}
	decoded, err := entry.Decode(e.GetData())
	if err == nil {
		_, err = m.Apply(e.GetIndex(), e.GetTerm(), decoded, nobody{})
	}
	return err
}

// nobody is a node without clients.
type nobody struct{}

func (nobody) Steps(*entry.Batch) []entry.Step { return nil }
func (nobody) Publish(string, string) int      { return 0 }
func (nobody) Send(*machine.Message)           {}
func (nobody) Panicked(string, any)            {}
