package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// A group's page shows who is in it, who leads, who has which slots, what is voted on and what happens; and
// each of it changes under one's eyes.
func TestGroup(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	at := c.Addr(0)
	command(t, at, "GROUP", "CREATE", "crawl", "SETTLE", "300", "SLOTS", "1024")
	first := member(t, at, "crawl", "AS", "worker-a", "META", `{"zone": "east"}`)
	for _, zone := range []string{"b", "c", "d", "e"} {
		member(t, at, "crawl", "AS", "worker-"+zone, "META", `{"zone": "west"}`)
	}
	s := look(t, c.HTTP(0), "#/groups/crawl")
	s.run("window.sameAsEver = true")
	s.shows("tbody tr", "worker-b")
	s.shows("tbody tr", "east")
	s.shows(".pill", "leader")
	s.shows(".stripbox", "1,024 slots: 1,024 held by")

	// Somebody joins.
	s.shows(".stripbox", "1,024 held by 5 members, 0 free")
	member(t, at, "crawl", "AS", "worker-f")
	s.shows("tbody tr", "worker-f")
	s.shows(".feed", "worker-f joined at n1: 6 members")
	s.shows(".stripbox", "to be given up (striped)")
	if !ask[bool](s, "window.sameAsEver") {
		t.Error("the page was loaded anew")
	}

	// A poll fills, and is decided.
	poll := said(t, first, "VOTE", "CALL", "crawl", "lunch at twelve?", "TIMEOUT", "600000")
	s.shows(".polls li", "0 yes, 0 no, 6 members may vote, 4 must say yes")
	said(t, first, "VOTE", "CAST", "crawl", poll, "YES")
	s.shows(".polls li", "1 yes, 0 no")
	s.until(`parseFloat(document.querySelector(".bar .yes").style.width) > 16`)
	s.shows(".feed", "worker-a calls for a vote (majority): lunch at twelve?")
	second := `document.querySelectorAll(".feed li").length > 3 && document.querySelector(".polls li")`
	s.pictures("group", second+` && document.querySelectorAll("tbody tr").length === 6`)

	// Slots that are chosen stand out, and the search finds by metadata.
	s.click("tbody button", "worker-b")
	s.until(`document.querySelector("[aria-pressed=true][data-row=worker-b]")`)
	s.keys("/", "e", "a", "s", "t")
	s.until(`document.querySelectorAll("tbody tr").length === 1`)
	s.shows("tbody tr", "worker-a")
}

// Where reading takes long, as under load, the page still reads again: what looks at it regularly, and events
// that keep coming, do not put that off.
func TestGroupThatIsReadSlowly(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	at := c.Addr(0)
	member(t, at, "crawl", "AS", "worker-a", "SETTLE", "600000")
	s := look(t, c.HTTP(0), "#/groups/crawl")
	s.shows("tbody tr", "worker-a")
	s.run(`(() => {
		const ask = fetch;
		window.fetch = async (...all) => {
			await new Promise((go) => setTimeout(go, 500));
			return ask(...all);
		};
	})()`)
	for _, name := range []string{"worker-b", "worker-c", "worker-d"} {
		member(t, at, "crawl", "AS", name)
		s.shows("tbody tr", name)
	}
}

// said has a command carried out on a line, and gives what was answered.
func said(t *testing.T, line *nodetest.Line, words ...string) string {
	t.Helper()
	reply, err := line.Do(words...)
	if err != nil || reply.Err() != nil {
		t.Fatalf("%q: %v %v", words, err, reply.Err())
	}
	if reply.Str == "" {
		return fmt.Sprint(reply.Int)
	}
	return reply.Str
}

// While a group settles the page counts down; one that is not there is waited for.
func TestGroupThatSettles(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	s := look(t, c.HTTP(0), "#/groups/late%2Fone", "404")
	s.shows(".problem", "There is no such group now")
	member(t, c.Addr(0), "late/one", "AS", "m", "SETTLE", "600000")
	s.shows("tbody tr", "m")
	s.until(`document.querySelector(".problem").hidden`)
	s.shows(".tile", "at least")
	s.until(`parseFloat(document.querySelector(".drain i").style.width) > 50`)
}

// A thousand members are all there, and the search finds among them. How long it takes is said, not judged.
func TestAThousandMembers(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	const n = 1000
	command(t, c.Addr(0), "GROUP", "CREATE", "crowd", "SETTLE", "600000", "SLOTS", "4096")
	crowd(t, "http://"+c.HTTP(0)+"/v1/groups/crowd/members", n)
	begun := time.Now()
	s := look(t, c.HTTP(0), "#/groups/crowd")
	s.until(fmt.Sprintf(`document.querySelectorAll("tbody tr").length === %d`, n))
	t.Logf("%d members are shown %v after the page was opened", n, time.Since(begun).Round(time.Millisecond))
	s.shows(".beside", "1,000 members")
	s.shot("crowd")
	s.keys("/", "m", "9", "9")
	s.until(`document.querySelectorAll("tbody tr").length === 11`) // m99 and m990 to m999
	s.shows(".beside", "11 of 1,000 members")
}

// crowd has so many members join, each with a session of its own.
func crowd(t *testing.T, url string, n int) {
	t.Helper()
	var all sync.WaitGroup
	names := make(chan int)
	for range 16 {
		all.Go(func() {
			for i := range names {
				body := fmt.Sprintf(`{"as": "m%d", "ttl": 600000, "metadata": "port %d"}`, i, 8000+i)
				answer, err := http.Post(url, "application/json", bytes.NewBufferString(body))
				if err != nil {
					t.Error(err)
					continue
				}
				if answer.Body.Close(); answer.StatusCode != 200 {
					t.Errorf("m%d: %s", i, answer.Status)
				}
			}
		})
	}
	for i := range n {
		names <- i
	}
	close(names)
	all.Wait()
}

// When its node was away for a while, the page goes on behind the last event that it has: none is missing,
// and none is there twice.
func TestEventsGoOn(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	command(t, c.Addr(0), "GROUP", "CREATE", "crawl", "SETTLE", "600000")
	member(t, c.Addr(0), "crawl", "AS", "before")
	s := look(t, c.HTTP(0), "#/groups/crawl", append(cut, "status of 503")...)
	s.shows(".feed", "before joined")
	c.Kill(0)
	s.shows(".banner", "n1 does not answer")
	s.shows(".beside", "reconnecting")
	c.Restart(0)
	member(t, c.Addr(0), "crawl", "AS", "after")
	s.shows(".feed", "after joined")
	s.shows(".beside", "live")
	seqs := ask[[]int](s, `[...document.querySelectorAll(".feed .seq")].map((e) => Number(e.textContent))`)
	for i := 1; i < len(seqs); i++ {
		if seqs[i-1] != seqs[i]+1 {
			t.Fatalf("the events are %d", seqs)
		}
	}
}
