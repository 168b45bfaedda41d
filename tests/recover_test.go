package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// recovers runs caucus recover on a server's directory, and expects its exit status and words.
func (s *server) recovers(status int, flags []string, words ...string) {
	s.t.Helper()
	flags = append([]string{"recover", "--data", s.dir}, flags...)
	c := nodetest.Command(s.t, nodetest.Binary(s.t), flags...)
	out, err := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != status {
		s.t.Errorf("caucus recover ended with %d (%v), want %d:\n%s", got, err, status, out)
	}
	for _, w := range words {
		if !strings.Contains(string(out), w) {
			s.t.Errorf("caucus recover does not say %q:\n%s", w, out)
		}
	}
}

// Two of three nodes are lost for good. The third becomes an ensemble of its own that keeps what it
// has; the others, should they come back, are strangers to it, and join it anew when they are wiped.
func TestB4Recover(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--settle", "0s")
	last, lost := list[2], list[:2]
	last.do("SET", "before", "the loss")
	term := joined(t, list, "worker")
	old := last.report().Cluster
	last.recovers(1, []string{"--yes"}, "the data directory is in use", "stop that process")
	for _, s := range lost {
		s.kill()
	}
	last.terminate()
	identity := string(read(t, filepath.Join(last.dir, "identity")))
	last.recovers(1, nil, "node n3 of ensemble "+old, "Given up: n1, n2", "--yes", "nothing was changed")
	if now := string(read(t, filepath.Join(last.dir, "identity"))); now != identity {
		t.Error("the identity was changed without consent")
	}
	last.recovers(0, []string{"--yes"}, "1 keys, 2 groups", "the only node of the new ensemble", "quarantine",
		"caucus serve --id n3 --data "+last.dir)
	last.flags = nil
	last.start()
	last.do("SET", "after", "the loss")
	last.has("before", "the loss")
	if text := last.said(); strings.Contains(text, "address book") {
		t.Errorf("the old ensemble's addresses are still there:\n%s", text)
	}
	if s := last.report(); s.Cluster == old || len(s.Peers) != 0 {
		t.Errorf("it is %+v", s)
	}
	if next := joined(t, []*server{last}, "another"); next <= term+1<<32 {
		t.Errorf("the leader's term was %d and is %d", term, next)
	}
	kept, err := filepath.Glob(filepath.Join(last.dir, "quarantine", "before-*", "log", "*.log"))
	if err != nil || len(kept) == 0 {
		t.Errorf("the old log is gone: %v", err)
	}
	stranger := lost[1]
	stranger.launch()
	stranger.hears("belongs to cluster " + last.report().Cluster)
	stranger.kill()
	if err := os.RemoveAll(stranger.dir); err != nil {
		t.Fatal(err)
	}
	stranger.start("--join", last.client)
	stranger.votes()
	stranger.has("before", "the loss")
	last.terminate()
	stranger.kill()
}

// joined joins a group as a new member and gives the term of its leader once there is one.
func joined(t *testing.T, list []*server, name string) (term uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{list[0].client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := c.Session(ctx, client.SessionOptions{})
	if err == nil {
		_, err = s.Join(ctx, "work", client.JoinOptions{Name: name})
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the group is led", func() bool {
		reply, err := nodetest.Ask(list[0].client, "GROUP", "LEADER", "work")
		if err == nil && len(reply.Items) == 3 {
			term = uint64(reply.Items[1].Int)
		}
		return term != 0
	})
	return term
}

// What needs no recovery is left alone.
func TestRecoverOfNothing(t *testing.T) {
	t.Parallel()
	alone := used(t)
	alone.recovers(1, []string{"--yes"}, "there is nothing to recover: it is the only node of its ensemble")
	alone.start()
	fresh := newServer(t, "n2")
	fresh.launch("--join", nodetest.FreeAddress(t))
	fresh.hears("not joined yet")
	fresh.kill()
	fresh.recovers(1, []string{"--yes"}, "it has not joined an ensemble yet")
	nowhere := newServer(t, "n3")
	nowhere.recovers(2, []string{"--yes"}, "no such file or directory")
}
