package procs

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestBusyLeavesOutIdlenessAndInterrupts(t *testing.T) {
	//              user nice system idle iowait irq softirq steal
	const stat = "cpu  100 20 3 5000 600 70 80 9 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
	if got := busy(stat); got != 132*tick {
		t.Errorf("got %v", got)
	}
	if busy("") != 0 || busy("cpu 1\n") != 0 {
		t.Error("something of nothing")
	}
}

func TestForeignIsAShareOfAllCPUs(t *testing.T) {
	from := Moment{at: time.Unix(0, 0)}
	to := func(seconds int64, all, ours time.Duration) Moment {
		return Moment{time.Unix(seconds, 0), all, ours}
	}
	if got := Foreign(from, to(10, 0, time.Second)); got != 0 {
		t.Errorf("less than nothing: %v", got)
	}
	if got := Foreign(from, to(1, time.Hour, 0)); got != 1 {
		t.Errorf("more than all: %v", got)
	}
	if Foreign(from, from) != 0 {
		t.Error("no time at all")
	}
}

func TestAProcessIsHeardObservedAndStopped(t *testing.T) {
	p, err := Start("/bin/sh", "-c", "trap '' TERM; echo one; echo two; while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	line, err := p.Await(ctx, "w")
	if err != nil || line != "two" {
		t.Fatal(line, err)
	}
	for CPU(p.ID()) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if CPU(p.ID()) == 0 || Resident(p.ID()) == 0 || Resident(p.ID()) > Resident(p.ID(), os.Getpid()) {
		t.Error("it works and holds nothing")
	}
	before, used := Now(p.ID()), CPU(p.ID())
	p.Stop()
	if err := syscall.Kill(p.ID(), 0); err == nil {
		t.Error("it is still there")
	}
	if after := Now(p.ID()); after.ours < before.ours || ended() < used {
		t.Errorf("what it used, %v, is nobody's any more: %v before, %v after", used, before.ours, after.ours)
	}
}

func TestAProcessThatEndsSaysWhy(t *testing.T) {
	p, err := Start("/bin/sh", "-c", "echo no such luck >&2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Await(t.Context(), "ready"); err == nil {
		t.Error("ready")
	}
	p.Stop()
	if _, err := Start("/nowhere/at/all"); err == nil {
		t.Error("started")
	}
}
