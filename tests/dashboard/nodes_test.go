package dashboard

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// What is lost when a node is killed stands on the console of the browser, which says so of itself.
var cut = []string{"net::ERR_"}

// When the node that serves the page is killed, the page says so and goes to another one, with the view
// that was open; and goes on there.
func TestItsNodeDies(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 3)
	command(t, c.Addr(0), "GROUP", "CREATE", "crawl", "SETTLE", "0")
	s := look(t, c.HTTP(1), "#/groups/crawl", cut...)
	s.shows("h1", "crawl")
	s.until(`document.getElementById("seat").textContent === "n2"`)
	c.Kill(1)
	s.shows(".banner", "n2")
	s.until(`["` + c.HTTP(0) + `", "` + c.HTTP(2) + `"].includes(location.host)`)
	s.shows(".banner", "n2 stopped answering. This is n")
	s.shot("after-failover")
	s.shows("h1", "crawl")
	if got := ask[string](s, "location.search + location.hash"); got != "#/groups/crawl" {
		t.Errorf("it shows %s", got)
	}
	member(t, c.Addr(2), "crawl", "AS", "newcomer")
	s.shows("tbody tr", "newcomer")
}

// A node that stands still does not answer either, though its connections stand.
func TestItsNodeStandsStill(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 3)
	s := look(t, c.HTTP(2), "#/keys", cut...)
	s.until(`document.getElementById("seat").textContent === "n3"`)
	c.Pause(2)
	s.until(`["` + c.HTTP(0) + `", "` + c.HTTP(1) + `"].includes(location.host)`)
	s.shows(".banner", "n3 stopped answering. This is n")
	s.shows("h1", "Keys")
	c.Resume(2)
	s.to("#/timeline")
	s.shows(".feed", "n3 stopped answering")
}

// Without a majority the page says that what it shows may be old. When all are gone it goes on trying, and
// is there again when its node is.
func TestNobodyIsThere(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 3, nodetest.Loud())
	s := look(t, c.HTTP(0), "", append(cut, "status of 503", "status of 504")...)
	s.until(drawn)
	c.Kill(1)
	c.Kill(2)
	s.shows(".banner", "n1 is in touch with no majority")
	s.shot("no-majority")
	c.Kill(0)
	s.shows(".banner", "n1 does not answer")
	c.Restart(0)
	c.Restart(1)
	s.until(`document.getElementById("banner").textContent === ""`)
	c.Restart(2)
	s.until(drawn)
}

// What happens to nodes and groups stands on the timeline, the newest first.
func TestTimeline(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 3)
	leader := c.Leader()
	at := (leader + 1) % 3
	command(t, c.Addr(at), "GROUP", "CREATE", "crawl")
	line := member(t, c.Addr(at), "crawl", "AS", "worker-a")
	short := member(t, c.Addr(at), "short", "AS", "worker-b")
	s := look(t, c.HTTP(at), "#/timeline", cut...)
	s.shows(".feed li", "worker-a joined at "+c.Name(at))
	s.shows(".feed li", "worker-a leads")
	s.shows(".feed li", c.Name(leader)+" joined at") // the group of the nodes
	s.shows(".feed li", "worker-b leads")
	said(t, line, "SESSION", "CLOSE")
	said(t, short, "SESSION", "CLOSE")
	s.shows(".feed li", "the group short ended")
	s.shows(".feed li", "worker-a left (closed)")
	c.Kill(leader)
	s.shows(".feed li", c.Name(leader)+" is not reached any more")
	s.shows(".feed li", "leads the log, term ")
	s.until(`document.querySelectorAll(".lanes .dot").length > 3`)
	s.pictures("timeline", `document.querySelectorAll(".feed li").length > 5`)
	s.click("button.lane", "Joins")
	s.until(`![...document.querySelectorAll(".feed .pill")].some((e) => e.textContent === "join")`)
	times := ask[[]string](s, `[...document.querySelectorAll(".feed time")].map((e) => e.textContent)`)
	for i := 1; i < len(times); i++ {
		if strings.Compare(times[i-1], times[i]) < 0 {
			t.Errorf("%q is above %q", times[i-1], times[i])
		}
	}
}

// The charts show what the node does.
func TestLoad(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	s := look(t, c.HTTP(0), "#/load")
	work := make(chan struct{})
	t.Cleanup(func() { <-work })
	go func() {
		defer close(work)
		for range 1500 {
			if _, err := nodetest.Ask(c.Addr(0), "SET", "k", "v"); err != nil {
				return
			}
		}
	}()
	s.until(`document.querySelectorAll(".measure").length === 8`)
	const busy = `[...document.querySelectorAll(".measure")].every((chart) =>
		chart.querySelector(".trace").getAttribute("d").length > 0 || chart.textContent.includes("reads"))`
	s.until(busy)
	s.until(`/done[1-9].*\/s/.test(document.querySelector(".legend li").textContent)`)
	s.until(`document.querySelector(".trace.one").getAttribute("d").split("L").length > 5`)
	s.pictures("load", `document.querySelectorAll(".measure .trace").length > 8`)
}

// With a password the page asks for it, says when it is wrong, and forgets it when one logs out.
func TestLogIn(t *testing.T) {
	t.Parallel()
	browser(t)
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) { cfg.Password = "sesame öffne dich" })[0]
	_, _, at := n.Addresses()
	s := look(t, at, "#/groups", "status of 401")
	s.shows("h1", "Log in")
	s.pictures("login", `document.querySelector("form.login")`)
	s.until(`document.activeElement.name === "user"`)
	s.keys("Tab")
	s.keys(strings.Split("wrong", "")...)
	s.keys("Enter")
	s.shows("[role=alert]", "That is not right")
	s.until(`document.activeElement.name === "password"`)
	s.keys(strings.Split("sesame öffne dich", "")...)
	s.keys("Enter")
	s.shows("h1", "Groups") // where the user wanted to go
	s.shows("tbody tr", "nodes")
	s.run("location.reload()")
	s.shows("tbody tr", "nodes") // the tab remembers
	s.to("#/groups/nodes")
	s.shows(".feed", "joined") // a stream that proves itself
	s.to("#/load")
	s.until(`document.querySelectorAll(".measure").length === 8`)
	if kept := ask[string](s, `document.cookie + Object.keys(localStorage).join()`); kept != "" {
		t.Errorf("beyond the tab is kept %q", kept)
	}
	s.click("#leave", "Log out")
	s.shows("h1", "Log in")
	if kept := ask[string](s, `Object.entries(sessionStorage).join()`); strings.Contains(kept, "asic") {
		t.Errorf("after that is kept %q", kept)
	}
}

// A user sees what he has the right to, and is told of the rest what he lacks.
func TestUsersPages(t *testing.T) {
	t.Parallel()
	browser(t)
	n := nodetest.InProcess(t, 1, func(int, *node.Config) {})[0]
	resp, _, at := n.Addresses()
	command(t, resp, "SET", "app:colour", "green")
	member(t, resp, "app/g", "AS", "worker-a")
	member(t, resp, "other", "AS", "worker-z")
	command(t, resp, "ACL", "SETUSER", "app", "on", ">sesame", "~app:*", "&caucus:g:app/*", "+@read", "+@group",
		"+@vote", "+@transaction", "-@dangerous", "+subscribe")
	command(t, resp, "ACL", "SETUSER", "default", ">other")
	s := look(t, at, "#/", "status of 401", "status of 403")
	s.shows("h1", "Log in")
	s.until(`document.activeElement.name === "user"`)
	s.keys("a", "p", "p", "Tab", "s", "e", "s", "a", "m", "e", "Enter")
	s.shows(".problem", "no permissions to run the 'ensemble|status' command")
	s.shows("h1", "Ensemble")
	s.pictures("forbidden", `document.querySelector(".problem")`)
	s.to("#/groups")
	s.shows(".card", "Not for this user")
	s.to("#/groups/app%2Fg")
	s.shows("tbody tr", "worker-a")
	s.shows(".feed", "worker-a joined")
	s.to("#/groups/other")
	s.shows(".problem", "no permissions to access one of the channels")
	s.to("#/load")
	s.shows(".head, header, main", "no permissions to run the 'info' command")
	s.to("#/keys")
	s.click(".keys a", "app:colour")
	s.shows(".detail", "green")
	s.to("#/timeline")
	s.shows(".problem", "ensemble|status")
	line, err := nodetest.Dial(resp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	said(t, line, "AUTH", "other")
	said(t, line, "ACL", "SETUSER", "app", "+ensemble|status")
	s.until(`!document.querySelector("main .problem")`) // by itself
}

// Over TLS it is the same: the policy names the others by https, and events come.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	browser(t)
	authority := nodetest.NewAuthority(t)
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
		cfg.Password, cfg.TLS = "sesame", authority.Node(cfg.Name)
		cfg.TLS.Clients = "optional" // this browser has no certificate
	})[0]
	_, _, at := n.Addresses()
	s := look(t, "https://"+at, "#/groups/nodes", "status of 401")
	s.shows("h1", "Log in")
	s.keys(append([]string{"Tab"}, strings.Split("sesame", "")...)...)
	s.keys("Enter")
	s.shows(".feed", "n1 joined")
	s.until(`document.querySelector(".beside .pill").textContent === "live"`)
	s.to("#/load")
	s.until(`document.querySelectorAll(".measure").length === 8`)
}
