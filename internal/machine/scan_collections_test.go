package machine_test

import (
	"fmt"
	"strconv"
	"testing"
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
	all := nodes[0].do("c", scan+" k 0 COUNT 10000 MATCH stay:00?").Items[1].Items
	if len(all) != 10*together {
		t.Errorf("stay:00? matches %v", all)
	}
}
