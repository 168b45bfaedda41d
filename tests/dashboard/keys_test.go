package dashboard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// Keys are sought by pattern and type, page by page; each type is shown, also where it is no text.
func TestKeys(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	at := c.Addr(0)
	for i := range 250 {
		command(t, at, "SET", fmt.Sprintf("many:%03d", i), "x")
	}
	for _, cmd := range [][]string{
		{"SET", "config/app", `{"port": 8080, "hosts": ["a", "b"]}`, "EX", "6000"},
		{"SET", "plain", "two\nlines"}, {"SET", "bin\xff\x00", "\xde\xad\xbe\xef"}, {"SET", "", "of the empty key"},
		{"HSET", "user:1", "name", "ann", "raw", "\xff\x01"}, {"RPUSH", "queue", "first", "second"},
		{"SADD", "tags", "red", "blue"}, {"ZADD", "scores", "1.5", "ann", "7", "ben"},
	} {
		command(t, at, cmd...)
	}
	s := look(t, c.HTTP(0), "#/keys")
	s.until(`document.querySelectorAll(".keys li").length >= 100`)
	s.keys("/", "m", "a", "n", "y", ":", "0", "1", "*")
	s.until(`document.querySelectorAll(".keys li").length === 10 && location.hash.includes("many")`)
	s.to("#/keys?q=config")
	s.click(".keys a", "config/app")
	s.shows(".value pre", "\"port\": 8080")
	s.shows(".facts", "more, until")
	s.shows(".facts", "Revision")
	command(t, at, "SET", "config/app", "now something else")
	s.shows(".value pre", "now something else") // without a click
	for _, c := range []struct{ key, shows string }{
		{"plain", "two\nlines"}, {"bin", "de ad be ef"}, {"user", `\xff\x01`}, {"queue", "second"},
		{"tags", "blue"}, {"scores", "1.5"},
	} {
		s.to("#/keys?q=" + c.key)
		s.until(`document.querySelectorAll(".keys li").length === 1`)
		s.click(".keys a", c.key)
		s.shows(".value", c.shows)
	}
	s.shows(".value h2", "scores")
	s.to("#/keys?type=hash")
	s.until(`document.querySelectorAll(".keys li").length === 1`)
	s.click(".keys a", "user:1")
	s.shows(".value tbody", "ann")
	command(t, at, "DEL", "user:1")
	s.shows(".detail", "There is no such key now.")
	s.to("#/keys")
	s.click(".keys a", "many:000")
	s.pictures("keys", `document.querySelector(".value")`)
}

// However often one asks for more, each key is there once.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	line, err := nodetest.Dial(c.Addr(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	const n = 3000
	words := []string{"MSET"}
	for i := range n {
		words = append(words, fmt.Sprintf("k%d", i), "v")
	}
	said(t, line, words...)
	s := look(t, c.HTTP(0), "#/keys")
	s.shows(".title", "so far")
	for range 10 {
		s.until(`!document.querySelector(".title").textContent.includes("Searching")`)
		if ask[bool](s, `document.querySelector("main button").hidden`) {
			break
		}
		s.click("main button", "More")
	}
	s.until(fmt.Sprintf(`document.querySelectorAll(".keys li").length === %d`, n))
	const once = `new Set([...document.querySelectorAll(".keys a")].map((a) => a.textContent)).size`
	if got := ask[int](s, once); got != n {
		t.Errorf("%d different keys are there", got)
	}
}

// What clients name themselves is text wherever it is shown, and nothing of it runs.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	at := c.Addr(0)
	const evil = `<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>`
	command(t, at, "SET", evil, evil)
	command(t, at, "HSET", "hash"+evil, evil, evil)
	command(t, at, "SET", "turned\u202Earound", "x")
	line := member(t, at, "prey", "AS", "worker", "META", evil, "SETTLE", "0", "SLOTS", "4")
	said(t, line, "VOTE", "CALL", "prey", evil, "TIMEOUT", "600000")
	said(t, line, "GROUP", "SEND", "prey", evil, "ORDERED")
	s := look(t, c.HTTP(0), "#/groups/prey", "status of 400") // no group is called as the last one here
	s.shows("tbody code", evil)
	s.shows(".polls strong", evil)
	s.shows(".feed .said", "worker says: "+evil)
	s.pictures("hostile", `document.querySelector(".polls strong")`)
	s.to("#/timeline")
	s.shows(".feed", "worker joined")
	s.to("#/keys")
	s.shows(".keys a", evil)
	s.shows(".keys a", `turned\xe2\x80\xaearound`)
	s.click(".keys a", "hash<img")
	s.shows(".value tbody td", evil)
	s.to("#/keys?q=" + `%3Cimg*`)
	s.until(`document.querySelectorAll(".keys li").length === 1`)
	s.click(".keys a", evil)
	s.shows(".value pre", evil)
	s.to("#/groups/" + `%3Cimg%20src%3Dx%20onerror%3D%22window.hurt%3D1%22%3E`)
	s.shows("h1", `<img src=x onerror="window.hurt=1">`)
	if ask[bool](s, `"hurt" in window || document.querySelector("main img, main script") !== null`) {
		t.Error("something of it ran")
	}
}

// Names as long as they may be break no page, not even on a phone.
func TestLongNames(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	long := strings.Repeat("long-name-", 20)
	line := member(t, c.Addr(0), long, "AS", long, "META", long+long, "SETTLE", "0", "SLOTS", "65536")
	said(t, line, "VOTE", "CALL", long, long+long, "TIMEOUT", "600000")
	command(t, c.Addr(0), "HSET", long+long, long+long, long+long)
	s := look(t, c.HTTP(0), "")
	for _, width := range []int64{390, 800, 1280} {
		s.size(width, 844)
		for _, page := range []struct{ route, ready string }{
			{"#/groups", `document.querySelectorAll("tbody tr").length === 2`},
			{"#/groups/" + long, `document.querySelector(".polls li") &&
				document.querySelector("canvas").width > 100`},
			{"#/timeline", `document.querySelectorAll(".feed li").length > 2`},
			{"#/keys", `document.querySelector(".keys a")`},
		} {
			s.to(page.route)
			s.until(page.ready)
			s.fits(fmt.Sprintf("%.10s of %d pixels", page.route, width))
		}
		s.click(".keys a", long)
		s.until(`document.querySelector(".value tbody")`)
		s.fits(fmt.Sprintf("a key of %d pixels", width))
	}
	s.shot("long-names")
}
