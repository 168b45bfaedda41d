package tidy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// floors is the plan of the house. A package imports only from floors below its own, and none of its own
// floor; what two rooms of a floor both need moves down. A folder without a floor belongs to the nearest
// one above it that has.
var floors = map[string]int{
	".": 0, "internal/invariant": 0, "internal/fields": 0, "internal/glob": 0, "internal/here": 0,
	"internal/tool": 0, "internal/clocks": 0, "internal/sockets": 0, "internal/grumble": 0,

	"internal/resp": 1, "internal/entry": 1, "internal/command": 1, "internal/assign": 1, "internal/ballot": 1,
	"internal/lease": 1, "internal/founding": 1, "internal/follow": 1, "internal/waist": 1,
	"internal/overview": 1, "internal/certs": 1,

	"internal/users": 2,

	"internal/machine": 3, "internal/talk": 3,
	"internal/doctor": 3,
	"internal/story":  2, // test support

	"internal/replica": 4, "internal/raftlog": 4, "internal/peer": 4, "internal/feed": 4, "client": 4,
	"internal/post": 4, "internal/explore": 4,

	"internal/respd": 5, "internal/httpd": 5, "internal/metrics": 5, "internal/load": 5,

	"node": 6, "internal/sim": 6,

	"cmd": 7, "deploy": 7,
	"internal/nodetest": 7, "internal/tidy": 7, "tests": 7, "tests/chaos": 7, "examples": 7,
}

// room gives the folder with a floor that a folder belongs to. Only the root folder belongs to the root.
func room(folder string) (name string, ok bool) {
	for {
		if _, ok := floors[folder]; ok {
			return folder, true
		}
		i := strings.LastIndexByte(folder, '/')
		if i < 0 {
			return "", false
		}
		folder = folder[:i]
	}
}

// ours gives the folder of an import path of this module.
func ours(path string) (folder string, ok bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func downward(s source) (wrong []string) {
	from, ok := room(s.room)
	if !ok {
		return []string{s.path + ": the folder has no floor; say in internal/tidy/floors_test.go where it stands"}
	}
	if s.test {
		return nil // a test may look at the house from above
	}
	for path, at := range s.imports() {
		folder, ok := ours(path)
		if !ok {
			continue
		}
		to, ok := room(folder)
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("%s: %s has no floor", at, folder))
		case to != from && floors[to] >= floors[from]:
			wrong = append(wrong, fmt.Sprintf(
				"%s: %s (floor %d) imports %s (floor %d); imports go strictly downward, so that every room can be "+
					"understood and tested without those beside and above it", at, from, floors[from], to, floors[to]))
		}
	}
	return wrong
}

func TestImportsGoDownward(t *testing.T) { obey(t, downward) }

func TestDownwardFindsTheWrongWay(t *testing.T) {
	imports := func(to string) string {
		return fmt.Sprintf("package x\nimport %q", strings.TrimSuffix(module+"/"+to, "/."))
	}
	prove(t, downward,
		example{"internal/machine/a.go", imports("internal/entry"), 0},
		example{"internal/machine/a.go", imports("."), 0},
		example{"internal/machine/a.go", imports("internal/talk"), 1},
		example{"internal/machine/a.go", imports("internal/replica"), 1},
		example{"internal/machine/a_test.go", imports("internal/replica"), 0},
		example{"internal/httpd/ui/a.go", imports("internal/httpd"), 0},
		example{"internal/httpd/a.go", imports("internal/httpd/ui"), 0},
		example{"internal/respd/a.go", imports("internal/httpd/ui"), 1},
		example{"cmd/caucus/a.go", imports("node"), 0},
		example{"doc.go", imports("internal/invariant"), 1},
		example{"somewhere/a.go", "package x", 1},
		example{"client/a.go", imports("internal/unheard-of"), 1},
		example{"client/a.go", "package x\nimport \"example.com/far\"", 0},
	)
}

// ban keeps imports out of rooms. With only, the rooms are the only ones that may have them.
type ban struct {
	rooms   []string
	only    bool
	imports []string
	why     string
}

const (
	etcdRaft = "go.etcd.io/raft/"
	internal = module + "/internal/"
)

var bans = []ban{
	{
		rooms: []string{"internal/machine", "internal/entry", "internal/command", "internal/assign",
			"internal/lease", "internal/talk", "internal/founding", "internal/post", "internal/follow"},
		imports: []string{"time", "sync", "context", "math/rand", "os", "net", "log"},
		why:     "the room is pure: time, chance and the outside come in as values, so every node does the same",
	},
	{
		rooms:   []string{"internal/respd", "internal/httpd", "internal/load", "internal/metrics"},
		imports: []string{internal + "replica", internal + "raftlog", internal + "peer", etcdRaft},
		why:     "doors know Doer and nothing behind it",
	},
	{
		rooms: []string{"internal/replica", "internal/raftlog", "internal/peer", "node", "internal/sim",
			"internal/nodetest", "tests"},
		only:    true,
		imports: []string{etcdRaft},
		why:     "raft stays behind replica, its disk and its links; client above all never reaches it",
	},
	{
		rooms:   []string{"internal/tool", "internal/story", "internal/nodetest", "tests"},
		only:    true,
		imports: []string{"testing", internal + "tool", internal + "story", internal + "nodetest"},
		why:     "only tests use what is made for tests",
	},
	{
		rooms:   []string{"cmd", "examples"},
		only:    true,
		imports: []string{"flag", "github.com/alecthomas/kong", "os/signal"},
		why:     "flags and signals are the business of programs; libraries are embedded",
	},
	{
		rooms:   []string{"examples"},
		imports: []string{internal},
		why:     "an example shows what a stranger's program can do, who has the root, client and node",
	},
	{
		imports: []string{"hash/maphash"},
		only:    true,
		why:     "its seed differs in every process (SAFETY B9)",
	},
}

func forbids(banned, path string) bool {
	return path == banned || strings.HasPrefix(path, strings.TrimSuffix(banned, "/")+"/")
}

func banned(s source) (wrong []string) {
	if s.test {
		return nil
	}
	for path, at := range s.imports() {
		for _, b := range bans {
			hit := slices.ContainsFunc(b.imports, func(i string) bool { return forbids(i, path) })
			if hit && s.within(b.rooms...) != b.only {
				wrong = append(wrong, fmt.Sprintf("%s: %s may not import %s: %s", at, s.room, path, b.why))
			}
		}
	}
	return wrong
}

func TestNobodyImportsWhatIsBanned(t *testing.T) { obey(t, banned) }

func TestBannedFindsImports(t *testing.T) {
	imports := func(path string) string { return fmt.Sprintf("package x\nimport %q", path) }
	prove(t, banned,
		example{"internal/machine/a.go", imports("time"), 1},
		example{"internal/machine/a.go", imports("sync/atomic"), 1},
		example{"internal/machine/a.go", imports("math/rand/v2"), 1},
		example{"internal/machine/a.go", imports("log/slog"), 1},
		example{"internal/machine/a.go", imports("math"), 0},
		example{"internal/machine/a_test.go", imports("time"), 0},
		example{"internal/replica/a.go", imports("time"), 0},
		example{"internal/respd/a.go", imports(internal + "replica"), 1},
		example{"client/a.go", imports("go.etcd.io/raft/v3/raftpb"), 1},
		example{"internal/replica/a.go", imports("go.etcd.io/raft/v3"), 0},
		example{"node/a.go", imports("testing"), 1},
		example{"node/a.go", imports(internal + "tool"), 1},
		example{"node/a.go", imports(internal + "story"), 1},
		example{"node/a_test.go", imports(internal + "story"), 0},
		example{"internal/story/a.go", imports("testing"), 0},
		example{"node/a.go", imports("flag"), 1},
		example{"cmd/caucus/a.go", imports("os/signal"), 0},
		example{"internal/machine/a.go", imports("hash/maphash"), 1},
		example{"examples/lamps/main.go", imports(internal + "lease"), 1},
		example{"examples/lamps/main.go", imports(module + "/client"), 0},
		example{"examples/a_test.go", imports(internal + "nodetest"), 0},
	)
}
