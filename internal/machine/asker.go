package machine

import (
	"encoding/binary"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// asker is a request whose answer an entry gives that comes later (SAFETY B7).
type asker struct {
	node          uint64     // raft id of the node where the client sits
	boot          entry.Boot // of that node
	conn, request uint64     // which of its clients' requests it is
}

// WaitEnd is what a wait in line came to, for the node where its client sits.
type WaitEnd struct {
	Node          uint64
	Boot          entry.Boot
	Conn, Request uint64
	// Reply is the answer: for a lock its term when it was served, else nil, NOSESSION when its session ended;
	// for elements what was taken, nil when the time was over, TRYAGAIN when its node was away.
	Reply caucus.Reply
}

// asker gives the request of a call.
func (c *call) asker() asker {
	return asker{node: c.node, boot: c.boot, conn: c.op.Conn, request: c.op.Request}
}

// waitsInLine answers a command that waits. It is for the node of its client only, which answers the client
// when the wait is over, and keeps its session alive meanwhile, whose TTL in milliseconds it is told, 0 for
// none. The number is that of the wait, where it has one.
func waitsInLine(ttl int64, number uint64) caucus.Reply {
	return caucus.Push(caucus.Int(ttl), caucus.Int(int64(number)))
}

// answer gives the asker's node the answer.
func (m *Machine) answer(a asker, reply caucus.Reply) {
	m.out.Waits = append(m.out.Waits, WaitEnd{Node: a.node, Boot: a.boot, Conn: a.conn, Request: a.request,
		Reply: reply})
}

// id names an asker. Those of a node follow each other, and of them those of a boot.
func (a asker) id() string {
	b := append(binary.BigEndian.AppendUint64(nil, a.node), a.boot[:]...)
	return string(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, a.conn), a.request))
}

// append appends the asker's bytes; they stand in snapshots.
func (a asker) append(dst []byte) []byte {
	dst = append(fields.Uvarint(dst, a.node), a.boot[:]...)
	return fields.Uvarint(fields.Uvarint(dst, a.conn), a.request)
}

func readAsker(r *fields.Reader) asker {
	return asker{node: r.Uvarint(), boot: r.ID(), conn: r.Uvarint(), request: r.Uvarint()}
}
