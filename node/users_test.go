package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// lineOf opens a connection to a node and has it say what is given first, each of which must succeed.
func lineOf(t *testing.T, n *node.Node, first ...string) *nodetest.Line {
	t.Helper()
	l, err := nodetest.Dial(address(n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for _, cmd := range first {
		if got := says(t, l, cmd); strings.HasPrefix(got, "-") {
			t.Fatalf("%s: %s", cmd, got)
		}
	}
	return l
}

// says gives the answer to a command in a word: errors with "-" in front of theirs.
func says(t *testing.T, l *nodetest.Line, cmd string) string {
	t.Helper()
	r, err := l.Do(strings.Fields(cmd)...)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	switch {
	case r.Kind == caucus.KindError:
		return "-" + strings.Fields(r.Str)[0]
	case r.Kind == caucus.KindInt:
		return fmt.Sprint(r.Int)
	}
	return r.Str
}

// play says commands on a connection, and holds the answers against what they should be.
func play(t *testing.T, l *nodetest.Line, steps ...[2]string) {
	t.Helper()
	for _, step := range steps {
		if got := says(t, l, step[0]); got != step[1] {
			t.Errorf("%s: %s, want %s", step[0], got, step[1])
		}
	}
}

// A user made at one node comes in at another at once, and may do there what he was given and nothing else.
func TestUsersAreTheEnsembles(t *testing.T) {
	nodes := nodetest.InProcess(t, 3, func(_ int, c *node.Config) { c.Settle = -1 })
	admin := lineOf(t, nodes[0])
	for i, n := range nodes {
		name := fmt.Sprint("app", i)
		play(t, admin, [2]string{"ACL SETUSER " + name + " on >secret ~" + name + ":* &caucus:g:" + name +
			" +@all -@dangerous", "OK"})
		l := lineOf(t, n, "AUTH "+name+" secret")
		play(t, l, [2]string{"ACL WHOAMI", name}, [2]string{"SET " + name + ":k v", "OK"},
			[2]string{"GET " + name + ":k", "v"}, [2]string{"SET other v", "-NOPERM"},
			[2]string{"GET other", "-NOPERM"},
			[2]string{"GROUP JOIN " + name, "m1"}, [2]string{"GROUP JOIN else", "-NOPERM"},
			[2]string{"CONFIG GET *", "-NOPERM"},
			[2]string{"GETDUMP", "-NOPERM"}, [2]string{"SHUTDOWN", "-NOPERM"}, [2]string{"ACL LIST", "-NOPERM"},
			[2]string{"CLIENT LIST", "-NOPERM"}, [2]string{"SLOWLOG GET", "-NOPERM"},
			[2]string{"GROUP SEND else hello", "-NOPERM"}, [2]string{"CHANGES FROM 0", "-NOPERM"},
			[2]string{"MULTI", "OK"}, [2]string{"SET other v", "-NOPERM"}, [2]string{"EXEC", "-EXECABORT"})
	}
}

// What is taken from a user is gone for whoever speaks as him, on all nodes.
func TestWhatIsTakenFromAUserIsGone(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	admin := lineOf(t, nodes[0], "ACL SETUSER app on >old >new ~* &* +@all")
	old := lineOf(t, nodes[1], "AUTH app old", "SET k v")
	also := lineOf(t, nodes[1], "AUTH app new", "SUBSCRIBE news")
	kept := lineOf(t, nodes[1], "AUTH app new", "SET k v")
	play(t, admin, [2]string{"ACL SETUSER app -set", "OK"}, [2]string{"ACL SETUSER app resetchannels", "OK"})
	gone(t, also, "who may not listen any more")
	nodetest.Eventually(t, "SET is refused", func() bool { return says(t, kept, "SET k w") == "-NOPERM" })
	play(t, kept, [2]string{"GET k", "v"})
	play(t, admin, [2]string{"ACL SETUSER app <old", "OK"})
	gone(t, old, "who came in by the old password")
	play(t, kept, [2]string{"GET k", "v"})
	play(t, lineOf(t, nodes[1]), [2]string{"AUTH app old", "-WRONGPASS"}, [2]string{"AUTH app new", "OK"})
	play(t, admin, [2]string{"ACL SETUSER app off", "OK"})
	gone(t, kept, "a user who is off")
	play(t, admin, [2]string{"ACL SETUSER app on", "OK"})
	kept = lineOf(t, nodes[1], "AUTH app new")
	play(t, admin, [2]string{"ACL DELUSER app", "1"})
	gone(t, kept, "a user who was deleted")
	play(t, lineOf(t, nodes[1]), [2]string{"AUTH app new", "-WRONGPASS"})
}

// gone waits until a connection is cut.
func gone(t *testing.T, l *nodetest.Line, who string) {
	t.Helper()
	nodetest.Eventually(t, "it is cut: "+who, func() bool {
		_, err := l.Do("PING")
		return err != nil
	})
}

// A node without a password lets the default user in until he has one; then nobody comes in unknown, over
// HTTP neither, and who had come in unknown is cut.
func TestTheDefaultUserCanHaveAPassword(t *testing.T) {
	n := nodetest.InProcess(t, 1, nil)[0]
	unknown := lineOf(t, n, "SET k v")
	play(t, lineOf(t, n), [2]string{"ACL SETUSER default >top", "OK"})
	gone(t, unknown, "who has not logged in")
	play(t, lineOf(t, n), [2]string{"GET k", "-NOAUTH"}, [2]string{"AUTH nope", "-WRONGPASS"},
		[2]string{"AUTH top", "OK"}, [2]string{"GET k", "v"}, [2]string{"ACL SETUSER watch on >w +info", "OK"})
	_, _, addr := n.Addresses()
	for _, c := range []struct {
		path, user, password string
		status               int
	}{
		{"/v1/keys/k", "", "", 401}, {"/metrics", "", "", 401}, {"/v1/groups", "default", "nope", 401},
		{"/v1/keys/k", "default", "top", 200}, {"/v1/keys/k", "", "top", 200}, {"/metrics", "watch", "w", 200},
		{"/v1/keys/k", "watch", "w", 403}, {"/v1/changes", "watch", "w", 403}, {"/v1/groups", "watch", "w", 403},
		{"/v1/groups/nodes/events", "watch", "w", 403}, {"/healthz", "", "", 200},
	} {
		if got := asked(t, "http://"+addr+c.path, c.user, c.password); got != c.status {
			t.Errorf("%s as %q: %d, want %d", c.path, c.user, got, c.status)
		}
	}
}

// asked gives the status of a GET with a password.
func asked(t *testing.T, url, user, password string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		r.SetBasicAuth(user, password)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// The nodes' own password is the default user's while he has none of his own; then it lets nodes in, and
// nobody else.
func TestNewcomersNeedNoUser(t *testing.T) {
	secret := func(_ int, c *node.Config) { c.Password = "nodes" }
	n := nodetest.InProcess(t, 1, secret)[0]
	lineOf(t, n, "AUTH nodes", "ACL SETUSER admin on >top ~* &* +@all", "ACL SETUSER default off")
	play(t, lineOf(t, n), [2]string{"AUTH nodes", "-WRONGPASS"}, [2]string{"PING", "-NOAUTH"})
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	second, err := node.Open(ctx, node.Config{Name: "n2", Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
		Join: []string{address(n)}, Password: "nodes"})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	play(t, lineOf(t, second), [2]string{"GET k", "-NOAUTH"}, [2]string{"AUTH admin top", "OK"},
		[2]string{"SET k v", "OK"})
	play(t, lineOf(t, n), [2]string{"AUTH .peer nodes", "OK"}, [2]string{"GET k", "-NOPERM"},
		[2]string{"ACL LIST", "-NOPERM"}, [2]string{"GROUP JOIN nodes", "-NOPERM"})
}

// A session is that of the user who opened it: nobody else acts for it, or keeps it alive, though he knows
// its id.
func TestSessionsBelongToTheirUser(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	lineOf(t, nodes[0], "ACL SETUSER ann on >a ~* &* +@all", "ACL SETUSER bob on >b ~* &* +@all")
	ann, bob := lineOf(t, nodes[0], "AUTH ann a"), lineOf(t, nodes[1], "AUTH bob b")
	id := says(t, ann, "SESSION OPEN TTL 60000")
	play(t, ann, [2]string{"GROUP JOIN g", "m1"})
	play(t, bob, [2]string{"SESSION RESUME " + id, "-NOPERM"}, [2]string{"SESSION INFO " + id, "-NOPERM"},
		[2]string{"SESSION CLOSE " + id, "-NOPERM"})
	if r, err := bob.Do("SESSION", "KEEPALIVE", id); err != nil || len(r.Items) != 1 || r.Items[0].Int != -1 {
		t.Errorf("KEEPALIVE of another's session: %+v, %v", r, err)
	}
	eve := lineOf(t, nodes[1], "ACL SETUSER eve on >e ~* &* +@all -@dangerous", "AUTH eve e")
	play(t, eve, [2]string{"GROUP EVICT g m1", "-NOPERM"}) // it would end all that the session has
	play(t, ann, [2]string{"AUTH bob b", "OK"}, [2]string{"GROUP LEAVE g", "-NOPERM"},
		[2]string{"AUTH ann a", "OK"}, [2]string{"GROUP LEAVE g", "1"})
	_, _, addr := nodes[1].Addresses()
	for user, want := range map[string]int{"ann": 200, "bob": 403} {
		url := "http://" + addr + "/v1/sessions/" + id + "/keepalive"
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, user[:1])
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != want || err != nil {
			t.Errorf("%s asks for the session: %d %s", user, answer.StatusCode, text)
		}
	}
}

// A certificate names a user, who needs no password then.
func TestACertificateNamesAUser(t *testing.T) {
	a := nodetest.NewAuthority(t)
	n := securely(t, a, 1, nil)[0]
	dial := func(name string, cfg client.Config) (*client.Client, error) {
		cfg.Addrs, cfg.TLS = []string{address(n)}, a.Rules(name)
		return client.Dial(t.Context(), cfg)
	}
	who := func(c *client.Client) string {
		r, err := c.Do(t.Context(), caucus.Command{"ACL", "WHOAMI"})
		if err != nil {
			t.Fatal(err)
		}
		return r.Str
	}
	first, err := dial("somebody", client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if got := who(first); got != "default" {
		t.Errorf("a certificate that names nobody: %s", got)
	}
	for _, cmd := range []string{"ACL SETUSER alice on +@all ~alice:* &*", "ACL SETUSER bob on >b +@all ~* &*",
		"ACL SETUSER default off"} {
		if _, err := first.Do(t.Context(), strings.Fields(cmd)); err != nil {
			t.Fatal(cmd, err)
		}
	}
	alice, err := dial("alice", client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	if got := who(alice); got != "alice" {
		t.Errorf("alice is %s", got)
	}
	if err := alice.Set(t.Context(), "k", "v"); !errors.Is(err, caucus.ErrNoPerm) {
		t.Errorf("alice sets a key that is not hers: %v", err)
	}
	if _, err := dial("somebody", client.Config{}); !errors.Is(err, caucus.ErrNoAuth) {
		t.Errorf("a certificate that names nobody comes in: %v", err)
	}
	bob, err := dial("somebody", client.Config{User: "bob", Password: "b"})
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	if got := who(bob); got != "bob" {
		t.Errorf("bob is %s", got)
	}
}

// Users outlive a restart, whether they are in a snapshot or in the log. Their passwords are nowhere: not in
// the directory, not in INFO, SLOWLOG, GETLOG, ACL LIST or a dump.
func TestSecretsAreKept(t *testing.T) {
	const marker = "sesame-open-4711"
	log := new(nodetest.Transcript)
	cfg := node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
		Logger: slog.New(slog.NewTextHandler(log, nil))}
	n := open(t, cfg)
	lineOf(t, n, "ACL SETUSER ann on >"+marker+" ~* &* +@all", "CHECKPOINT dump",
		"ACL SETUSER bob on >"+marker+" >other ~* &* +@all", "ACL SETUSER bob <other")
	l := lineOf(t, n, "AUTH ann "+marker, "AUTH bob "+marker)
	play(t, l, [2]string{"AUTH bob " + marker + "x", "-WRONGPASS"},
		[2]string{"ACL SETUSER bob >" + marker + " nonsense", "-ERR"},
		[2]string{"ACL SETUSER bob <" + marker + "y", "-ERR"})
	for _, cmd := range []string{"INFO everything", "SLOWLOG GET -1", "GETLOG 0 99", "ACL LIST", "GETDUMP",
		"CLIENT LIST", "CONFIG GET *", "ACL LOG 100"} {
		r, err := l.Do(strings.Fields(cmd)...)
		if err != nil || strings.Contains(fmt.Sprint(r), marker) {
			t.Errorf("%s tells the secret, or fails: %v", cmd, err)
		}
		if strings.Contains(cmd, "GET") && strings.Contains(fmt.Sprint(r), "argon2id") {
			t.Errorf("%s tells hashes", cmd)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(cfg.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), marker) {
			t.Errorf("%s holds the secret", path)
		}
		if strings.HasSuffix(path, "dump.jsonl") && strings.Contains(string(text), "argon2id") {
			t.Errorf("%s holds hashes", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Fatal(files, err)
	}
	n = open(t, cfg)
	for _, user := range []string{"ann", "bob"} {
		lineOf(t, n, "AUTH "+user+" "+marker)
	}
	if strings.Contains(log.String(), marker) {
		t.Error("the log holds the secret")
	}
}

// A user who asks for too much is told so, and loses neither his connection nor his session.
func TestAUserHasARate(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, c *node.Config) { c.MaxUserRate = 100 })[0]
	l := lineOf(t, n, "ACL SETUSER ann on >a ~* &* +@all", "AUTH ann a", "SESSION OPEN")
	refused := 0
	for range 1000 {
		if says(t, l, "SET k v") == "-TRYAGAIN" {
			refused++
		}
		if got := says(t, l, "SESSION KEEPALIVE"); strings.HasPrefix(got, "-") {
			t.Fatalf("KEEPALIVE: %s", got)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	play(t, lineOf(t, n), [2]string{"GET k", "v"}) // the default user has a rate of his own
	if got := value(t, scrape(t, n), "caucus_rate_refusals_total"); got < float64(refused) {
		t.Errorf("%v refusals are told, of %d", got, refused)
	}
	nodetest.Eventually(t, "it goes on", func() bool { return says(t, l, "SET k w") == "OK" })
	nodetest.Eventually(t, "a transaction begins", func() bool { return says(t, l, "MULTI") == "OK" })
	spoiled := false
	for range 1000 {
		spoiled = spoiled || says(t, l, "SET k x") == "-TRYAGAIN"
	}
	nodetest.Eventually(t, "EXEC is answered", func() bool { return says(t, l, "EXEC") != "-TRYAGAIN" })
	if got := says(t, l, "GET k"); !spoiled || got == "x" {
		t.Errorf("a transaction of which a part was refused was carried out: %s", got)
	}
}
