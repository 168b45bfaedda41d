package node_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// does carries out commands as one client does, each given as its words.
func does(t *testing.T, n *node.Node, commands ...string) (last caucus.Reply) {
	t.Helper()
	conn, err := waist.Of(n).Open(waist.ConnInfo{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(false)
	for _, c := range commands {
		last = conn.DoAll(t.Context(), []caucus.Command{strings.Fields(c)})[0]
		if err := last.Err(); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
	return last
}

// in opens one node in a directory, and closes it at the end of the test.
func in(t *testing.T, data string, edit func(*node.Config)) *node.Node {
	t.Helper()
	return nodetest.InProcess(t, 1, func(_ int, c *node.Config) {
		c.Data = data
		if edit != nil {
			edit(c)
		}
	})[0]
}

func lastCheckpoint(t *testing.T, n *node.Node) int64 {
	t.Helper()
	var info struct {
		Last int64 `json:"last_checkpoint"`
	}
	reply := waist.Of(n).Local(t.Context(), caucus.Command{"INFO", "json"})
	if err := json.Unmarshal([]byte(reply.Str), &info); err != nil {
		t.Fatal(err)
	}
	return info.Last
}

func TestCheckpointAnswersItsIndex(t *testing.T) {
	n := lone(t)
	first := lastCheckpoint(t, n)
	does(t, n, "SET a 1")
	index := does(t, n, "CHECKPOINT").Int
	if index <= first {
		t.Fatalf("CHECKPOINT answers %d, the snapshot before was at %d", index, first)
	}
	if last := lastCheckpoint(t, n); last != index {
		t.Errorf("CHECKPOINT answers %d, and INFO json %d right after", index, last)
	}
	does(t, n, "SET a 2")
	if next := does(t, n, "CHECKPOINT").Int; next <= index {
		t.Errorf("the next is at %d, the one before at %d", next, index)
	}
	if text := infoOf(t, n, "persistence"); strings.Contains(text, "rdb_saves:0\r\n") ||
		!strings.Contains(text, "rdb_last_bgsave_status:ok\r\n") {
		t.Error(text)
	}
}

// A checkpoint with a name is what GETDUMP says at the same index, and replaces one of that name.
func TestCheckpointWithANameWritesADump(t *testing.T) {
	data := t.TempDir()
	n := in(t, data, nil)
	path := filepath.Join(data, "checkpoints", "before-upgrade_1.jsonl")
	for _, value := range []string{"1", "2"} {
		does(t, n, "SET a "+value, "GROUP CREATE g"+value)
		var index int64
		var file []byte
		// A new ensemble still has entries of its own, so a try may come between two of them.
		nodetest.Eventually(t, "both say the same", func() bool {
			index = does(t, n, "CHECKPOINT before-upgrade_1").Int
			var err error
			if file, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
			return does(t, n, "GETDUMP").Str == string(file)
		})
		for _, want := range []string{`"index":` + strconv.FormatInt(index, 10) + ",",
			`{"key":"a","type":"string","value":"` + value + `"}`, `{"group":"g` + value + `","made":true,`} {
			if !strings.Contains(string(file), want) {
				t.Errorf("no %s in\n%s", want, file)
			}
		}
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("beside the dump there is something: %v, %v", files, err)
	}
}

func TestControlsRefuseWhatIsWrong(t *testing.T) {
	n := lone(t)
	for _, c := range []struct {
		cmd  caucus.Command
		want string
	}{
		{caucus.Command{"CHECKPOINT", ""}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", ".hidden"}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", "../up"}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", "a/b"}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", "a b"}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", "ä"}, "ERR the name of a dump"},
		{caucus.Command{"CHECKPOINT", strings.Repeat("x", 250)}, "ERR the name of a dump is 1-249"},
		{caucus.Command{"CHECKPOINT", "a", "b"}, "ERR syntax error"},
		{caucus.Command{"GETDUMP", "LINES"}, "ERR GETDUMP LINES is answered at the RESP door only"},
		{caucus.Command{"GETDUMP", "a", "b"}, "ERR wrong number of arguments"},
	} {
		if reply := waist.Of(n).Local(t.Context(), c.cmd); !strings.HasPrefix(reply.Str, c.want) {
			t.Errorf("%v: %q, want %s", c.cmd, reply.Str, c.want)
		}
	}
	does(t, n, "CHECKPOINT "+strings.Repeat("x", 249))
}

// What the disk refuses is said, leaves nothing half done, and works again once the disk does.
func TestCheckpointOnADiskThatFails(t *testing.T) {
	data := t.TempDir()
	n := in(t, data, nil)
	for _, c := range []struct{ dir, command, want string }{
		{"snap", "CHECKPOINT", "ERR the snapshot was not written: "},
		{"checkpoints", "CHECKPOINT name", " is written, but its dump "},
	} {
		does(t, n, "SET a 1", "CHECKPOINT ok", "SET a 2")
		before := lastCheckpoint(t, n)
		dir := filepath.Join(data, c.dir)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(os.Rename(dir, dir+".away"))
		must(os.WriteFile(dir, nil, 0o600)) // nothing can be written below a file
		reply := waist.Of(n).Local(t.Context(), strings.Fields(c.command))
		if reply.Kind != caucus.KindError || !strings.Contains(reply.Str, c.want) {
			t.Errorf("%s: %q, want %s", c.command, reply.Str, c.want)
		}
		if c.dir == "snap" && (lastCheckpoint(t, n) != before ||
			!strings.Contains(infoOf(t, n, "persistence"), "rdb_last_bgsave_status:err")) {
			t.Errorf("last_checkpoint is %d, it was %d", lastCheckpoint(t, n), before)
		}
		must(os.Remove(dir))
		must(os.Rename(dir+".away", dir))
		if index := does(t, n, c.command).Int; index <= before {
			t.Errorf("%s, when the disk works again: %d", c.command, index)
		}
	}
}

// The reply that would be too long is refused with what to do instead.
func TestGetDumpHasALimit(t *testing.T) {
	n := lone(t)
	does(t, n, "SET a "+strings.Repeat("x", 1000))
	if reply := n.DumpWithin(500); !strings.HasPrefix(reply.Str, "ERR the dump has more than the 500 bytes") {
		t.Errorf("%q", reply.Str)
	}
	if reply := n.DumpWithin(5000); reply.Kind != caucus.KindVerbatim {
		t.Errorf("%q", reply.Str)
	}
}

// An ensemble that begins with a dump has its keys and groups on every node, an id of its own, and higher
// tokens than the old one gave (SAFETY A16).
func TestA16_AnEnsembleBeginsWithADump(t *testing.T) {
	data := t.TempDir()
	old := in(t, data, nil)
	term := does(t, old, "GROUP JOIN g AS me", "GROUP LEADER g").Items[1].Int
	does(t, old, "SET a 1", "SET b 2 EX 1000", "GROUP CREATE made SETTLE 7", "CHECKPOINT out")
	file := filepath.Join(data, "checkpoints", "out.jsonl")
	nodes := nodetest.InProcess(t, 2, func(i int, c *node.Config) {
		if i == 0 {
			c.From = file
		}
	})
	for _, n := range nodes {
		nodetest.Eventually(t, "both nodes have what is in the dump", func() bool {
			dump := waist.Of(n).Local(t.Context(), caucus.Command{"GETDUMP"}).Str
			return strings.Contains(dump, `{"key":"a","type":"string","value":"1"}`) &&
				strings.Contains(dump, `{"key":"b","type":"string","value":"2","expires_ms":`) &&
				strings.Contains(dump, `{"group":"made","made":true,"kind":"leader","settle":7,`) &&
				!strings.Contains(dump, `"groups":["g"]`) && !strings.Contains(dump, `"group":"g"`)
		})
		if clusterOf(t, n) == clusterOf(t, old) {
			t.Error("the new ensemble has the id of the old one")
		}
	}
	if now := does(t, nodes[0], "GROUP JOIN g AS me", "GROUP LEADER g").Items[1].Int; now < term+1<<32 {
		t.Errorf("the term of the old ensemble was %d, that of the new one is %d", term, now)
	}
}

func clusterOf(t *testing.T, n *node.Node) string {
	t.Helper()
	_, id, _ := strings.Cut(infoOf(t, n, "ensemble"), "cluster_id:")
	return id[:32]
}

func TestABadDumpFoundsNothing(t *testing.T) {
	old, data := lone(t), t.TempDir()
	does(t, old, "SET a 1")
	whole := does(t, old, "GETDUMP").Str
	file := filepath.Join(t.TempDir(), "dump.jsonl")
	write := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	fails := func(cfg node.Config, want string) {
		t.Helper()
		cfg.Data, cfg.Listen, cfg.HTTP = data, "127.0.0.1:0", "off"
		n, err := node.Open(t.Context(), cfg)
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fails(node.Config{From: filepath.Join(data, "none")}, "no such file")
	fails(node.Config{From: write(whole[:len(whole)-5])}, "dump.jsonl: line ")
	fails(node.Config{From: write(strings.Replace(whole, `"string"`, `"stream"`, 1))}, `is of type "stream"`)
	fails(node.Config{From: file, Join: []string{"127.0.0.1:1"}}, "founds a new ensemble of this node alone")
	fails(node.Config{From: file, Peers: []node.Peer{{Addr: "127.0.0.1:1"}}}, "leave one of them out")
	if files, err := os.ReadDir(data); err != nil || len(files) > 0 {
		t.Fatalf("something was founded: %v, %v", files, err)
	}
	n := in(t, data, func(c *node.Config) { c.From = write(whole) })
	if got := does(t, n, "GET a").Str; got != "1" {
		t.Errorf("the right dump founds, and a is %q", got)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	fails(node.Config{From: file}, "and --from (From) founds a new one: start it without --from to go on")
	if got := does(t, in(t, data, nil), "GET a").Str; got != "1" {
		t.Errorf("without --from it goes on, and a is %q", got)
	}
}

func TestShutdownSavesWhenAsked(t *testing.T) {
	data := t.TempDir()
	n := in(t, data, nil)
	for _, c := range []struct{ words, want string }{
		{"SAVE NOSAVE", "ERR syntax error"}, {"ABORT NOW", "ERR syntax error"}, {"LATER", "ERR syntax error"},
		{"ABORT", "ERR No shutdown in progress."},
	} {
		reply := waist.Of(n).Local(t.Context(), strings.Fields("SHUTDOWN "+c.words))
		if reply.Str != c.want {
			t.Errorf("SHUTDOWN %s: %q, want %s", c.words, reply.Str, c.want)
		}
	}
	snap := filepath.Join(data, "snap")
	if err := errors.Join(os.Rename(snap, snap+".away"), os.WriteFile(snap, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	does(t, n, "SET a 1")
	reply := waist.Of(n).Local(t.Context(), caucus.Command{"SHUTDOWN", "SAVE"})
	if !strings.HasPrefix(reply.Str, "ERR the node goes on, since the snapshot was not written: ") {
		t.Errorf("SHUTDOWN SAVE on a failing disk: %q", reply.Str)
	}
	does(t, n, "SET a 2")
	if err := errors.Join(os.Remove(snap), os.Rename(snap+".away", snap)); err != nil {
		t.Fatal(err)
	}
	before := lastCheckpoint(t, n)
	if reply := waist.Of(n).Local(t.Context(), caucus.Command{"SHUTDOWN", "SAVE"}); reply.Err() != nil {
		t.Error(reply)
	}
	<-n.Done()
	n = in(t, data, nil)
	nodetest.Eventually(t, "it begins with the newer snapshot", func() bool {
		return lastCheckpoint(t, n) > before
	})
}
