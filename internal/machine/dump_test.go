package machine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/tool"
)

// dumped gives a machine with all that a dump can show, and its dump.
func dumped(t testing.TB) (*Machine, string) {
	t.Helper()
	m := full(t)
	ops := []entry.Op{}
	for _, args := range []caucus.Command{
		{"SET", "", ""}, {"SET", "bytes\xff", "\x00\x01"}, {"SET", "two\nlines", "<a> & \"b\" \u2028 ü"},
		{"SET", "b", "2"}, {"SET", "a", "1", "PXAT", "1900000000000"},
		{"GROUP", "CREATE", "made", "SETTLE", "5", "TTL", "2000", "GRACE", "10", "MIN", "2", "SLOTS", "8",
			"HEARTBEAT", "600", "VOTETIMEOUT", "250"},
		{"GROUP", "CREATE", "made/flat", "NOLEADER"}, {"CONFIG", "SET", "maxmemory", "1mb", "max-elements", "7",
			"max-key-bytes", "8000", "max-value-bytes", "9000", "notify-keyspace-events", "Ex"},
	} {
		ops = append(ops, entry.Op{Args: args})
	}
	e := &entry.Entry{Stamp: 1_700_000_002_000_000,
		Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{3}, Number: 2, Ops: ops}}}
	if out, err := m.Apply(3, 1, e, deaf{}); err != nil || out.Batches[0].Duplicate {
		t.Fatal(err, out)
	}
	return m, dump(t, m.View())
}

func dump(t testing.TB, v *View) string {
	t.Helper()
	var b strings.Builder
	if err := v.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDumpIsLinesThatPeopleRead(t *testing.T) {
	_, text := dumped(t)
	want := []string{
		`{"caucus_dump":1,"cluster_id":"07000000000000000000000000000000","index":3,"term":1,` +
			`"stamp":1700000002000000,"counter":`,
		`{"key":"","type":"string","value":""}`,
		`{"key":"a","type":"string","value":"1","expires_ms":1900000000000}`,
		`{"key":"b","type":"string","value":"2"}`,
		`{"key_b64":"Ynl0ZXP/","type":"string","value_b64":"AAE="}`,
		`{"key":"ends","type":"string","value":"soon","expires_ms":1700000011000}`,
		`{"key":"plain","type":"string","value":"value"}`,
		`{"key":"two\nlines","type":"string","value":"<a> & \"b\" \u2028 ü"}`,
		`{"group":"made","made":true,"kind":"leader","settle":5,"ttl":2000,"grace":10,"min":2,"slots":8,` +
			`"heartbeat":600,"vote_timeout":250,"state":"settling",`,
		`{"group":"made/flat","made":true,"kind":"noleader","settle":6000,`,
		`{"group":"shared","made":false,"kind":"leader",`,
		`{"group":"work","made":false,"kind":"leader",`,
		`{"session":"090000000000","ttl":`,
		`{"node":"n1","id":1,"addr":"host:5010","peer":"","http":"","metadata":"","version":"","boots":1}`,
		`{"end":true,"keys":7,"groups":4,"sessions":1,"nodes":1,"sha256":"`,
	}
	lines := slices.Collect(strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n"))
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), text)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is\n%s\nand should begin\n%s", i+1, line, want[i])
		}
	}
	for _, member := range []string{`"members":[{"name":"me","session":"090000000000",`,
		`"members":[{"name":"m1","session":"090000000000","order":1,"index":1,"slots":"0-7",`} {
		if !strings.Contains(text, member) {
			t.Errorf("no %s in\n%s", member, text)
		}
	}
}

// What is founded from a dump has its keys and the groups that were made, and nobody who could act.
func TestDumpFoundsAnother(t *testing.T) {
	m, text := dumped(t)
	d, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := CheckDump(strings.NewReader(text)); err != nil || c != d.Contents {
		t.Errorf("checked: %v, read: %+v, looked at: %+v", err, d.Contents, c)
	}
	want := Contents{Cluster: "07000000000000000000000000000000", Index: 3, Term: 1, Stamp: m.stamp,
		Revision: m.counter, Keys: 7, Groups: 4, Sessions: 1, Nodes: 1, Made: 2, Sealed: true}
	if d.Contents != want {
		t.Errorf("it is %+v, want %+v", d.Contents, want)
	}
	again := d.Found([16]byte{8}, 1_700_000_005_000_000)
	if again.cluster != [16]byte{8} || again.stamp != 1_700_000_005_000_000 || again.index != 0 ||
		again.limits != m.limits || again.sessions.Len() != 0 || again.nodes.Len() != 0 || again.groups.Len() != 2 {
		t.Errorf("founded: %+v", again.state)
	}
	m.keys.from(0, func(_ uint64, it *item) bool {
		if got, ok := again.keys.find(it.key); !ok || got.value != it.value || got.expireAt != it.expireAt {
			t.Errorf("key %q: %+v, %v", it.key, got, ok)
		}
		return true
	})
	for _, name := range []string{"made", "made/flat"} {
		a, _ := m.groups.Get(name)
		b, ok := again.groups.Get(name)
		if !ok || a.options != b.options || !b.made || b.members.Len() != 0 {
			t.Errorf("group %s: %+v, want %+v", name, b, a.options)
		}
	}
	if a, b := m.deadlines.Len(), again.deadlines.Len(); a != b+1 || b != 2 { // one is that of a poll
		t.Errorf("%d deadlines, founded with %d", a, b)
	}
	loaded, err := load(save(t, again))
	if err != nil || !bytes.Equal(save(t, loaded), save(t, again)) {
		t.Error("the founded state does not survive a snapshot", err)
	}
}

// SAFETY A16: no token that was given before the dump was taken, or up to 2^32 later, is given again.
func TestA16_AFoundedEnsembleGivesHigherTokens(t *testing.T) {
	m, text := dumped(t)
	d, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	again := d.Found([16]byte{8}, m.stamp)
	again.keys.from(0, func(_ uint64, it *item) bool {
		if it.revision <= m.counter+1<<32 {
			t.Errorf("key %q has revision %d, the old counter is %d", it.key, it.revision, m.counter)
		}
		return true
	})
	g, _ := again.groups.Get("made")
	if g.life <= m.counter+1<<32 || again.counter < g.life {
		t.Errorf("the group's life is %d, the counter %d; the old one was %d", g.life, again.counter, m.counter)
	}
}

// A key whose end came between the dump and the founding does not come back.
func TestFoundingLeavesOutWhatIsOver(t *testing.T) {
	_, text := dumped(t)
	d, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	again := d.Found([16]byte{8}, 1_700_000_011_000_000)
	if _, ok := again.keys.find("ends"); ok || again.keys.count != 6 || again.deadlines.Len() != 1 {
		t.Errorf("%d keys, %d deadlines", again.keys.count, again.deadlines.Len())
	}
}

// SAFETY B12: a dump shows one moment, whatever happens meanwhile.
func TestB12_ADumpIsOfItsMoment(t *testing.T) {
	m, text := dumped(t)
	view := m.View()
	for _, key := range []string{"a", "new", "plain"} {
		m.put(wordSet, key, value{kind: kindText, text: "other"}, 0)
	}
	m.remove(wordDel, "b")
	m.found("later", options{}).made = true
	if again := dump(t, view); again != text {
		t.Errorf("the dump changed:\n%s\nwas\n%s", again, text)
	}
}

func TestDumpReportsAFailedWrite(t *testing.T) {
	gone := errors.New("the disk is gone")
	m, _ := dumped(t)
	if err := m.View().Dump(failing{gone}); !errors.Is(err, gone) {
		t.Errorf("Dump: %v", err)
	}
}

func TestReadDumpRefusesEveryCut(t *testing.T) {
	_, text := dumped(t)
	for i := range len(text) {
		if _, err := ReadDump(strings.NewReader(text[:i])); err == nil {
			t.Fatalf("cut after %d of %d bytes, and it reads", i, len(text))
		}
	}
}

// What was damaged at any one place is never taken.
func TestReadDumpRefusesEveryChange(t *testing.T) {
	_, text := dumped(t)
	read := func(what string, at int, changed string) {
		if _, err := ReadDump(strings.NewReader(changed)); err == nil {
			t.Fatalf("%s at %d of %d bytes, and it reads:\n%s", what, at, len(text), changed)
		}
	}
	for i := range len(text) {
		for _, bit := range []byte{1 << 0, 1 << 5, 1 << 7} { // a digit, the case of a letter, no ASCII any more
			read("a flipped bit", i, text[:i]+string([]byte{text[i] ^ bit})+text[i+1:])
		}
		read("a byte too few", i, text[:i]+text[i+1:])
		read("a space too many", i, text[:i]+" "+text[i:])
	}
}

func TestReadDumpSaysWhatIsWrong(t *testing.T) {
	_, text := dumped(t)
	lines := strings.SplitAfter(text, "\n")
	with := func(line int, replacement string) string {
		all := slices.Clone(lines)
		all[line-1] = replacement
		return strings.Join(all, "")
	}
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "line 1: there is nothing in it"},
		{"something else", "SET a b\n", "line 1: this is not a dump of caucus"},
		{"a snapshot", "CAUCSNAP\x01\x00", "line 1: this is not a dump of caucus"},
		{"version", strings.Replace(text, `"caucus_dump":1`, `"caucus_dump":2`, 1),
			"line 1: it is a dump of version 2, and this version of caucus reads 1"},
		{"counter", strings.Replace(text, `"counter":`, `"counter":184467440737095516`, 1), "line 1: "},
		{"negative terms", strings.Replace(text, `"counter":`, `"counter":99999999999999999`, 1),
			"line 1: a counter of "},
		{"limit", strings.Replace(text, `"maxmemory":`, `"maxmemory":-`, 1), "line 1: maxmemory is -1048576"},
		{"cut", strings.Join(lines[:5], ""), "line 6: the dump ends here"},
		{"a line is missing", with(4, ""),
			"line 14: it says that there are 7 keys, 4 groups, 1 sessions and 1 nodes, and there are 6, 4, 1 and 1"},
		{"no JSON", with(4, "{\"key\":\"b\n"), "line 4: unexpected EOF"},
		{"unknown line", with(4, `{"poll":1}`+"\n"), `line 4: "{\"poll\":1}" begins with none of "key"`},
		{"unknown field", with(4, `{"key":"b","type":"string","value":"2","ttl":9}`+"\n"),
			`line 4: json: unknown field "ttl"`},
		{"two values in a line", with(4, `{"key":"b","type":"string","value":"2"} {}`+"\n"),
			"line 4: something follows"},
		{"no value", with(4, `{"key":"b","type":"string"}`+"\n"),
			`line 4: key "b": it has neither "value" nor "value_b64"`},
		{"two keys", with(4, `{"key":"b","key_b64":"Yg==","type":"string","value":"2"}`+"\n"),
			`line 4: it has both "key" and "key_b64"`},
		{"no base64", with(4, `{"key_b64":"%","type":"string","value":"2"}`+"\n"), "line 4: illegal base64"},
		{"type", with(4, `{"key":"b","type":"rope","value":"2"}`+"\n"),
			`line 4: key "b" is of type "rope", which this version does not know`},
		{"a hash of text", with(4, `{"key":"b","type":"hash","value":"2"}`+"\n"),
			`line 4: key "b": a hash has "elements" and no "value"`},
		{"a hash of nothing", with(4, `{"key":"b","type":"hash"}`+"\n"),
			`line 4: key "b": a hash has at least one of "elements"`},
		{"a text of elements", with(4, `{"key":"b","type":"string","value":"","elements":[{}]}`+"\n"),
			`line 4: key "b": a string has no "elements"`},
		{"a field without a value", with(4, `{"key":"b","type":"hash","elements":[{"field":"f"}]}`+"\n"),
			`line 4: key "b": element 1: it has neither "value" nor "value_b64"`},
		{"a field twice", with(4, `{"key":"b","type":"hash","elements":[{"field":"f","value":"1"},`+
			`{"field":"f","value":"2"}]}`+"\n"), `line 4: key "b": element 2 stands here for the second time`},
		{"end", with(4, `{"key":"b","type":"string","value":"2","expires_ms":-1}`+"\n"), "expires_ms is -1"},
		{"twice", with(4, lines[2]), `line 4: key "a" stands here for the second time`},
		{"group twice", with(10, lines[8]), `line 10: group "made" stands here for the second time`},
		{"group name", with(9, strings.Replace(lines[8], `"made"`, `"a//b"`, 1)),
			`line 9: group "a//b": a group name`},
		{"group kind", with(9, strings.Replace(lines[8], `"leader"`, `"boss"`, 1)),
			`line 9: group "made": the kind is leader or noleader, not "boss"`},
		{"option", with(9, strings.Replace(lines[8], `"min":2`, `"min":0`, 1)),
			`line 9: group "made": MIN must be from 1 to 100000, not 0`},
		{"options together", with(9, strings.Replace(lines[8], `"heartbeat":600`, `"heartbeat":700`, 1)),
			`line 9: group "made": HEARTBEAT 700 must be a third of TTL 2000 at most`},
		{"behind the end", text + "{}\n", `line 16: after the end there is "{}"`},
		{"two dumps", text + text, "line 16: after the end there is another dump"},
		{"another value", strings.Replace(text, `"value":"2"`, `"value":"3"`, 1),
			"line 15: the SHA-256 of all that stands before that field is "},
		{"another sum", strings.Replace(text, `"sha256":"`, `"sha256":"0`, 1), `, and it says "0`},
	} {
		if _, err := ReadDump(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// Who edits a dump takes the sum out of it. It is for ReadDump only.
func TestAnEditedDumpHasNoSum(t *testing.T) {
	_, text := dumped(t)
	edited := unsealed(text)
	edited = "\n" + strings.ReplaceAll(edited, "\n", "\r\n\n") // empty lines, and line ends of Windows
	d, err := ReadDump(strings.NewReader(edited))
	if err != nil || d.Sealed || d.Keys != 7 {
		t.Errorf("%v, %+v", err, d.Contents)
	}
	if _, err := CheckDump(strings.NewReader(edited)); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("what was edited is taken for what was written: %v", err)
	}
	lines := strings.SplitAfter(unsealed(text), "\n")
	lines[2], lines[3] = lines[3], lines[2]
	if d, err := ReadDump(strings.NewReader(strings.Join(lines, ""))); err != nil || d.Keys != 7 {
		t.Errorf("in another order: %v", err)
	}
	if _, err := CheckDump(strings.NewReader(strings.Join(lines, ""))); err == nil ||
		!strings.Contains(err.Error(), `line 4: key "a" stands behind "b", which is not their order`) {
		t.Errorf("in another order: %v", err)
	}
	lines[5] = lines[2]
	if _, err := ReadDump(strings.NewReader(strings.Join(lines, ""))); err == nil ||
		!strings.Contains(err.Error(), `line 6: key "b" stands here for the second time`) {
		t.Errorf("twice, in another order: %v", err)
	}
}

// unsealed gives a dump without its sum.
func unsealed(text string) string {
	before, _, _ := strings.Cut(text, `,"sha256":`)
	return before + "}\n"
}

// FuzzReadDump gives any bytes: they are refused with the line where they are wrong, or found an ensemble
// whose dump is read again alike, and whose snapshot every node can load.
func FuzzReadDump(f *testing.F) {
	_, text := dumped(f)
	f.Add([]byte(text))
	f.Add([]byte(dump(f, collected(f).View())))
	const head = `{"caucus_dump":1,"cluster_id":"07","index":3,"term":1,"stamp":17,"counter":5,"maxmemory":0}
`
	f.Add([]byte(head + `{"key_b64":"/w==","type":"string","value":"","expires_ms":9223372036854775807}` + "\n" +
		`{"end":true,"keys":1,"groups":0,"sessions":0,"nodes":0}`))
	f.Add([]byte(head + `{"group":"g","made":true,"kind":"noleader","settle":6000,"ttl":1e3,"min":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d *Dump
		var err error
		tool.AtMost(t, 256<<10+200*len(data), func() { d, err = ReadDump(bytes.NewReader(data)) })
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		m := d.Found([16]byte{1}, 0)
		again, err := ReadDump(strings.NewReader(dump(t, m.View())))
		if err != nil || again.Keys > d.Keys || again.Groups != d.Made {
			t.Fatal(err)
		}
		if loaded, err := load(save(t, m)); err != nil || dump(t, loaded.View()) != dump(t, m.View()) {
			t.Fatalf("what was founded cannot be loaded: %v", err)
		}
	})
}

// SAFETY A6: whatever an older ensemble's group of the nodes was like, the new one's nodes make their own.
func TestA6_TheGroupOfTheNodesIsNotFounded(t *testing.T) {
	_, text := dumped(t)
	text = strings.ReplaceAll(unsealed(text), `{"group":"made",`, `{"group":"nodes",`)
	d, err := ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	again := d.Found([16]byte{8}, 1_700_000_005_000_000)
	if _, ok := again.groups.Get(NodesGroup); ok || d.Made != 1 {
		t.Errorf("there is a group of the nodes before there is a node; %d groups", d.Made)
	}
}

// endless gives zeros for ever, as /dev/zero does.
type endless struct{ given int }

func (e *endless) Read(p []byte) (int, error) {
	clear(p)
	e.given += len(p)
	return len(p), nil
}

// A file that is no dump and has no end is refused at its beginning.
func TestADumpBeginsShort(t *testing.T) {
	var zeros endless
	_, err := ReadDump(&zeros)
	if err == nil || !strings.HasPrefix(err.Error(), "line 1: this is not a dump") || zeros.given > 1<<20 {
		t.Errorf("%v, after %d bytes", err, zeros.given)
	}
}
