package procs

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc, which is the same on every machine that Go runs on.
const tick = 10 * time.Millisecond

// CPU gives the processor time that the processes have used together, those among them that have ended
// left out.
func CPU(ids ...int) (sum time.Duration) {
	for _, id := range ids {
		fields, err := statOf(id)
		if err != nil {
			continue
		}
		for _, i := range []int{11, 12} { // utime and stime, counted from the field behind the name
			sum += ticks(fields[i])
		}
	}
	return sum
}

// ended gives the processor time of the processes that this one has started and that have ended.
func ended() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func statOf(id int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')'):]), " ") // a name may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", id, len(fields))
	}
	return fields, nil
}

func ticks(field string) time.Duration {
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * tick
}

// Resident gives the bytes of memory that the processes hold together.
func Resident(ids ...int) (sum int64) {
	for _, id := range ids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", id))
		if err != nil {
			continue
		}
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += pages * int64(os.Getpagesize())
		}
	}
	return sum
}

// Moment is how much the machine, and some processes on it, have worked until then.
type Moment struct {
	at        time.Time
	all, ours time.Duration
}

// Now looks at the machine, and at this process and others that belong to the measuring, as do those that
// this process has started and that have ended.
func Now(ids ...int) Moment {
	text, err := os.ReadFile("/proc/stat")
	ids = append(append(ids, os.Getpid()), kernelThreads()...)
	m := Moment{at: time.Now(), ours: CPU(ids...) + ended()}
	if err == nil {
		m.all = busy(string(text))
	}
	return m
}

// kernelThreads gives the threads of the kernel, which carry on what processes have begun: when they
// work for others, those have work to do themselves.
func kernelThreads() (ids []int) {
	const parent = "2"
	entries, _ := os.ReadDir("/proc") // without it nothing is known of anybody
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields, err := statOf(id); err == nil && fields[1] == parent {
			ids = append(ids, id)
		}
	}
	return ids
}

// busy adds up what the first line of /proc/stat says of work. Interrupts are left out: on a loopback
// they are the work of those who are measured, and are charged to nobody.
func busy(stat string) (sum time.Duration) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 {
		return 0
	}
	for _, i := range []int{1, 2, 3, 8} { // user, nice, system, steal
		sum += ticks(fields[i])
	}
	return sum
}

// Foreign gives the share of all CPUs, 0 to 1, that others than the processes used between two moments.
func Foreign(from, to Moment) float64 {
	capacity := to.at.Sub(from.at) * time.Duration(runtime.NumCPU())
	if capacity <= 0 {
		return 0
	}
	foreign := (to.all - from.all) - (to.ours - from.ours)
	return min(1, max(0, foreign.Seconds()/capacity.Seconds()))
}
