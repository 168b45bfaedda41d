package machine

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// say carries out commands, each of which must be a write.
func (m *Machine) say(lines ...string) (last caucus.Reply) {
	for _, line := range lines {
		last = m.write(m.call(&entry.Op{Args: strings.Fields(line)}))
	}
	return last
}

// collected gives a machine with a key of each kind that has a body, all of them with bytes that are no text.
func collected(t testing.TB) *Machine {
	m := full(t)
	m.say("HSET hash f v g w \xff \x00", "EXPIREAT hash 1900000000", "SADD numbers 3 1 2", "SADD set b a \xff",
		"RPUSH list b a b \xff",
		"ZADD zset 1.5 b inf a 1.5 \xff -0 zero")
	if len(bodyKinds(m)) != int(lastKind-kindText) {
		t.Fatal("a kind is missing")
	}
	return m
}

// lastKind is the highest number of a kind.
var lastKind = func() (last kind) {
	for k := kindText; k.name() != ""; k++ {
		last = k
	}
	return last
}()

func bodyKinds(m *Machine) map[kind]bool {
	kinds := map[kind]bool{}
	m.keys.bodies.Scan(func(_ uint64, b *body) bool {
		kinds[b.is] = true
		return true
	})
	return kinds
}

// shown gives all keys with all that is in them, but for their revisions.
func shown(m *Machine) string {
	var all strings.Builder
	m.keys.from(0, func(_ uint64, it *item) bool {
		fmt.Fprintf(&all, "%s %s %d", it.key, it.kind.name(), it.expireAt)
		if it.kind.hasBody() {
			b := m.keys.bodyOf(it.value)
			fmt.Fprintf(&all, " %s %v\n", b.encoding(), dumpText(b))
		} else {
			fmt.Fprintf(&all, " %q\n", it.text)
		}
		return true
	})
	return all.String()
}

// dumpText gives the elements of a body, sorted if they have no order of their own.
func dumpText(b *body) string {
	var all strings.Builder
	for _, e := range dumpElements(b) {
		back, err := e.element(b.is)
		fmt.Fprintf(&all, " %q=%q %v %v", back.name, back.value, back.score, err)
	}
	return all.String()
}

// counted checks the sums of a keyspace against what is in it.
func counted(t testing.TB, m *Machine) {
	t.Helper()
	var memory int64
	owned := 0
	m.keys.from(0, func(_ uint64, it *item) bool {
		memory += it.bytes()
		if it.kind.hasBody() {
			owned++
			b := m.keys.bodyOf(it.value)
			if b == nil || b.is != it.kind || b.len() == 0 {
				t.Errorf("%s has the body %v", it.key, b)
				return false
			}
			memory += b.weight()
		}
		return true
	})
	m.pops.waits.Scan(func(_ uint64, w *popWait) bool {
		memory += w.weight()
		return true
	})
	if memory != m.Memory() || owned != m.keys.bodies.Len() {
		t.Errorf("%d bytes are counted, and there are %d; %d bodies, and %d keys that have one",
			m.Memory(), memory, m.keys.bodies.Len(), owned)
	}
}

func TestSnapshotsHoldCollections(t *testing.T) {
	m := collected(t)
	data := save(t, m)
	again, err := load(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, again), data) || shown(again) != shown(m) {
		t.Errorf("loaded:\n%s\nwant\n%s", shown(again), shown(m))
	}
	counted(t, again)
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1
		if _, err := load(damaged); err == nil {
			t.Errorf("byte %d is damaged, and it loads", i)
		}
	}
}

func TestSnapshotsRefuseRowsOfCollectionsThatDoNotFit(t *testing.T) {
	m := New([16]byte{7}, 0)
	m.say("HSET h f v g w")
	rows := rowsOf(t, save(t, m))
	key, one, two := rows("keys")[0], rows("keys")[1], rows("keys")[2]
	other := strings.Replace(key, "\x01h", "\x01i", 1)
	for _, c := range []struct {
		name, want string
		rows       []string
	}{
		{"an element of no key", "an element follows no key", []string{one}},
		{"an element of a string", "an element follows no key", []string{"\x01\x01\x00\x01kv", one}},
		{"no element", "a key has a value without elements", []string{key}},
		{"elements turned round", "the elements of a key are not in order", []string{key, two, one}},
		{"an element twice", "the elements of a key are not in order", []string{key, one, one}},
		{"a body of two keys", "a value has the id 1, which is no other's", []string{key, one, other, one}},
		{"a body to come", "a value has the id 2, which is no other's and at most 1",
			[]string{key[:len(key)-2] + "\x02\x00", one}},
		{"a body without id", "a value has the id 0", []string{key[:len(key)-2] + "\x00\x00", one}},
		{"a short key", "the bytes end in the middle of a field", []string{key[:len(key)-1]}},
		{"a short element", "the bytes end in the middle of a field", []string{key, one[:1]}},
	} {
		data := compose(entry.Level, sections(entry.Level), func(name string) []string {
			if name == "keys" {
				return c.rows
			}
			return rows(name)
		})
		if _, err := load(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestDumpsHoldCollections(t *testing.T) {
	m := collected(t)
	text := dump(t, m.View())
	for _, line := range []string{
		`{"key":"hash","type":"hash","expires_ms":1900000000000,"elements":[{"field":"f","value":"v"},` +
			`{"field":"g","value":"w"},{"field_b64":"/w==","value_b64":"AA=="}]}` + "\n",
		`{"key":"set","type":"set","elements":[{"member":"a"},{"member":"b"},{"member_b64":"/w=="}]}` + "\n",
		`{"key":"zset","type":"zset","elements":[{"member":"zero","score":"0"},{"member":"b","score":"1.5"},` +
			`{"member_b64":"/w==","score":"1.5"},{"member":"a","score":"inf"}]}` + "\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	d, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := CheckDump(strings.NewReader(text)); err != nil || c != d.Contents {
		t.Errorf("checked: %v, %+v", err, c)
	}
	again := d.Found(m.cluster, m.stamp)
	if shown(again) != shown(m) {
		t.Errorf("founded:\n%s\nwant\n%s", shown(again), shown(m))
	}
	counted(t, again)
	late, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	left := late.Found(m.cluster, 1_900_000_000_000_000)
	if _, ok := left.keys.find("hash"); ok {
		t.Error("a hash whose end has come is there")
	}
	counted(t, left)
}

// Whatever becomes of a key, its body and the sums go with it.
func TestB13_CollectionsAreCounted(t *testing.T) {
	m := New([16]byte{}, 0)
	m.now = 1_700_000_000_000_000
	for _, line := range []string{
		"HSET h a 1 b 2", "HSET h a longer c 3", "HDEL h a none", "HINCRBY h n 5", "HINCRBYFLOAT h n 1.5",
		"HSETNX h d 1", "EXPIRE h 100", "PERSIST h", "COPY h i", "HSET i a 1", "RENAME i j", "RENAME h j",
		"COPY j k", "COPY j k REPLACE",
		"SET k text", "COPY j l", "COPY k j REPLACE", "HSET m a 1", "HDEL m a", "HSET n a 1",
		"EXPIREAT n 1", "HSET o a 1", "DEL o none", "HSET p a 1", "UNLINK p", "HSET q a 1", "RENAMENX q r",
		"RENAME r r", "HSET s a 1", "MSET s 1 r 2", "HSET t a 1", "RENAMENX t s",
		"SADD a 1 2 3 4 5", "SADD b 4 5 6", "SREM a 1 9", "SMOVE a b 2", "SMOVE a b 4",
		"SPOP b", "SUNIONSTORE c a b",
		"SINTERSTORE c a b", "SDIFFSTORE a a b", "SDIFFSTORE b b b", "SADD d 1 2 x", "SPOP d 2", "SPOP d",
		"SADD d 1", "SMOVE d e 1", "SADD d x", "SUNIONSTORE v d d", "COPY d e REPLACE", "SET d x", "SADD e z",
		"RENAME e d", "ZADD z 1 a 2 b 3 c", "ZADD z 2 a", "ZADD z 2 a", "ZINCRBY z 5 a", "ZREM z b none",
		"COPY z y",
		"ZPOPMIN z", "ZPOPMAX z", "ZADD z 1 a 2 b 3 c 4 d 5 e", "ZRANGESTORE x z 1 2", "ZREMRANGEBYRANK z 0 0",
		"ZREMRANGEBYSCORE z 2 2", "ZREMRANGEBYLEX z - [c", "ZUNIONSTORE z 2 z x", "ZINTERSTORE y 2 z x",
		"ZDIFFSTORE z 2 z x", "ZMPOP 2 none z MAX COUNT 9", "ZDIFFSTORE x 1 none", "RENAME y z", "SET z x",
		"FLUSHALL", "HSET v a 1",
	} {
		m.say(line)
		if counted(t, m); t.Failed() {
			t.Fatalf("after %s", line)
		}
	}
	if shown(m) != "v hash 0 listpack  \"a\"=\"1\" 0 <nil>\n" {
		t.Errorf("left is %q", shown(m))
	}
}

func TestChangesTellOfCollections(t *testing.T) {
	m := New([16]byte{}, 0)
	m.now = 1_700_000_000_000_000
	m.say("HSET h a 1 b 2", "HSETNX h a 2", "HSETNX h c 2", "HMSET h a 1", "HDEL h none", "HDEL h a b",
		"HINCRBY h c 1", "HINCRBYFLOAT h c 1", "HINCRBY h c x", "HSET h x 1 y", "RENAME h i", "COPY i j",
		"HDEL i c", "HSET j a 1", "EXPIREAT j 1", "SADD s a b", "SADD s a", "SREM s none", "SREM s a", "SADD s c d",
		"SMOVE s t c", "SADD s c", "SMOVE s t c", "SPOP s", "SPOP s 9", "SUNIONSTORE u t", "SINTERSTORE u t",
		"SDIFFSTORE u t",
		"SDIFFSTORE u t t", "SDIFFSTORE u t t",
		"ZADD z 1 a", "ZADD z 1 a", "ZADD z XX 1 b", "ZADD z 2 a", "ZINCRBY z 1 a", "ZINCRBY z 0 a",
		"ZADD z INCR 1 a",
		"ZREM z b", "ZREM z a", "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZPOPMIN z", "ZMPOP 1 z MAX",
		"ZREMRANGEBYRANK z 0 0", "ZREMRANGEBYSCORE z 3 3", "ZRANGESTORE y z 0 0", "ZREMRANGEBYLEX z - +",
		"ZUNIONSTORE z 1 y", "ZINTERSTORE z 1 y", "ZDIFFSTORE z 1 y", "ZDIFFSTORE z 1 none", "ZDIFFSTORE z 1 none")
	var told []string
	last := uint64(0)
	m.history.from(0, func(c *keyChange) bool {
		if c.revision != last+1 {
			t.Errorf("revision %d follows %d", c.revision, last)
		}
		last = c.revision
		told = append(told, c.key+":"+c.word.String())
		return true
	})
	const want = "h:hset h:hset h:hset h:hdel h:hincrby h:hincrbyfloat h:rename_from i:rename_to j:copy_to " +
		"i:hdel i:del j:hset j:del s:sadd s:srem s:sadd s:srem t:sadd s:sadd s:srem s:spop s:spop s:del " +
		"u:sunionstore u:sinterstore u:sdiffstore u:del z:zadd z:zadd z:zincr z:zincr z:zrem z:del z:zadd " +
		"z:zpopmin z:zpopmax z:zremrangebyrank z:zremrangebyscore y:zrangestore z:zremrangebylex z:del " +
		"z:zunionstore z:zinterstore z:zdiffstore z:del"
	if got := strings.Join(told, " "); got != want {
		t.Errorf("told was\n%s\nwant\n%s", got, want)
	}
}

// While a view is read, every collection changes in every way.
func TestB12_AViewOfCollectionsNeverChanges(t *testing.T) {
	m := New([16]byte{3}, 0)
	for i := range 80 {
		for j := range 40 {
			m.say(fmt.Sprintf("HSET h%d f%d v", i, j), fmt.Sprintf("SADD s%d m%d", i, j),
				fmt.Sprintf("ZADD z%d %d m%d", i, j, j))
		}
	}
	view := m.View()
	before := saved(t, view)
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 5 {
				if !bytes.Equal(saved(t, view), before) {
					t.Error("the view changed")
				}
			}
		})
	}
	for i := range 80 {
		m.say(fmt.Sprintf("HSET h%d f%d w new x", i, i%40), fmt.Sprintf("HDEL h%d f%d", i, (i+1)%40))
		m.say(fmt.Sprintf("SADD s%d new", i), fmt.Sprintf("SREM s%d m%d", i, i%40), fmt.Sprintf("SPOP s%d 5", i),
			fmt.Sprintf("ZADD z%d 7 new 8 m9", i), fmt.Sprintf("ZPOPMIN z%d 3", i), fmt.Sprintf("ZREM z%d m20", i))
		switch i % 5 {
		case 0:
			m.say(fmt.Sprintf("SUNIONSTORE s%d s%d s%d", i, i+1, i+2), fmt.Sprintf("SMOVE s%d s%d m7", i+1, i+2),
				fmt.Sprintf("ZUNIONSTORE z%d 2 z%d z%d", i, i, i+1), fmt.Sprintf("ZREMRANGEBYRANK z%d 2 5", i+1))
			m.say(fmt.Sprintf("RENAME h%d n%d", i, i), fmt.Sprintf("HDEL n%d f5", i))
		case 1:
			m.say(fmt.Sprintf("COPY h%d c%d", i, i), fmt.Sprintf("HSET c%d f6 y", i), fmt.Sprintf("HSET h%d f7 z", i))
		case 2:
			m.say(fmt.Sprintf("DEL h%d", i))
		case 3:
			m.View()
		}
	}
	m.say("FLUSHALL", "HSET h1 f1 v")
	readers.Wait()
	if !bytes.Equal(saved(t, view), before) {
		t.Error("the view changed")
	}
}

func saved(t testing.TB, v *View) []byte {
	var b bytes.Buffer
	if err := v.Save(&b); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}
