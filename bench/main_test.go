package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/bench/outcome"
)

// TestMain lets the binary of the tests be a member or a probe, as the program is.
func TestMain(m *testing.M) {
	if part, err := bePart(os.Args[1:]); part {
		exit(err)
	}
	os.Exit(m.Run())
}

// brief measures some rows, for so short a time that the figures say nothing.
func brief(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	o, err := flags(append([]string{"-dir", dir}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	shown, err := os.Create(filepath.Join(t.TempDir(), "screen"))
	if err != nil {
		t.Fatal(err)
	}
	defer shown.Close()
	err = o.run(ctx, &out, newScreen(shown))
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("processes were not stopped: %q", left)
	}
	return out.String(), err
}

// children gives the command lines of this process' children.
func children(t *testing.T) (list []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may have ended meanwhile
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			list = append(list, string(text))
		}
	}
	return list
}

// The harness as a whole, with every kind of peer, that of the machine's limits too.
func TestTheHarnessWorks(t *testing.T) {
	files := t.TempDir()
	table, picture := filepath.Join(files, "j"), filepath.Join(files, "s")
	out, err := brief(t, t.Context(), "-repeat", "2", "-seconds", "0.2", "-json", table, "-svg", picture,
		"-shrink", "10", "-only", "^SET, pipelines|^GET, 64|one node, GET, pipelines|single|limits")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	var report outcome.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 5 || len(report.Limits) != 3 {
		t.Errorf("%d rows, %d limits", len(report.Rows), len(report.Limits))
	}
	for _, row := range report.Rows {
		if !strings.Contains(out, "| "+row.Work) {
			t.Errorf("the table lacks %s", row.Work)
		}
		if len(row.Ours) != 2 || row.Missing == "" && len(row.Theirs) != 2 {
			t.Errorf("%s: %d and %d runs", row.Work, len(row.Ours), len(row.Theirs))
		}
		for _, s := range append(row.Ours, row.Theirs...) {
			if s.Value <= 0 || s.Operations > 0 && s.Memory <= 0 {
				t.Errorf("%s: %+v", row.Work, s)
			}
		}
	}
	again, err := brief(t, t.Context(), "-from", table)
	if err != nil || again != out {
		t.Errorf("shown again it is another, %v:\n%s", err, again)
	}
	short, err := brief(t, t.Context(), "-from", table, "-short")
	if err != nil || strings.Count(short, "\n") != 2+5 || !strings.Contains(short, "| etcd get: ") {
		t.Errorf("%v:\n%s", err, short)
	}
	if _, err := brief(t, t.Context(), "-from", picture); err == nil || !strings.Contains(err.Error(), "-json") {
		t.Error(err)
	}
	if svg, err := os.ReadFile(picture); err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("%v, %.20s", err, svg)
	}
}

// What is not about the store: members, watchers, memory, a leading node that dies.
func TestEveryKindOfWorkWorks(t *testing.T) {
	const kinds = "kill -9|SIGSTOP|joins|heartbeat|subscribers|each idle member|restart|snapshots are"
	out, err := brief(t, t.Context(), "-repeat", "1", "-seconds", "0.2", "-shrink", "10", "-only", kinds)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out, "| etcd"); n != 7 {
		t.Errorf("%d rows, not 7:\n%s", n, out)
	}
}

// Whoever interrupts it gets what is whole by then, and nothing is left.
func TestItCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if len(children(t)) > 3 { // nodes of both sides
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	out, err := brief(t, ctx, "-seconds", "600", "-only", "^SET, 64")
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(out, "CPUs") {
		t.Errorf("%v, %s", err, out)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, args := range []string{"-repeat 0", "-seconds 0", "-seconds -1", "-shrink 11", "-only (",
		"-nothing", "more"} {
		if _, err := flags(strings.Fields(args)); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
	o := options{only: regexp.MustCompile("nothing is called so")}
	if err := o.run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "-list") {
		t.Error(err)
	}
	if _, err := disk("/nowhere", "/dev/shm"); err == nil {
		t.Error("memory is a disk")
	}
}

func TestAllRowsAreListed(t *testing.T) {
	var out strings.Builder
	o := options{list: true, only: regexp.MustCompile("")}
	if err := o.run(t.Context(), &out, nil); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n < 13 || !strings.HasSuffix(out.String(), "\nlimits\n") {
		t.Errorf("%d rows: %s", n, out.String())
	}
}
