package tests

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	voters   = 1000
	voteRuns = 20
)

// BenchmarkVote takes how long a group of a thousand members on three nodes needs to agree: every one of them
// hears that a vote is called and says yes, and all must. The time runs from the call by somebody who is no
// member until the result is answered to him, and until the last member has heard it.
//
//	go test -run xxx -bench Vote ./tests
func BenchmarkVote(b *testing.B) {
	c := nodetest.Start(b, 3)
	e := &electors{crowd: gather(b, c.Addrs(), "vote", voters)}
	e.listen(e.hear)
	var decided, told []time.Duration
	for i := range voteRuns + 1 {
		d, t := e.vote(b, c.Addr(i%c.Size()))
		if i > 0 { // the first is for warming up
			decided, told = append(decided, d), append(told, t)
		}
	}
	b.ReportMetric(middle(decided).Seconds()*1000, "ms/result")
	b.ReportMetric(middle(told).Seconds()*1000, "ms/all-told")
	b.ReportMetric(0, "ns/op")
	fmt.Printf("\n| %d members agree | from the call, median (least to most of %d) |\n| --- | --- |\n"+
		"| the caller has the result | %s |\n| all members have heard it | %s |\n\n", voters, voteRuns,
		spreadMillis(decided), spreadMillis(told))
}

// electors are a crowd whose members say yes to all that they are asked.
type electors struct {
	*crowd
	left atomic.Int32 // who have not heard the result of the present vote
	told chan struct{}
}

// vote has a vote held, and gives the times from the call to the result and until all know it.
func (e *electors) vote(b *testing.B, addr string) (decided, told time.Duration) {
	b.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	defer line.Close()
	e.told = make(chan struct{})
	e.left.Store(voters)
	begun := time.Now()
	poll, err := line.Do("VOTE", "CALL", e.group, "go", "CONSENSUS", "TIMEOUT", "60000")
	if err != nil || poll.Kind != caucus.KindInt {
		b.Fatal(poll, err)
	}
	result, err := line.Do("VOTE", "RESULT", e.group, strconv.FormatInt(poll.Int, 10), "WAIT", "60000")
	decided = time.Since(begun)
	if err != nil || len(result.Items) != 4 || result.Items[0].Str != "yes" || result.Items[1].Int != voters {
		b.Fatal(result, err)
	}
	e.await(b, "all hear the result", e.told)
	return decided, time.Since(begun)
}

// hear answers a call, and takes note of a result.
func (e *electors) hear(i int, event []byte) error {
	switch {
	case isEvent(event, "vote"):
		poll, err := numberIn(event, `"poll":`)
		if err == nil {
			_, err = e.says(i, nil, "VOTE", "CAST", e.group, strconv.Itoa(poll), "YES")
		}
		return err
	case isEvent(event, "result") && e.left.Add(-1) == 0:
		close(e.told)
	}
	return nil
}

// spreadMillis writes the median of times, and the least and the most of them.
func spreadMillis(list []time.Duration) string {
	m, least, most := spreadOf(list, time.Duration.Seconds)
	return fmt.Sprintf("%s (%s to %s)", millis(m), millis(least), millis(most))
}
