package respd_test

import (
	"strings"
	"testing"
)

const blocking = "GROUP EVENTS g FROM 1 BLOCK 0\r\n"

// What stands before a command that waits is answered before, what stands behind it after.
func TestB7_WaitingHoldsUpOnlyWhatFollows(t *testing.T) {
	s := open(t)
	l := s.dial()
	l.say("SET k 1\r\n"+blocking+"GET k\r\n", "+OK\r\n")
	<-s.m.held
	other := s.dial()
	other.send("CLIENT LIST\r\n")
	for found := false; !found; {
		text, err := other.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		found = strings.Contains(text, " flags=b ") && strings.Contains(text, " cmd=group|events ")
	}
	l.send("GET k\r\n") // is read while it waits, and answered in its turn
	s.wake()
	l.expect("*0\r\n$1\r\n1\r\n$1\r\n1\r\n")
	l.say("GET k\r\n", "$1\r\n1\r\n")
}

// wake ends the wait, once it has begun to listen.
func (s *stage) wake() {
	for s.m.Publish("wake", "") == 0 {
	}
}

func TestB7_NobodyIsWaitedForWhoLeft(t *testing.T) {
	s := open(t)
	for _, leave := range []func(*line){
		func(l *line) { l.Close() },
		func(l *line) { l.send("GET k\r\n"); l.Close() },
	} {
		l := s.dial()
		l.send(blocking)
		<-s.m.held
		leave(l)
		if !s.lost() {
			t.Error("the client's side closed, and that is not said")
		}
	}
}

// Who is killed while it waits has not left by itself.
func TestA4_KilledWhileWaiting(t *testing.T) {
	s := open(t)
	l := s.dial()
	l.send(blocking)
	<-s.m.held
	s.dial().say("CLIENT KILL TYPE normal\r\n", ":1\r\n")
	if s.lost() {
		t.Error("a connection that the door closed counts as lost")
	}
}
