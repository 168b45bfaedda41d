package respd

import "github.com/caucus-project/caucus"

// nameCost is what a name costs that a connection listens to, beside its bytes.
const nameCost = 256

// mayListen says why a connection may not listen to so many names more, nil when it may, and then counts them
// as held. The gate is held.
func (c *client) mayListen(mine map[string]string, names []string) *caucus.Error {
	count, bytes := len(c.channels)+len(c.patterns), 0
	for _, name := range names {
		if _, ok := mine[name]; !ok {
			count++
			bytes += len(name) + nameCost
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
func (c *client) listensNoMore(name string) {
	c.s.cfg.Limits.Budget.Resize(&c.names, max(0, c.names-len(name)-nameCost))
}
