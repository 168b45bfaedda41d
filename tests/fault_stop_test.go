package tests

import (
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// Nodes are asked to stop one after the other, the leader among them, while clients write on all:
// they end with status 0, the others go on, and nothing is lost.
func TestStopUnderWriters(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	w := startWriters(t, list, 2)
	for range 3 {
		before := w.total()
		eventually(t, "clients go on", func() bool { return w.total() > before+100 })
		s := leader(t, list)
		s.terminate()
		before = w.total()
		eventually(t, "clients of the others go on", func() bool { return w.total() > before+100 })
		s.start()
	}
	w.finish()
	w.settled(t, list)
	w.check(t)
}

// A node that is asked to stop answers what it was asked before, also what it cannot do.
func TestStopAnswersWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	for _, s := range list[1:] {
		if err := s.now().Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	line, err := nodetest.Dial(list[0].client)
	if err != nil {
		t.Fatal(err)
	}
	// Both come in one piece, so the answer to the first shows that the second was read.
	if err := line.Send(caucus.Command{"PING"}, caucus.Command{"SET", "a", "1"}); err != nil {
		t.Fatal(err)
	}
	if pong, err := line.Read(); err != nil || pong.Str != "PONG" {
		t.Fatalf("%+v, %v", pong, err)
	}
	list[0].terminate()
	reply, err := line.Read()
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	word, _, _ := strings.Cut(reply.Str, " ")
	if reply.Kind != caucus.KindError || word != "TRYAGAIN" && word != "UNCERTAIN" {
		t.Errorf("without a quorum it answered %+v", reply)
	}
}

// A hang-up, as of a terminal, ends no node: it reads the log level anew from its file, if it has one.
func TestHangUp(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	s.start()
	hangUp(t, s)
	s.hears("SIGHUP: nothing was changed")
	s.do("SET", "k", "v")

	f := newFamily(t, func(_ int, file map[string]any) { file["log_level"] = "warn" })
	f.launch(0) // it waits for the others
	waiting := f.list[0]
	waiting.hears("nothing is founded yet")
	f.edit = func(_ int, file map[string]any) { file["log_level"] = "debug" }
	f.write(0)
	hangUp(t, waiting)
	waiting.hears("log level\"=DEBUG")
}

func hangUp(t *testing.T, s *server) {
	t.Helper()
	if err := s.now().Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
