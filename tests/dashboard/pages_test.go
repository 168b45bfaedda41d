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
	s.pictures("ensemble", drawn)
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
