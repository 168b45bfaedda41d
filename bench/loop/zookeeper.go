package loop

import (
	"context"
	"math/rand/v2"

	"github.com/go-zookeeper/zk"
)

// ZooKeeperConn is what is used of a client connection to ZooKeeper.
type ZooKeeperConn interface {
	Set(path string, data []byte, version int32) (*zk.Stat, error)
	Multi(ops ...any) ([]zk.MultiResponse, error)
}

// zooKeeperCaller sets data through a connection that it shares with others.
type zooKeeperCaller struct {
	conn  ZooKeeperConn
	rng   *rand.Rand
	depth int
}

// ZooKeeper makes callers, spread over connections, each of which sets the data of one node at a time, or
// of so many in one multi. Closing the connections is left to who opened them.
func ZooKeeper[C ZooKeeperConn](conns []C, n, depth int) Callers {
	callers := make(Callers, n)
	for i := range callers {
		callers[i] = zooKeeperCaller{conns[i%len(conns)], rand.New(rand.NewPCG(1, uint64(i))), depth}
	}
	return callers
}

// zooKeeperData is what every node has, and anyVersion says that its version does not matter.
var zooKeeperData = []byte(Value)

const anyVersion = -1

// Close implements Caller.
func (c zooKeeperCaller) Close() error { return nil }

// Fly implements Caller.
func (c zooKeeperCaller) Fly(context.Context) (int, error) {
	if c.depth == 1 {
		_, err := c.conn.Set("/"+anyKey(c.rng), zooKeeperData, anyVersion)
		return 1, err
	}
	sets := make([]any, c.depth)
	for i := range sets {
		sets[i] = &zk.SetDataRequest{Path: "/" + anyKey(c.rng), Data: zooKeeperData, Version: anyVersion}
	}
	_, err := c.conn.Multi(sets...) // one that fails fails all, and is its error
	return c.depth, err
}

// FillZooKeeper makes a node for each key.
func FillZooKeeper(conn ZooKeeperConn) error {
	for from := 0; from < Keys; from += FillAtOnce {
		var creates []any
		for n := from; n < from+FillAtOnce; n++ {
			creates = append(creates, &zk.CreateRequest{Path: "/" + Key(n), Data: zooKeeperData,
				Acl: zk.WorldACL(zk.PermAll)})
		}
		if _, err := conn.Multi(creates...); err != nil {
			return err
		}
	}
	return nil
}
