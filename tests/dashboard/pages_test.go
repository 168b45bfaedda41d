package dashboard

import (
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

const drawn = `document.querySelectorAll(".ring .peer").length === 3 &&
	document.querySelector(".ring .leads")`

// The first page shows the nodes, who leads, and what there is.
func TestEnsemble(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 3)
	command(t, c.Addr(0), "GROUP", "CREATE", "crawl", "SETTLE", "0", "SLOTS", "64")
	s := look(t, c.HTTP(0), "")
	s.until(drawn)
	s.shows("tbody tr", "n3")
	s.shows(".seat", "n1")
	s.until(`document.querySelectorAll(".link.led").length === 2`)
	const flow = `getComputedStyle(document.querySelector(".led .flow")).animationName`
	if got := ask[string](s, flow); got != "flow" {
		t.Errorf("what flows from the leader moves by %q", got)
	}
	s.pictures("ensemble", drawn) // whose viewer wants nothing to move
	if got := ask[string](s, flow); got != "none" {
		t.Errorf("although nothing may move, it does by %q", got)
	}
	c.Kill(2)
	s.shows(".ring .bad", "unreachable")
	s.shows("tbody tr", "unreachable")
	s.shot("ensemble-down")
	c.Restart(2)
	s.until(`!document.querySelector(".ring .bad")`)
}

// The list of groups is there, is searched, and hears of a new group by itself.
func TestGroups(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	for _, name := range []string{"crawl", "mail/in", "mail/out"} {
		command(t, c.Addr(0), "GROUP", "CREATE", name, "SETTLE", "0")
	}
	member(t, c.Addr(0), "crawl", "AS", "worker-a")
	s := look(t, c.HTTP(0), "#/groups")
	s.shows("tbody tr", "worker-a")
	s.until(`document.querySelectorAll("tbody tr").length === 4`)
	command(t, c.Addr(0), "GROUP", "CREATE", "late", "SETTLE", "0")
	s.shows("tbody tr", "late")
	s.pictures("groups", `document.querySelectorAll("tbody tr").length === 5`)
	s.keys("/", "m", "a", "i", "l")
	s.until(`document.querySelectorAll("tbody tr").length === 2 && location.hash === "#/groups?q=mail"`)
	s.keys("ArrowDown")
	s.until(`document.activeElement.textContent === "mail/in"`)
	s.keys("ArrowDown")
	s.until(`document.activeElement.textContent === "mail/out"`)
}

// Whoever has no mouse gets everywhere: past the head, along the pages, through lists and into a group.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	member(t, c.Addr(0), "crawl", "AS", "worker-a")
	s := look(t, c.HTTP(0), "")
	s.until(`document.querySelector(".ring .leads")`)
	s.until(`document.activeElement.tagName === "H1"`)
	s.run("document.activeElement.blur()")
	s.run(`document.getElementById("skip").focus()`)
	s.until(`document.getElementById("skip").getBoundingClientRect().top > 0`)
	s.keys("Enter")
	s.until(`document.activeElement.id === "main" && location.hash === ""`)
	s.run(`document.querySelector("#tabs a").focus()`)
	s.keys("Tab", "Enter")
	s.until(`document.querySelector("h1").textContent === "Groups" && document.activeElement.tagName === "H1"`)
	s.until(`document.querySelector("#tabs [aria-current=page]").dataset.page === "groups"`)
	s.shows("tbody tr", "worker-a")
	s.keys("/")
	s.until(`document.activeElement.type === "search"`)
	s.keys("Escape")
	s.until(`document.activeElement.type !== "search"`)
	s.keys("/", "ArrowDown", "End")
	s.until(`document.activeElement.textContent === "nodes"`)
	s.keys("Home")
	s.until(`document.activeElement.textContent === "crawl"`)
	ring := ask[string](s, `getComputedStyle(document.activeElement).outlineStyle`)
	if ring != "solid" {
		t.Errorf("where the focus is has an outline that is %s", ring)
	}
	s.keys("Enter")
	s.until(`document.querySelector("h1").textContent === "crawl"`)
	s.until(`document.title === "crawl · caucus"`)
	for _, route := range []string{"#/", "#/groups", "#/groups/crawl", "#/timeline", "#/load", "#/keys"} {
		s.to(route)
		s.until(`document.querySelector("h1")`)
		unnamed := ask[[]string](s, `[...document.querySelectorAll("a, button, input, select, canvas")]
			.filter((e) => !e.closest("[hidden]") && !(e.textContent.trim() || e.getAttribute("aria-label")
				|| e.labels?.[0]?.textContent.trim())).map((e) => e.outerHTML.slice(0, 100))`)
		if len(unnamed) > 0 {
			t.Errorf("%s: without a name are %q", route, unnamed)
		}
	}
}

// The theme is the system's until one is chosen, which the browser then remembers.
func TestTheme(t *testing.T) {
	t.Parallel()
	browser(t)
	c := nodetest.Start(t, 1)
	s := look(t, c.HTTP(0), "")
	const light, dark = `rgb(245, 245, 241)`, `rgb(17, 19, 22)`
	paper := func(colour string) {
		t.Helper()
		s.until(`getComputedStyle(document.body).backgroundColor === "` + colour + `"`)
	}
	s.theme("dark")
	paper(dark)
	s.theme("light")
	paper(light)
	s.click("#theme", "Auto")
	s.click("#theme", "Light")
	s.shows("#theme", "Dark")
	paper(dark)
	s.run("location.reload()")
	s.shows("#theme", "Dark")
	paper(dark)
	s.click("#theme", "Dark")
	paper(light)
}
