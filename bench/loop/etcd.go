package loop

import (
	"context"
	"fmt"
	"math/rand/v2"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcdCaller puts or gets through a client that it shares with others.
type etcdCaller struct {
	kv    clientv3.KV
	rng   *rand.Rand
	read  bool
	depth int
}

// Etcd makes callers, spread over clients, each of which puts or gets one key at a time, or puts so many
// in one transaction. Closing the clients is left to who opened them.
func Etcd(clients []*clientv3.Client, n, depth int, read bool) Callers {
	callers := make(Callers, n)
	for i := range callers {
		callers[i] = &etcdCaller{clients[i%len(clients)], rand.New(rand.NewPCG(1, uint64(i))), read, depth}
	}
	return callers
}

// Close implements Caller.
func (c *etcdCaller) Close() error { return nil }

// Fly implements Caller. A get is linearizable, as etcd's are by default.
func (c *etcdCaller) Fly(ctx context.Context) (int, error) {
	switch {
	case c.read:
		answer, err := c.kv.Get(ctx, anyKey(c.rng))
		if err == nil && (len(answer.Kvs) != 1 || len(answer.Kvs[0].Value) != valueSize) {
			err = fmt.Errorf("a get was answered with %d keys, not one with a value", len(answer.Kvs))
		}
		return 1, err
	case c.depth == 1:
		_, err := c.kv.Put(ctx, anyKey(c.rng), Value)
		return 1, err
	}
	_, err := c.kv.Txn(ctx).Then(c.puts()...).Commit()
	return c.depth, err
}

// puts draws different keys, since a transaction of etcd may put none twice.
func (c *etcdCaller) puts() []clientv3.Op {
	list := make([]clientv3.Op, c.depth)
	first := c.rng.IntN(Keys)
	for i := range list {
		list[i] = clientv3.OpPut(keys[(first+i*197)%Keys], Value)
	}
	return list
}

// FillEtcd writes all keys.
func FillEtcd(ctx context.Context, kv clientv3.KV) error {
	for from := 0; from < Keys; from += FillAtOnce {
		if err := PutMany(ctx, kv, from); err != nil {
			return err
		}
	}
	return nil
}

// PutMany writes the FillAtOnce keys from a number on.
func PutMany(ctx context.Context, kv clientv3.KV, from int) error {
	var puts []clientv3.Op
	for n := from; n < from+FillAtOnce; n++ {
		puts = append(puts, clientv3.OpPut(Key(n), Value))
	}
	_, err := kv.Txn(ctx).Then(puts...).Commit()
	return err
}
