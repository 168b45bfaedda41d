package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// asUser makes a user of a name with a password and with these rights alone, and gives the flags by which a
// verb logs in.
func asUser(t *testing.T, c *nodetest.Cluster, name, rights string) []string {
	t.Helper()
	set := append([]string{"ACL", "SETUSER", name, "reset", "on", ">word of " + name}, strings.Fields(rights)...)
	if _, err := nodetest.Ask(c.Addr(0), set...); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte("word of "+name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--addr", c.Addr(0), "--user", name, "--password-file", file}
}

// rightsOf gives the rights that each verb needs, as docs/security.md has them in a table.
func rightsOf(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| verb | rights |\n| --- | --- |\n")
	rights := map[string]string{}
	for line := range strings.Lines(table) {
		const bar = "\x00" // one that divides no cells
		cells := strings.Split(strings.ReplaceAll(line, `\|`, bar), "|")
		if len(cells) < 4 {
			break
		}
		for verb := range strings.SplitSeq(cells[1], ",") {
			rights[strings.Trim(verb, " `")] = strings.NewReplacer("`", "", bar, "|").Replace(cells[2])
		}
	}
	return rights
}

// trials are what a user tries, and what is then to be seen.
var trials = []struct{ verb, line, says string }{
	{"join", "join --settle 0 app/join -- env", "CAUCUS_INDEX=1\n"},
	{"join --slots", "join --settle 0 --slots 4 app/slots -- env", "CAUCUS_SLOTS=0-3\n"},
	{"elect", "elect app/elect -- env", "CAUCUS_TERM="},
	{"lock", "lock app/lock -- env", "CAUCUS_GROUP=lock/app/lock\n"},
	{"vote", "vote --timeout 20ms app/there lunch", "no"},
	{"send", "send app/there hello", "sent to 1"},
	{"status", "status", "quorum yes"},
	{"doctor", "doctor", "voters"},
	{"ping", "ping", "PONG"},
	{"ping --ready", "ping --ready", "PONG"},
	{"node list", "node-list", "leader"},
	{"node add", "node-add n9 127.0.0.1:9", "n9 is expected"},
	{"node remove", "node-remove n9", "n9 is removed"},
	{"node transfer", "node-transfer n1", "n1 leads"},
	{"backup", "backup -", "{"},
	{"backup --local", "backup --local -", "{"},
	{"bench set", "bench set -c 1 -n 10 --keys 5 --warmup 0s", "set: 10 commands"},
	{"bench get", "bench get -c 1 -n 10 --keys 5 --warmup 0s", "get: 10 commands"},
	{"bench mixed", "bench mixed -c 1 -n 10 --keys 5 --warmup 0s", "mixed: 10 commands"},
	{"bench incr", "bench incr -c 1 -n 10 --keys 5 --warmup 0s", "incr: 10 commands"},
	{"bench churn", "bench churn -c 1 -n 10 --warmup 0s", "churn: 10 commands"},
	{"bench heartbeats", "bench heartbeats -c 1 -n 10 --warmup 0s", "heartbeats: 10 commands"},
}

// Each verb does its work for a user who has no more than the rights that docs/security.md names for it. Who
// has none is told so, and what to do.
func TestVerbsNeedTheRightsThatAreTold(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	there := nodetest.Command(t, nodetest.Binary(t), "join", "--addr", c.Addr(0), "--settle", "0",
		"--as", "there", "app/there", "sleep", "1000")
	if err := there.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = there.Process.Signal(os.Interrupt) // it has ended already, if that fails
		_ = there.Wait()
	})
	nodetest.Eventually(t, "a member is there", func() bool {
		r, err := nodetest.Ask(c.Addr(0), "GROUP", "MEMBERS", "app/there")
		return err == nil && len(r.Items) == 1
	})
	rights := rightsOf(t)
	for _, try := range trials {
		words := strings.Fields(try.line)
		verbs := strings.Split(words[0], "-")
		name := strings.ReplaceAll(try.verb, " ", "_")
		run := func(rights string) (int, string) {
			args := append(append(verbs[:len(verbs):len(verbs)], asUser(t, c, name, rights)...), words[1:]...)
			status, out, said := verb(t, args...)
			return status, out + said
		}
		if status, said := run(""); status == 0 && try.verb != "doctor" || !strings.Contains(said, "NOPERM") {
			t.Errorf("%s without a right: %d\n%s", try.verb, status, said)
		}
		own := strings.ReplaceAll(rights["all"]+rights[try.verb], "GROUP", "app/*")
		status, said := run(own)
		if status != 0 && try.verb != "vote" && try.verb != "doctor" || !strings.Contains(said, try.says) ||
			strings.Contains(said, "NOPERM") {
			t.Errorf("%s with %s: %d\n%s", try.verb, own, status, said)
		}
	}
}

// Who may hear of a group watches it, and who may not is told so.
func TestUsersWatchTheirGroups(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "CREATE", "app/g", "SETTLE", "0"); err != nil {
		t.Fatal(err)
	}
	line, err := nodetest.Dial(c.Addr(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	for _, words := range [][]string{{"SESSION", "OPEN"}, {"GROUP", "JOIN", "app/g", "AS", "m"}} {
		if reply, err := line.Do(words...); err != nil || reply.Err() != nil {
			t.Fatal(words, err, reply)
		}
	}
	rights := rightsOf(t)
	own := strings.ReplaceAll(rights["all"]+rights["watch"], "GROUP", "app/*")
	flags := asUser(t, c, "watcher", own)
	// It ends when nobody reads any more what it writes.
	watch := nodetest.Command(t, "sh", append([]string{"-c", `"$0" "$@" | head -n 1`,
		nodetest.Binary(t), "watch", "--from", "0", "app/g"}, flags...)...)
	if out, err := watch.CombinedOutput(); err != nil || !strings.Contains(string(out), `"joined"`) {
		t.Errorf("%v\n%s", err, out)
	}
	status, _, said := verb(t, append([]string{"watch", "other"}, flags...)...)
	if status != 1 || !strings.Contains(said, "NOPERM") || !strings.Contains(said, "ACL SETUSER") {
		t.Errorf("another's group: %d\n%s", status, said)
	}
}

// Whom the nodes do not know is told what to state.
func TestVerbsSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	flags := asUser(t, c, "app", "+@all")
	if _, err := nodetest.Ask(c.Addr(0), "ACL", "SETUSER", "default", "off"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // for the cluster's own look at its end
		line, err := nodetest.Dial(c.Addr(0))
		if err != nil {
			t.Fatal(err)
		}
		defer line.Close()
		for _, words := range [][]string{{"AUTH", "app", "word of app"}, {"ACL", "SETUSER", "default", "on"}} {
			if reply, err := line.Do(words...); err != nil || reply.Err() != nil {
				t.Error(words, err, reply)
			}
		}
	})
	for _, try := range []struct {
		args []string
		says string
	}{
		{flags[:2], "NOAUTH"},
		{append(flags[:2:2], "--user", "nobody"), "the user 'nobody' with no password"},
		{append(flags[:2:2], "--user", "other", "--password-file", flags[5]), "WRONGPASS"},
	} {
		status, _, said := verb(t, append([]string{"status"}, try.args...)...)
		if status == 0 || !strings.Contains(said, try.says) || !strings.Contains(said, "--password-file") ||
			!strings.Contains(said, "--user") {
			t.Errorf("%q: %d\n%s", try.args, status, said)
		}
	}
	if status, out, said := verb(t, append([]string{"status"}, flags...)...); status != 0 {
		t.Errorf("%s%s", out, said)
	}
}

// A verb that shows a certificate whose name is a user's acts as that user, and names no password. Whose
// name is nobody's is told to log in, once the default user is off.
func TestACertificateLogsAVerbIn(t *testing.T) {
	t.Parallel()
	dir := made(t)
	c := secured(t, dir)
	shown := map[string][]string{}
	for _, name := range []string{"app", "mallory"} {
		if status, out, said := verb(t, "cert", "client", "--dir", dir, "--name", name); status != 0 {
			t.Fatal(out, said)
		}
		file := dir + "/client-" + name
		shown[name] = []string{"--addr", c.Addr(1), "--tls-ca", dir + "/ca.crt", "--tls-cert", file + ".crt",
			"--tls-key", file + ".key"}
	}
	line, err := c.Dial(0)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	rights := rightsOf(t)
	own := strings.Fields(strings.ReplaceAll(rights["all"]+rights["lock"], "GROUP", "app/*"))
	for _, words := range [][]string{
		append([]string{"ACL", "SETUSER", "app", "on"}, own...),
		{"ACL", "SETUSER", "ops", "on", ">word", "~*", "&*", "+@all"},
		{"ACL", "SETUSER", "alice", "on", "~*", "&*", "+@all"}, // as whom the test asks
		{"ACL", "SETUSER", "default", "off"},
	} {
		if reply, err := line.Do(words...); err != nil || reply.Err() != nil {
			t.Fatal(words, err, reply)
		}
	}
	word := filepath.Join(t.TempDir(), "word")
	if err := os.WriteFile(word, []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asOps := append(shown["app"][:len(shown["app"]):len(shown["app"])], "--user", "ops", "--password-file", word)
	for _, try := range []struct {
		flags  []string
		line   string
		status int
		says   string
	}{
		{shown["app"], "lock app/lock -- echo held", 0, "held"},
		{shown["app"], "lock other -- echo held", 125, "NOPERM"},
		{shown["app"], "status", 1, "NOPERM"},
		{asOps, "status", 0, "quorum yes"},
		{shown["mallory"], "status", 1, "NOAUTH"},
	} {
		status, out, said := verb(t, placed(strings.Fields(try.line), try.flags)...)
		if status != try.status || !strings.Contains(out+said, try.says) {
			t.Errorf("%s with %v: %d, want %d and %q\n%s%s", try.line, try.flags, status, try.status, try.says,
				out, said)
		}
	}
}
