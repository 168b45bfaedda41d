package respd

import (
	"maps"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
)

// nameCost is what a name costs that a connection listens to, beside its bytes.
const nameCost = 256

// mayListen says why a connection may not listen to so many names more, nil when it may, and then counts them
// as held. The gate is held.
func (c *client) mayListen(verb string, names []string) *caucus.Error {
	mine := c.channels
	if verb == "psubscribe" {
		mine = c.patterns
	}
	count, bytes := len(c.channels)+len(c.patterns), 0
	for _, name := range names {
		if _, ok := mine[name]; !ok {
			count++
			bytes += cost(verb, name)
		}
	}
	if most := c.s.cfg.MaxSubscriptions; count > most && bytes > 0 {
		return caucus.Errorf(caucus.ErrBad, "this connection would listen to %d channels and patterns; it may to "+
			"%d (max-subscriptions)", count, most)
	}
	if !c.s.cfg.Limits.Budget.Resize(&c.names, c.names+bytes) {
		return caucus.Errorf(caucus.ErrOutOfMemory, "all connections together listen to too much, or too much is "+
			"under way on them (max-client-memory)")
	}
	return nil
}

// listensNoMore gives back what a name was counted with. The gate is held.
func (c *client) listensNoMore(verb, name string) {
	c.s.cfg.Limits.Budget.Resize(&c.names, max(0, c.names-cost(verb, name)))
}

// cost is what a name costs that is listened to by a verb, or no more.
func cost(verb, name string) int {
	if strings.HasPrefix(verb, "p") {
		return nameCost + len(name) + glob.Compile(name).Bytes()
	}
	return nameCost + len(name)
}

// mayGoOn says whether the client may still listen to what it listens to.
func (c *client) mayGoOn(user string) bool {
	c.gate.Lock()
	all := caucus.Command(slices.Insert(slices.Collect(maps.Keys(c.channels)), 0, "SUBSCRIBE"))
	patterns := caucus.Command(slices.Insert(slices.Collect(maps.Keys(c.patterns)), 0, "PSUBSCRIBE"))
	c.gate.Unlock()
	for _, cmd := range []caucus.Command{all, patterns} {
		if len(cmd) > 1 && c.s.cfg.Guard.May(user, cmd) != nil {
			return false
		}
	}
	return true
}
