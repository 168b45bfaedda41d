package tests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// family is three servers that are started as QCluster's page says, each from a file of its own that names
// the other two, on ports of localhost that follow each other.
type family struct {
	t    testing.TB
	list []*server
	edit func(i int, file map[string]any) // nil: as they stand
}

func newFamily(t testing.TB, edit func(i int, file map[string]any)) *family {
	f := &family{t: t, edit: edit}
	addrs := nodetest.FreeAddresses(t, 6) // with those that the peer doors take
	for i, name := range []string{"server_a", "server_b", "server_c"} {
		s := newServer(t, name)
		s.client = addrs[i]
		f.list = append(f.list, s)
	}
	return f
}

// launch starts a server from its file.
func (f *family) launch(i int, flags ...string) {
	f.t.Helper()
	s := f.list[i]
	s.spawn(append([]string{"serve", "--config", f.write(i), "--data", s.dir, "--http", "off"}, flags...)...)
}

// write writes the file of a server and gives its path.
func (f *family) write(i int) (path string) {
	f.t.Helper()
	port := func(s *server) int {
		_, p, _ := net.SplitHostPort(s.client)
		number, _ := strconv.Atoi(p)
		return number
	}
	s := f.list[i]
	var peers []any
	for _, other := range f.list {
		if other != s {
			peers = append(peers, map[string]any{"host": "localhost", "port": port(other),
				"identifier": other.name, "metadata": map[string]any{"server_port": port(other) + 1000}})
		}
	}
	file := map[string]any{"identifier": s.name, "listen_host": "localhost", "listen_port": port(s),
		"peers": peers}
	if f.edit != nil {
		f.edit(i, file)
	}
	text, err := json.Marshal(file)
	if err != nil {
		f.t.Fatal(err)
	}
	path = s.dir + ".json"
	write(f.t.(*testing.T), path, text)
	return path
}

// together expects all servers to vote in one ensemble, and gives its id.
func (f *family) together() string {
	f.t.Helper()
	for _, s := range f.list {
		s.serving()
		s.votes()
	}
	cluster := f.list[0].report().Cluster
	for _, s := range f.list {
		if got := s.report(); got.Cluster != cluster || cluster == "" || len(got.Peers) != len(f.list)-1 {
			f.t.Errorf("%s says %+v, and the first is of ensemble %s", s.name, got, cluster)
		}
	}
	return cluster
}

// fieldOf gives a field of every node's row in ENSEMBLE NODES as one server answers it, by name.
func (s *server) fieldOf(field string) map[string]string {
	found := map[string]string{}
	for _, r := range s.do("ENSEMBLE", "NODES").([]any) {
		name, value := "", ""
		for i, row := 0, r.([]any); i+1 < len(row); i += 2 {
			switch row[i] {
			case "name":
				name = fmt.Sprint(row[i+1])
			case field:
				value = fmt.Sprint(row[i+1])
			}
		}
		found[name] = value
	}
	return found
}

// QCluster's three files, in every order of start: one ensemble, and every node knows of the leader what
// get_leader_info gives: where it is, its identifier and its metadata.
func TestA12_FilesInEveryOrder(t *testing.T) {
	t.Parallel()
	orders := [][]int{{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}}
	if testing.Short() {
		orders = orders[:2]
	}
	for _, order := range orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			f := newFamily(t, nil)
			for _, i := range order {
				wantNotServing(t, f)
				f.launch(i)
				eventually(t, "its door opens", func() bool {
					conn, err := net.Dial("tcp", f.list[i].client)
					if err == nil {
						conn.Close()
					}
					return err == nil
				})
			}
			f.together()
			leads := leader(t, f.list)
			_, port, _ := net.SplitHostPort(leads.client)
			number, _ := strconv.Atoi(port)
			want := fmt.Sprintf(`{"server_port":%d}`, number+1000)
			for _, s := range f.list {
				if got := s.fieldOf("metadata")[leads.name]; got != want {
					t.Errorf("%s says the leader's metadata are %s, want %s", s.name, got, want)
				}
				if got := s.fieldOf("addr")[leads.name]; got != leads.client {
					t.Errorf("%s says the leader is at %s, want %s", s.name, got, leads.client)
				}
			}
		})
	}
}

// A peer that is in nobody's file registers itself, by a file of its own that lists some of the others, or by
// --join: whether it is started last, or first, when it waits without disturbing those who found. Everybody
// knows it then, with what its own file says of it.
func TestPeersRegisterThemselves(t *testing.T) {
	t.Parallel()
	f := newFamily(t, nil)
	early, late, joined := newServer(t, "a_early"), newServer(t, "late"), newServer(t, "joined")
	register := func(s *server, others ...int) {
		t.Helper()
		own := &family{t: t, list: []*server{s}, edit: func(_ int, file map[string]any) {
			file["metadata"] = map[string]any{"server_port": 8004}
		}}
		for _, i := range others {
			own.list = append(own.list, f.list[i])
		}
		own.launch(0, "--peer-listen", s.peer)
	}
	register(early, 0, 2)
	early.hears("nothing is founded yet; waiting")
	f.launch(1)
	f.launch(0)
	early.hears("its list does not name this node")
	f.launch(2)
	f.list[0].serving()
	register(late, 1)
	joined.launch("--join", f.list[2].client, "--metadata", `{"server_port":8004}`)
	f.list = append(f.list, early, late, joined)
	f.together()
	for _, s := range f.list {
		said := s.fieldOf("metadata")
		for _, name := range []string{"a_early", "late", "joined"} {
			if got := said[name]; got != `{"server_port":8004}` {
				t.Errorf("%s says the metadata of %s are %s", s.name, name, got)
			}
		}
	}
}

// wantNotServing expects that nobody is served before all three were heard.
func wantNotServing(t *testing.T, f *family) {
	t.Helper()
	for _, s := range f.list {
		if s.now() != nil {
			wantLoading(t, s.client)
		}
	}
}

// Whoever is killed on the way, and however often: it is one ensemble in the end.
func TestA12_KilledWhileFounding(t *testing.T) {
	t.Parallel()
	f := newFamily(t, nil)
	for i := range f.list {
		f.launch(i)
	}
	for range 8 {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // somewhere on the way
		i := rand.IntN(len(f.list))
		f.list[i].kill()
		f.launch(i)
	}
	f.together()
	f.list[1].do("SET", "one", "ensemble")
}

// A node that lost its disk, the founder above all, waits for the others and comes back into their ensemble,
// with the same file as ever; alone it founds nothing, and says for whom it waits.
func TestA12_LostDiskFoundsNothing(t *testing.T) {
	t.Parallel()
	f := newFamily(t, nil)
	for i := range f.list {
		f.launch(i)
	}
	cluster := f.together()
	f.list[0].do("SET", "kept", "yes")
	for _, s := range f.list {
		s.has("kept", "yes")
		s.kill()
	}
	wiped := f.list[0]
	if err := os.RemoveAll(wiped.dir); err != nil {
		t.Fatal(err)
	}
	f.launch(0)
	wiped.hears("nothing is founded yet; waiting")
	wiped.wantSaid(`for="server_b, server_c"`)
	wantLoading(t, wiped.client)
	f.launch(1)
	f.launch(2)
	f.list[1].serving()
	f.list[2].serving()
	if got := f.list[1].do("GET", "kept"); got != "yes" {
		t.Errorf("what was acknowledged is %v", got)
	}
	wiped.serving()
	wiped.votes()
	if got := wiped.report().Cluster; got != cluster {
		t.Errorf("the wiped node is of ensemble %s, want %s", got, cluster)
	}
	wiped.has("kept", "yes")
}

// A12 (a): the first node, started alone, loses its disk and is started again with the same command line, at
// an address that its peers know. It founds nothing, whether they call at once or later.
func TestA12_WipedFirstNode(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	list[0].do("SET", "kept", "yes")
	cluster := list[1].report().Cluster
	wipe := func() {
		list[0].kill()
		if err := os.RemoveAll(list[0].dir); err != nil {
			t.Fatal(err)
		}
	}
	wipe()
	words := []string{list[0].name + " of ensemble " + cluster, "start it with --join ", "an empty directory"}
	list[0].refuses(words...)
	if _, err := os.Stat(filepath.Join(list[0].dir, "identity")); !os.IsNotExist(err) {
		t.Errorf("it founded an ensemble (%v)", err)
	}

	wipe()
	for _, s := range list[1:] { // they stand still, and call when it has founded already
		if err := s.now().Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	list[0].start()
	for _, s := range list[1:] {
		if err := s.now().Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if status, err := list[0].now().Status(nodetest.Patience); err != nil || status != 1 {
		t.Errorf("it ended with status %d, %v; want 1", status, err)
	}
	list[0].wantSaid(words...)
	list[1].do("SET", "still", "there")
}

// Nobody is served before a majority of the list votes, also not after a restart in between.
func TestA12_NobodyServedBeforeMajority(t *testing.T) {
	t.Parallel()
	for range 20 {
		f := newFamily(t, nil)
		for i := range f.list {
			f.launch(i)
		}
		founder, others := f.list[0], f.list[1:]
		eventually(t, "it founds", func() bool { return strings.Contains(founder.said(), "msg=founded") })
		for _, s := range others {
			if err := s.now().Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if founder.now().Ready() != "" { // they were in already
			if info := fmt.Sprint(founder.do("INFO", "ensemble")); strings.Contains(info, "voters:1\r\n") {
				t.Fatalf("it serves and alone votes:\n%s", info)
			}
			continue
		}
		founder.kill()
		f.launch(0)
		founder.hears("nobody is served yet; waiting")
		wantLoading(t, founder.client)
		if founder.now().Ready() != "" {
			continue
		}
		founder.wantSaid("nobody is served before 2 of the nodes that found this ensemble vote")
		for _, s := range others {
			if err := s.now().Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		f.together()
		return
	}
	t.Fatal("the others were in before they could be stopped, 20 times")
}

// pyraft's command lines: the first alone, each next one told of one other or of both.
func TestPyraftCommandLines(t *testing.T) {
	t.Parallel()
	list := []*server{newServer(t, "1"), newServer(t, "2"), newServer(t, "3")}
	run := func(i int, flags ...string) {
		s := list[i]
		s.spawn(append([]string{"serve", "-i", s.name, "-a", s.client, "--data", s.dir, "-l", "off",
			"--peer-listen", s.peer}, flags...)...)
	}
	run(0)
	run(2, "-e", list[1].client) // before the node that it was told of
	run(1, "-e", list[0].client)
	(&family{t: t, list: list}).together()
	both := newServer(t, "4")
	list = append(list, both)
	run(3, "-e", "1/"+list[0].client+",2/"+list[1].client)
	both.serving()
	both.votes()
}

// pyraft's -e on all three at once, with names and without, and --join with the same list everywhere.
func TestA12_ListsOnCommandLines(t *testing.T) {
	t.Parallel()
	for what, flags := range map[string]func(list []*server, i int) []string{
		"-e with names": func(list []*server, i int) []string {
			var others []string
			for _, s := range list {
				if s != list[i] {
					others = append(others, s.name+"/"+s.client)
				}
			}
			return []string{"-e", strings.Join(others, ",")}
		},
		"the same -e": func(list []*server, _ int) []string {
			return []string{"-e", list[0].client + "," + list[1].client + "," + list[2].client}
		},
		"the same --join": func(list []*server, _ int) []string {
			return []string{"--join", list[0].client, "--join", list[1].client + "," + list[2].client}
		},
		"the same --join by another host": func(list []*server, _ int) []string {
			var addrs []string
			for _, s := range list {
				addrs = append(addrs, strings.Replace(s.client, "127.0.0.1", "localhost", 1))
			}
			return []string{"--join", strings.Join(addrs, ",")}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			list := []*server{newServer(t, "n1"), newServer(t, "n2"), newServer(t, "n3")}
			for i := range list {
				list[i].launch(flags(list, i)...)
			}
			(&family{t: t, list: list}).together()
		})
	}
}

// Files that ought to be of one list and are not: the nodes end, and say which field differs and how.
func TestA12_FilesThatDiffer(t *testing.T) {
	t.Parallel()
	peer := func(file map[string]any, i int) map[string]any { return file["peers"].([]any)[i].(map[string]any) }
	for words, edit := range map[string]func(i int, file map[string]any){
		"peers: this node's file is of server_a at": func(i int, file map[string]any) {
			if i == 1 {
				file["peers"] = file["peers"].([]any)[:1]
			}
		},
		"port: server_c has ": func(i int, file map[string]any) {
			if i == 1 {
				peer(file, 1)["port"] = 9
			}
		},
		`metadata: server_c has {"a":1} by this node's file, and {"a":2} by that of server_b`: func(
			i int, file map[string]any,
		) {
			peer(file, 1)["metadata"] = map[string]any{"a": i + 1}
		},
		"other": func(i int, file map[string]any) {
			if i == 0 {
				peer(file, 0)["identifier"] = "other"
			}
		},
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			f := newFamily(t, edit)
			f.launch(1)
			f.launch(0)
			if status, err := f.list[0].now().Status(nodetest.Patience); err != nil || status != 1 {
				t.Errorf("it ended with status %d, %v; want 1", status, err)
			}
			f.list[0].wantSaid(words)
		})
	}
}

// What a file may hold beyond QCluster's fields, and that the command line wins over it.
func TestConfigFileFlags(t *testing.T) {
	t.Parallel()
	f := newFamily(t, func(_ int, file map[string]any) {
		file["max_clients"], file["log_level"], file["settle"] = 77, "debug", "250ms"
		file["peers"] = []any{}
	})
	s := f.list[0]
	f.launch(0, "--max-clients", "55")
	s.serving()
	if got := fmt.Sprint(s.do("CONFIG", "GET", "maxclients")); !strings.Contains(got, "55") {
		t.Errorf("maxclients is %s, want the command line's 55", got)
	}
	s.hears("level=DEBUG")
	for words, flags := range map[string][]string{
		`unknown field "max_cleints"`:                       {"max_cleints", "1"},
		`unknown field "max-clients"`:                       {"max-clients", "1"},
		`unknown field "id"`:                                {"id", `"x"`},
		`field "max_clients" is {}, not a string, a number`: {"max_clients", "{}"},
		`field "listen_port" is "x", not a number`:          {"listen_port", `"x"`},
	} {
		bad := newFamily(t, func(_ int, file map[string]any) { file[flags[0]] = json.RawMessage(flags[1]) })
		bad.launch(0)
		if status, err := bad.list[0].now().Status(nodetest.Patience); err != nil || status != 2 {
			t.Errorf("%s: it ended with status %d, %v; want 2", words, status, err)
		}
		bad.list[0].wantSaid("server_a.json: ", words)
	}
}

// A silent node is named in the log; --found-without goes on without it. A node that waits ends well when it
// is asked to.
func TestA12_FoundWithout(t *testing.T) {
	t.Parallel()
	f := newFamily(t, nil)
	f.launch(0)
	f.launch(1)
	f.list[0].hears(`waiting" for=server_c`)
	f.list[0].terminate()
	f.launch(0, "--found-without", "server_c")
	f.list[0].serving()
	f.list[1].serving()
	f.launch(2)
	f.together()
	alone := newFamily(t, nil)
	alone.launch(0, "--found-without", "server_x")
	if status, err := alone.list[0].now().Status(nodetest.Patience); err != nil || status != 1 {
		t.Errorf("it ended with status %d, %v; want 1", status, err)
	}
	alone.list[0].wantSaid(`founding without "server_x": no such node is on the list`)
}
