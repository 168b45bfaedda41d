package respd_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

// What is counted is what INFO shows under commandstats and errorstats.
func TestCommandsErrorsAndBytesAreCounted(t *testing.T) {
	s := open(t)
	l := s.dial()
	asked := "SET k v\r\nGET k\r\nGET k\r\nINCR k\r\n"
	answers := "+OK\r\n" + bulk("v") + bulk("v") + "-ERR"
	l.send(asked)
	l.expect(answers)
	if _, err := l.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	l.say("CLIENT SETNAME a\r\n", "+OK\r\n")
	l.send("NOSUCH\r\nCLIENT KILL ID x\r\n")
	for range 2 {
		if _, err := l.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	st := s.door.Stats()
	got := map[string]respd.CommandStats{}
	for _, c := range st.ByCommand {
		got[c.Spec.Name] = c
	}
	for name, want := range map[string][2]uint64{"set": {1, 0}, "get": {2, 0}, "incr": {0, 1},
		"client|setname": {1, 0}, "client|kill": {0, 1}} {
		if c := got[name]; c.Done != want[0] || c.Failed != want[1] {
			t.Errorf("%s: %d done, %d failed, want %v", name, c.Done, c.Failed, want)
		}
	}
	if len(got) != 5 || st.Errors["ERR"] != 3 || st.Commands != 7 {
		t.Errorf("%d commands, errors %v, %d requests", len(got), st.Errors, st.Commands)
	}
	if st.BytesIn < uint64(len(asked)) || st.BytesOut < uint64(len(answers)) {
		t.Errorf("%d bytes in, %d out", st.BytesIn, st.BytesOut)
	}
}

// A command that nobody was let in to say is rejected, not called.
func TestRejectedCommandsAreCounted(t *testing.T) {
	s := open(t, func(c *respd.Config, _ *memory) {
		c.Guard = waist.Password(func() string { return "secret" })
	})
	s.dial().say("GET k\r\n", "-NOAUTH Authentication required.\r\n")
	st := s.door.Stats()
	if len(st.ByCommand) != 1 || st.ByCommand[0].Done != 0 || st.ByCommand[0].Rejected != 1 ||
		st.Errors["NOAUTH"] != 1 {
		t.Errorf("%+v, errors %v", st.ByCommand, st.Errors)
	}
}
