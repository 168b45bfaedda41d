package machine_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// A cursor of HSCAN is good on every node, and finds all that stays.
func TestB10_HScanFindsAllThatStays(t *testing.T) {
	checkScan(t, "HSCAN", func(b *bare, name string) { b.do("c", "HSET k "+name+" v") },
		func(b *bare, name string) { b.do("c", "HDEL k "+name) }, 2)
}

// checkScan goes through a key of 700 elements in turns at two machines on which others come and go.
func checkScan(t *testing.T, scan string, add, drop func(b *bare, name string), together int) {
	nodes := []*bare{newBare(t), newBare(t)}
	for i := range 700 {
		add(nodes[0], fmt.Sprintf("stay:%03d", i))
		add(nodes[1], fmt.Sprintf("stay:%03d", 699-i))
	}
	found := map[string]int{}
	cursor := "0"
	for round := 0; round == 0 || cursor != "0"; round++ {
		page := nodes[round%2].do("c", scan+" k "+cursor+" COUNT 7")
		for i := 0; i < len(page.Items[1].Items); i += together {
			found[page.Items[1].Items[i].Str]++
		}
		if len(page.Items[1].Items) > 7*together {
			t.Fatalf("a page of 7 has %d", len(page.Items[1].Items)/together)
		}
		if cursor = page.Items[0].Str; round > 300 {
			t.Fatal("it does not end")
		}
		if n, err := strconv.ParseInt(cursor, 10, 64); err != nil || n >= 1<<62 {
			t.Fatalf("cursor %s", cursor)
		}
		for _, b := range nodes {
			add(b, fmt.Sprintf("come:%d", round))
			drop(b, fmt.Sprintf("come:%d", round-3))
		}
	}
	for i := range 700 {
		if name := fmt.Sprintf("stay:%03d", i); found[name] != 1 {
			t.Errorf("%s was found %d times", name, found[name])
		}
	}
	all := nodes[0].do("c", scan+" k 0 COUNT 9999 MATCH stay:00?").Items[1].Items
	if len(all) != 10*together {
		t.Errorf("stay:00? matches %v", all)
	}
}

func TestB10_SScanFindsAllThatStays(t *testing.T) {
	checkScan(t, "SSCAN", func(b *bare, name string) { b.do("c", "SADD k "+name) },
		func(b *bare, name string) { b.do("c", "SREM k "+name) }, 1)
}

// What SPOP takes is drawn with the seed of its entry: the same on every node, and in time everything.
func TestB9_SPopDrawsByTheSeed(t *testing.T) {
	taken := map[string]bool{}
	for seed := range uint64(200) {
		var first string
		for range 2 {
			b := newBare(t)
			b.do("c", "SADD s 1 2 3 4 5 6 7 8 9 10")
			popped := b.seeded(seed, "SPOP", "s", "3").Items
			if first == "" {
				first = fmt.Sprint(popped)
			}
			if fmt.Sprint(popped) != first || b.do("c", "SCARD s").Int != 7 {
				t.Fatalf("seed %d takes %v here, %s there", seed, popped, first)
			}
			for _, member := range popped {
				taken[member.Str] = true
				if b.do("c", "SISMEMBER s "+member.Str).Int != 0 {
					t.Errorf("%s was taken, and is there", member.Str)
				}
			}
		}
	}
	if len(taken) != 10 {
		t.Errorf("%d of 10 were ever taken", len(taken))
	}
}

// seeded carries out a command in an entry with a seed.
func (b *bare) seeded(seed uint64, args ...string) caucus.Reply {
	b.number++
	batch := entry.Batch{Node: 1, Boot: entry.Boot{1}, Number: b.number, Ops: []entry.Op{{Args: args}}}
	return b.apply(&entry.Entry{Seed: seed, Batches: []entry.Batch{batch}})[0].Reply
}

func TestB10_ZScanFindsAllThatStays(t *testing.T) {
	checkScan(t, "ZSCAN", func(b *bare, name string) { b.do("c", "ZADD k 1 "+name) },
		func(b *bare, name string) { b.do("c", "ZREM k "+name) }, 2)
}
