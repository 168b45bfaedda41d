package tests

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// made has caucus cert make an authority and two certificates, and gives their directory.
func made(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	for _, args := range [][]string{{"ca"}, {"node", "--name", "any", "--host", "db1,10.0.0.1"},
		{"client", "--name", "alice"}} {
		status, out, said := verb(t, append([]string{"cert", args[0], "--dir", dir}, args[1:]...)...)
		if status != 0 || !strings.Contains(out, "UNTIL") {
			t.Fatalf("%v: %d\n%s%s", args, status, out, said)
		}
	}
	return dir
}

func TestCert(t *testing.T) {
	t.Parallel()
	dir := made(t)
	for _, c := range []struct {
		status int
		args   []string
		says   string
	}{
		{0, []string{"show", dir + "/ca.crt", dir + "/node-any.crt"}, "db1,localhost,10.0.0.1,127.0.0.1,::1"},
		{1, []string{"show", dir + "/ca.key"}, "there is no certificate in it"},
		{1, []string{"ca", "--dir", dir}, "ca.crt is there already: --force replaces it"},
		{1, []string{"client", "--dir", dir, "--name", "alice"}, "is there already: --force replaces it"},
		{0, []string{"client", "--dir", dir, "--name", "alice", "--force", "--days", "1"}, "client-alice.crt"},
		{1, []string{"node", "--dir", dir + "/none", "--name", "a"}, "make one with caucus cert ca"},
		{1, []string{"node", "--dir", dir, "--name", "a b"}, "is no name of a node"},
		{0, []string{"node", "--dir", dir, "--name", "10.0.0.1:5010"}, "node-10.0.0.1_5010.crt"},
		{2, []string{"node", "--dir", dir}, "missing flags: --name"},
		{2, []string{"ca", "--dir", dir, "--days=-1"}, "--days is a number from 1 to 36500"},
	} {
		status, out, said := verb(t, append([]string{"cert"}, c.args...)...)
		if status != c.status || !strings.Contains(out+said, c.says) {
			t.Errorf("%v: %d, want %d with %q\n%s%s", c.args, status, c.status, c.says, out, said)
		}
	}
	// What it says to do next works where it was said.
	_, out, _ := verb(t, "cert", "node", "--dir", dir, "--name", "any", "--force")
	for _, file := range []string{"--tls-cert " + dir + "/node-any.crt", "--tls-key " + dir + "/node-any.key",
		"--tls-ca " + dir + "/ca.crt"} {
		if !strings.Contains(out, file) {
			t.Errorf("%q is not in\n%s", file, out)
		}
	}
	keys, err := filepath.Glob(dir + "/*.key")
	if err != nil || len(keys) != 4 {
		t.Fatal(keys, err)
	}
	for _, key := range keys {
		if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", key, info.Mode(), err)
		}
	}
}

// secured starts three nodes with certificates of the directory.
func secured(t *testing.T, dir string) *nodetest.Cluster {
	t.Helper()
	rules, err := certs.ClientRules(dir+"/ca.crt", dir+"/client-alice.crt", dir+"/client-alice.key", "")
	if err != nil {
		t.Fatal(err)
	}
	rules.ServerName = "127.0.0.1"
	return nodetest.Start(t, 3, nodetest.Secured(dir+"/node-any.crt", dir+"/node-any.key", dir+"/ca.crt", rules))
}

// Every verb that is a client speaks TLS, and so do redis-cli, curl and openssl.
func TestTLSByEveryTool(t *testing.T) {
	t.Parallel()
	tool.Need(t, "redis-cli", "curl", "openssl")
	dir := made(t)
	c := secured(t, dir)
	host, port, err := net.SplitHostPort(c.Addr(2))
	if err != nil {
		t.Fatal(err)
	}
	ca, cert, key := dir+"/ca.crt", dir+"/client-alice.crt", dir+"/client-alice.key"
	shown := []string{"--addr", c.Addr(1), "--tls-ca", ca, "--tls-cert", cert, "--tls-key", key}
	for says, args := range map[string][]string{
		"quorum yes":          {"status"},
		"n3":                  {"node", "list"},
		"caucus_dump":         {"backup", "-"},
		"100 commands in":     {"bench", "-n", "100", "-c", "4", "-d", "5s", "--warmup", "0s"},
		"mine 1 of 1":         {"join", "g", "--", "sh", "-c", "echo mine $CAUCUS_INDEX of $CAUCUS_TOTAL"},
		"held":                {"lock", "l", "--", "echo", "held"},
		"led":                 {"elect", "e", "--", "echo", "led"},
		"the first ends on 2": {"doctor"},
	} {
		status, out, said := verb(t, placed(args, shown)...)
		if status != 0 && args[0] != "doctor" || !strings.Contains(out, says) {
			t.Errorf("%v: %d, no %q in\n%s%s", args, status, says, out, said)
		}
	}
	cli := []string{"redis-cli", "-h", host, "-p", port}
	by := []string{"--tls", "--cacert", ca, "--cert", cert, "--key", key}
	at := "https://" + c.HTTP(2)
	web := []string{"curl", "-sS", "--cacert", ca}
	ssl := []string{"openssl", "s_client", "-connect", c.Addr(2), "-CAfile", ca, "-verify_return_error",
		"-cert", cert, "-key", key}
	for _, one := range []struct {
		args []string
		says string
	}{
		{append(append(cli, by...), "SET", "k", "v"), "OK"},
		{append(cli, "PING"), "this door speaks TLS and nothing else"},
		{append(cli, "--tls", "--cacert", ca, "PING"), "rror"},
		{append(web, at+"/healthz"), "alive"},
		{append(web, at+"/v1/keys/k"), "--tls-clients require"},
		{append(web, "--cert", cert, "--key", key, at+"/v1/keys/k"), `"value":"v"`},
		{[]string{"curl", "-sS", "http://" + c.HTTP(2) + "/healthz"}, "this door speaks HTTPS"},
		{append(ssl, "-tls1_3"), "Verify return code: 0 (ok)"},
		{append(ssl, "-tls1_2"), "alert protocol version"},
	} {
		cmd := nodetest.Command(t, one.args[0], one.args[1:]...)
		out, err := cmd.CombinedOutput() // openssl's status says when its input ended, too
		if !strings.Contains(string(out), one.says) {
			t.Errorf("%v: %v, no %q in\n%s", one.args, err, one.says, out)
		}
	}
	status, _, said := verb(t, "status", "--addr", c.Addr(0))
	if status != 1 || !strings.Contains(said, "this door speaks TLS") {
		t.Errorf("without TLS: %d, %s", status, said)
	}
}

// placed puts flags behind the verb, before what a verb runs.
func placed(args, flags []string) []string {
	at := 1
	if args[0] == "node" {
		at = 2
	}
	all := append([]string{}, args[:at]...)
	return append(append(all, flags...), args[at:]...)
}

func TestHangUpReadsCertificatesAnew(t *testing.T) {
	t.Parallel()
	dir := made(t)
	c := secured(t, dir)
	line, err := c.Dial(0)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	if status, out, said := verb(t, "cert", "node", "--dir", dir, "--name", "any", "--force"); status != 0 {
		t.Fatal(out, said)
	}
	c.HangUp(0)
	nodetest.Eventually(t, "the certificates are read anew", func() bool {
		log := c.Logs(0)
		return strings.Contains(log, "SIGHUP: read anew") && strings.Contains(log, "certificates read anew")
	})
	if reply, err := line.Do("SET", "a", "1"); err != nil || reply.Str != "OK" {
		t.Errorf("a connection that stood: %v, %v", reply, err)
	}
	c.Settled()
	c.Agree()
}
