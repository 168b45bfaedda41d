package node_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// logOf gives the texts of GETLOG by index, and checks that the indexes follow each other.
func logOf(t *testing.T, n *node.Node, ends ...string) (first int64, texts []string) {
	t.Helper()
	reply := waist.Of(n).Local(t.Context(), append(caucus.Command{"GETLOG"}, ends...))
	if reply.Kind != caucus.KindArray {
		t.Fatalf("GETLOG %v: %+v", ends, reply)
	}
	for i, line := range reply.Items {
		if i == 0 {
			first = line.Items[0].Int
		}
		now := time.Now().UnixMilli()
		if len(line.Items) != 4 || line.Items[0].Int != first+int64(i) || line.Items[1].Int < 1 ||
			!line.Items[2].IsNil() && (line.Items[2].Int < now-3_600_000 || line.Items[2].Int > now+60_000) {
			t.Errorf("line %d: %+v", i, line)
		}
		texts = append(texts, line.Items[3].Str)
	}
	return first, texts
}

func TestGetLogSaysWhatHappened(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	n := nodes[0]
	id := does(t, n, "SET secret value", "GROUP JOIN g AS me", "SESSION OPEN").Str
	does(t, n, "SESSION CLOSE "+id)
	nodetest.Eventually(t, "the second node votes", func() bool {
		return strings.Contains(infoOf(t, n, "ensemble"), "voters:2\r\n")
	})
	var text string
	nodetest.Eventually(t, "the other node knows it as well", func() bool {
		_, list := logOf(t, nodes[1])
		_, own := logOf(t, n)
		text = strings.Join(own, "\n")
		return len(list) > 0 && list[len(list)-1] == own[len(own)-1]
	})
	for _, want := range []string{"a leader begins its term", "n1: n1 started for the 1st time, at 127.0.0.1:",
		"n1: SET secret value", "GROUP JOIN g .SETTLE 6000 AS me", "SESSION CLOSE ",
		"configuration: n2 (2) comes in as a learner", "configuration: n2 (2) votes",
		"n2: n2 started for the 1st time"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, id) {
		t.Errorf("the log tells the session's id:\n%s", text)
	}
}

func TestGetLogGivesTheEntriesThatAreAskedFor(t *testing.T) {
	n := lone(t)
	for i := range 150 {
		does(t, n, fmt.Sprintf("SET k %d", i))
	}
	if _, texts := logOf(t, n); len(texts) != 100 || texts[99] != "n1: SET k 149" {
		t.Errorf("by default %d entries, the last is %q", len(texts), texts[len(texts)-1])
	}
	first, texts := logOf(t, n, "2")
	if len(texts) < 150 || first != 2 {
		t.Errorf("from 2: %d entries from %d", len(texts), first)
	}
	last := first + int64(len(texts)) - 1
	ends := func(from, to int64) []string {
		return []string{strconv.FormatInt(from, 10), strconv.FormatInt(to, 10)}
	}
	if first, texts := logOf(t, n, ends(last-1, last)...); first != last-1 || len(texts) != 2 {
		t.Errorf("the last two: %v from %d", texts, first)
	}
	if _, texts := logOf(t, n, ends(last+100, last+200)...); len(texts) != 0 {
		t.Errorf("what is not there yet: %v", texts)
	}
	for words, want := range map[string]string{
		"x": "ERR 'x' is not the index", "0": "ERR '0' is not the index", "-1": "ERR '-1' is not the index",
		"5 4": "ERR the end, 4, comes before the start, 5", "1 2 3": "ERR syntax error",
		"99999999999999999999": "ERR '99999999999999999999' is not the index", "1": "GAP 2 is the oldest entry",
	} {
		reply := waist.Of(n).Local(t.Context(), strings.Fields("GETLOG "+words))
		if reply.Kind != caucus.KindError || !strings.HasPrefix(reply.Str, want) {
			t.Errorf("GETLOG %s: %q, want %s", words, reply.Str, want)
		}
	}
}
