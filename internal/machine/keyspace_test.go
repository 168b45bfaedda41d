package machine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// read answers a command from the state as it is, by a clock that stands at the stage's time.
func (b *bare) read(local bool, args ...string) caucus.Reply {
	return b.m.Read(&entry.Op{Args: args}, (epoch0+b.now)*1000, local, steps{})
}

// watched notes keys as WATCH does.
func (b *bare) watched(keys ...string) []entry.Watch {
	reply := b.read(false, append([]string{".watch"}, keys...)...)
	ws := make([]entry.Watch, len(keys))
	for i, key := range keys {
		ws[i] = entry.Watch{Key: key, Revision: uint64(reply.Items[2*i].Int), Present: reply.Items[2*i+1].Int == 1}
	}
	return ws
}

// holds says whether a transaction that depends on ws is carried out.
func (b *bare) holds(ws []entry.Watch) bool {
	op := entry.Op{Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{{"GET", "a"}}, Watch: ws}
	applied := b.batch(op)[0].Reply
	read := b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
	if applied.IsNil() != read.IsNil() {
		b.t.Errorf("the log says %v, a read %v", applied, read)
	}
	return !applied.IsNil()
}

func TestB8_WatchHolds(t *testing.T) {
	for _, c := range []struct {
		name, before, between string
		holds                 bool
	}{
		{"present, nothing happens", "SET a 1", "", true},
		{"present, another changes", "SET a 1", "SET b 2; DEL b; INCR c", true},
		{"present, only read", "SET a 1", "GET a; TTL a; TOUCH a", true},
		{"present, set to the same", "SET a 1", "SET a 1", false},
		{"present, end changed", "SET a 1", "EXPIRE a 100", false},
		{"present, end taken away", "SET a 1 EX 100", "PERSIST a", false},
		{"present, refused change", "SET a x", "INCR a; SET a y NX; SETNX a z; EXPIRE a 1 XX", true},
		{"present, removed", "SET a 1", "DEL a", false},
		{"present, removed and back", "SET a 1", "DEL a; SET a 1", false},
		{"present, renamed away and back", "SET a 1", "RENAME a b; RENAME b a", false},
		{"present, overwritten by a rename", "SET a 1; SET b 1", "RENAME b a", false},
		{"present, flushed", "SET a 1", "FLUSHALL", false},
		{"present, expired", "SET a 1 PX 5", "later", false},
		{"absent, nothing happens", "", "", true},
		{"absent, another removed", "SET b 1", "DEL b; SET b 1", true},
		{"absent, made", "", "SET a 1", false},
		{"absent, made and removed", "", "SET a 1; DEL a", false},
		{"absent, made and expired", "", "SET a 1 PX 5; later", false},
		{"absent, made and taken", "", "SET a 1; GETDEL a", false},
		{"absent, made and renamed", "", "SET a 1; RENAME a b", false},
		{"absent, removed before", "SET a 1; DEL a", "", true},
		{"absent, all flushed: in doubt", "SET b 1", "FLUSHALL", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBare(t)
			b.script(c.before)
			ws := b.watched("a")
			b.script(c.between)
			if got := b.holds(ws); got != c.holds {
				t.Errorf("holds: %v", got)
			}
		})
	}
}

// script carries out commands divided by semicolons; later lets ten milliseconds pass.
func (b *bare) script(lines string) {
	for line := range strings.SplitSeq(lines, ";") {
		switch line = strings.TrimSpace(line); line {
		case "":
		case "later":
			b.Advance(b.now + 10)
		default:
			b.Do("c", strings.Fields(line))
		}
	}
}

func TestB8_RemovalsPastTheLast65536AreInDoubt(t *testing.T) {
	b := newBare(t)
	b.do("c", "SET first 1")
	ws := b.watched("a")
	b.do("c", "DEL first") // the oldest removal that a holds out for
	remove := func(from, n int) {
		ops := make([]entry.Op, 0, 2*n)
		for i := range n {
			key := "k" + strconv.Itoa(from+i)
			ops = append(ops, entry.Op{Args: caucus.Command{"SET", key, "v"}},
				entry.Op{Args: caucus.Command{"DEL", key}})
		}
		b.batch(ops...)
	}
	remove(0, 65_535)
	if !b.holds(ws) {
		t.Error("the last 65,536 removals are remembered, and a is not among them")
	}
	remove(70_000, 1)
	if b.holds(ws) {
		t.Error("a removal was forgotten: it may have been that of a")
	}
	if !b.holds(b.watched("a")) {
		t.Error("a watch that was begun later does not care")
	}
}

func TestB10_ScanFindsAllThatStays(t *testing.T) {
	b, other := newBare(t), newBare(t)
	var stay []string
	for i := range 500 {
		stay = append(stay, fmt.Sprintf("stay:%03d", i))
	}
	for i, key := range stay {
		b.do("c", "SET "+key+" v")
		other.do("c", "SET "+stay[len(stay)-1-i]+" v") // another history, the same keys
	}
	found := map[string]int{}
	cursor := "0"
	for round := 0; ; round++ {
		where := b
		if round%2 == 1 {
			where = other // a cursor is good on every node
		}
		page := where.do("c", "SCAN "+cursor+" COUNT 7")
		for _, key := range page.Items[1].Items {
			found[key.Str]++
		}
		if cursor = page.Items[0].Str; cursor == "0" {
			break
		}
		if n, err := strconv.ParseInt(cursor, 10, 64); err != nil || n >= 1<<62 {
			t.Fatalf("cursor %s", cursor)
		}
		for _, m := range []*bare{b, other} { // what comes and goes meanwhile does not disturb
			m.do("c", fmt.Sprintf("SET come:%d v", round))
			m.do("c", fmt.Sprintf("DEL come:%d", round-3))
		}
	}
	for _, key := range stay {
		if found[key] != 1 {
			t.Errorf("%s was found %d times", key, found[key])
		}
	}
}

func TestB10_ScanFiltersAndCounts(t *testing.T) {
	b := newBare(t)
	for i := range 100 {
		b.do("c", fmt.Sprintf("SET k%d v", i))
	}
	if page := b.do("c", "SCAN 0 COUNT 30"); len(page.Items[1].Items) != 30 || page.Items[0].Str == "0" {
		t.Errorf("a page of 30 has %d, cursor %s", len(page.Items[1].Items), page.Items[0].Str)
	}
	if page := b.do("c", "SCAN 0 COUNT 100"); len(page.Items[1].Items) != 100 || page.Items[0].Str != "0" {
		t.Errorf("a page of all has %d, cursor %s", len(page.Items[1].Items), page.Items[0].Str)
	}
	if page := b.do("c", "SCAN 0 COUNT 1000 MATCH k1?"); len(page.Items[1].Items) != 10 {
		t.Errorf("k1? matches %d", len(page.Items[1].Items))
	}
	page := b.do("c", "SCAN 18446744073709551615")
	if page.Items[0].Str != "0" || len(page.Items[1].Items) != 0 {
		t.Errorf("past the end: %+v", page)
	}
}

func TestB11_KeysEndWithAnEntryAndNotBefore(t *testing.T) {
	b := newBare(t)
	b.do("c", "SET k v PX 100")
	b.now = 150 // the clock goes on, and no entry comes yet
	for _, c := range []struct{ line, linearizable, local string }{
		{"GET k", "v", ""}, {"EXISTS k", "1", "0"}, {"TTL k", "0", "-2"}, {"PTTL k", "0", "-2"},
		{"TYPE k", "string", "none"}, {"RANDOMKEY", "k", ""}, {"STRLEN k", "1", "0"},
		{"PEXPIRETIME k", strconv.Itoa(epoch0 + 100), "-2"},
		{"OBJECT ENCODING k", "embstr", ""},
		{"OBJECT REVISION k", strconv.FormatUint(b.watched("k")[0].Revision, 10), ""},
	} {
		if got := b.read(false, strings.Fields(c.line)...).Text(); got != c.linearizable {
			t.Errorf("%s: %q", c.line, got)
		}
		if got := b.read(true, strings.Fields(c.line)...).Text(); got != c.local {
			t.Errorf("%s, local: %q", c.line, got)
		}
	}
	if all := b.read(true, "KEYS", "*"); len(all.Items) != 0 {
		t.Errorf("KEYS, local: %v", all)
	}
	if page := b.read(true, "SCAN", "0"); len(page.Items[1].Items) != 0 {
		t.Errorf("SCAN, local: %v", page)
	}
	if stamp, ok := b.m.NextDeadline(); !ok || stamp != (epoch0+100)*1000 {
		t.Errorf("the next deadline is %d, %v", stamp, ok)
	}
	b.note()
	if got := b.read(false, "GET", "k"); !got.IsNil() {
		t.Errorf("after an entry: %v", got)
	}
	if _, ok := b.m.NextDeadline(); ok {
		t.Error("a deadline is left")
	}
}

func TestB11_AWriteNeverSeesWhatIsOver(t *testing.T) {
	b := newBare(t)
	b.do("c", "SET n 5 PX 100")
	b.now = 100
	if got := b.do("c", "INCR n"); got.Int != 1 {
		t.Errorf("INCR of a key that is over: %v", got)
	}
	if got := b.do("c", "TTL n"); got.Int != -1 {
		t.Errorf("the new key has the old one's end: %v", got)
	}
}

func TestTheFarthestEndIsKept(t *testing.T) {
	b := newBare(t)
	b.do("c", "SET k v PXAT 9223372036854775807")
	if stamp, ok := b.m.NextDeadline(); !ok || stamp < 1<<60 || stamp+(1<<61) < 0 {
		t.Errorf("the next deadline is %d, %v", stamp, ok)
	}
	b.script("SET k v PXAT 9223372036854775806; PERSIST k")
	if _, ok := b.m.NextDeadline(); ok {
		t.Error("a deadline is left")
	}
}

func TestTTLIsRoundedAndCountedFromTheStamp(t *testing.T) {
	b := newBare(t)
	b.now = 1000
	b.do("c", "SET k v EX 10")
	for _, c := range []struct{ now, ttl, pttl int64 }{
		{1000, 10, 10_000}, {1500, 10, 9500}, {1501, 9, 9499}, {10_499, 1, 501}, {10_501, 0, 499}, {10_999, 0, 1},
	} {
		b.now = c.now
		if ttl, pttl := b.do("c", "TTL k").Int, b.do("c", "PTTL k").Int; ttl != c.ttl || pttl != c.pttl {
			t.Errorf("at %d: TTL %d, PTTL %d", c.now, ttl, pttl)
		}
	}
}

func TestFlushForgetsDeadlinesAndMemory(t *testing.T) {
	b := newBare(t)
	b.do("s", "GROUP JOIN g")
	b.script("SET a 1 EX 10; SET b 2")
	if keys, expiring := b.m.KeyCount(); keys != 2 || expiring != 1 || b.m.Memory() <= 0 {
		t.Errorf("%d keys, %d expiring, memory %d", keys, expiring, b.m.Memory())
	}
	b.do("c", "FLUSHALL")
	if keys, expiring := b.m.KeyCount(); keys != 0 || expiring != 0 || b.m.Memory() != 0 {
		t.Errorf("after FLUSHALL: %d keys, %d expiring, memory %d", keys, expiring, b.m.Memory())
	}
	if _, ok := b.m.NextDeadline(); ok {
		t.Error("a deadline is left")
	}
	if b.m.SessionCount() != 1 || b.m.GroupCount() != 1 {
		t.Error("B21: FLUSHALL touched sessions or groups")
	}
}

// told is a host that keeps what is published.
type told struct{ steps }

func (told) Publish(channel, payload string) int { return len(channel) + len(payload) }

func TestPublish(t *testing.T) {
	b := newBare(t)
	publish := func(channel string, host machine.Host) caucus.Reply {
		return b.m.Read(&entry.Op{Args: caucus.Command{"PUBLISH", channel, "hello"}}, 0, false, host)
	}
	if got := publish("news", told{}); got.Int != 9 {
		t.Errorf("the host says 9, PUBLISH %v", got)
	}
	if got := publish("news", nil); got.Kind != caucus.KindInt || got.Int != 0 {
		t.Errorf("without a host: %v", got)
	}
	if got := publish("caucus:g:work", told{}); got.Str != "ERR only the ensemble publishes to caucus:*" {
		t.Errorf("a channel of the ensemble: %v", got)
	}
}

func saved(t testing.TB, v *machine.View) []byte {
	var b bytes.Buffer
	if err := v.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// While a view is read, everything changes.
func TestB12_AViewOfKeysNeverChanges(t *testing.T) {
	b := newBare(t)
	for i := range 3000 {
		b.do("c", fmt.Sprintf("SET k%d v EX %d", i, 1000+i))
	}
	b.script("SET gone 1; DEL gone")
	view := b.m.View()
	before := saved(t, view)
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 20 {
				if !bytes.Equal(saved(t, view), before) {
					t.Error("the view changed")
					return
				}
			}
		})
	}
	for i := range 3000 {
		switch i % 5 {
		case 0:
			b.do("c", fmt.Sprintf("APPEND k%d more", i))
		case 1:
			b.do("c", fmt.Sprintf("DEL k%d", i))
		case 2:
			b.do("c", fmt.Sprintf("PERSIST k%d", i))
		case 3:
			b.do("c", fmt.Sprintf("RENAME k%d n%d", i, i))
		case 4:
			b.do("c", fmt.Sprintf("SET new%d v PX %d", i, i))
		}
		if i == 1500 {
			b.m.View() // a second view shares with the first
		}
	}
	b.Advance(5000)
	b.do("c", "FLUSHALL")
	readers.Wait()
	if !bytes.Equal(saved(t, view), before) {
		t.Error("the view changed")
	}
}

func TestRandomKeyDrawsAll(t *testing.T) {
	b := newBare(t)
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("k%02d", i))
		b.do("c", "SET "+names[i]+" v")
	}
	var drawn []string
	for now := range int64(1000) {
		key := b.m.Read(&entry.Op{Args: caucus.Command{"RANDOMKEY"}}, now, false, steps{}).Str
		if !slices.Contains(drawn, key) {
			drawn = append(drawn, key)
		}
	}
	if slices.Sort(drawn); !slices.Equal(drawn, names) {
		t.Errorf("drawn were %v", drawn)
	}
}
