package respd

import (
	"errors"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// listensOnly says whether the connection is one that has subscribed in RESP2, where a push cannot be told
// from a reply: it can do nothing else (SAFETY C7).
func (c *client) listensOnly() bool { return c.proto == 2 && c.listens() }

// mayListening says whether such a connection may still send a command.
func mayListening(s *command.Spec) bool {
	switch s.Name {
	case "ping", "quit", "reset":
		return true
	}
	return s.Home == command.Door && s.Has(command.PubSub)
}

// pingListening answers PING on a connection that listens only. The server hears of it, since it is a sign of
// life of the session.
func (c *client) pingListening(cmd caucus.Command) {
	reply := c.talk.DoAll(c.ctx, []caucus.Command{cmd})
	if len(reply) == 1 && reply[0].Kind == caucus.KindError {
		c.say(reply[0])
		return
	}
	c.say(caucus.Array(caucus.Bulk("pong"), caucus.Bulk(strings.Join(cmd[1:], ""))))
}

// subscribe answers SUBSCRIBE and PSUBSCRIBE. A pattern is refused only when it asks for private channels
// by name; wider ones do not get private messages from the feed. The confirmation of a channel goes out
// before its messages do, since gate is held from before the first can come.
func (c *client) subscribe(verb string, names []string) {
	feeds, err := c.feeds(verb, names)
	if err != nil {
		c.say(caucus.ErrorReply(err))
		return
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.sub == nil {
		c.attend()
	}
	if err := c.mayListen(verb, names); err != nil {
		c.say(caucus.ErrorReply(err))
		return
	}
	for i, name := range names {
		name = strings.Clone(name)
		if verb == "subscribe" {
			if former, ok := c.channels[name]; ok && former != feeds[i] {
				c.sub.Unsubscribe(former) // the channel is another session's now
			}
			c.channels[name] = feeds[i]
			c.sub.Subscribe(feeds[i])
		} else {
			c.patterns[name] = feeds[i]
			c.sub.PSubscribe(feeds[i])
		}
		c.confirm(verb, caucus.Bulk(name))
	}
}

// feeds gives what the server's feed calls the channels or patterns: the same, but for a member's own
// channel, which only its session may read.
func (c *client) feeds(verb string, names []string) ([]string, *caucus.Error) {
	feeds := make([]string, len(names))
	for i, name := range names {
		switch private := strings.HasPrefix(name, waist.PrivateChannels); {
		case strings.HasPrefix(name, waist.TrackChannels) || name == waist.TrackAll:
			return nil, caucus.Errorf(caucus.ErrNoPerm, "'%.300s' is for the node's own use (CLIENT TRACKING)", name)
		case verb == "psubscribe" && glob.Check(name) != nil:
			return nil, caucus.Errorf(caucus.ErrBad, "%v", glob.Check(name))
		case private && verb == "psubscribe":
			return nil, caucus.Errorf(caucus.ErrNoPerm, "'%.300s' may match messages for members, which only "+
				"their own sessions may read, each by its channel's name", name)
		case private && !namesMember(name):
			return nil, caucus.Errorf(caucus.ErrNoPerm, "'%.300s' names no member", name)
		case private:
			feed, err := c.talk.Feed(c.ctx, name)
			if err != nil {
				return nil, err
			}
			if channel, _, _ := strings.Cut(feed, waist.FeedMark); channel != name {
				return nil, caucus.Errorf(caucus.ErrNoPerm, "'%.300s' names no member", name)
			}
			feeds[i] = feed
		default:
			feeds[i] = strings.Clone(name)
		}
	}
	return feeds, nil
}

// namesMember says whether a private channel is that of a member with a name.
func namesMember(channel string) bool {
	_, member, _ := strings.Cut(strings.TrimPrefix(channel, waist.PrivateChannels), ":")
	return member != ""
}

// unsubscribe answers UNSUBSCRIBE and PUNSUBSCRIBE: without names, for all.
func (c *client) unsubscribe(verb string, names []string) {
	c.gate.Lock()
	defer c.gate.Unlock()
	mine := c.channels
	if verb == "punsubscribe" {
		mine = c.patterns
	}
	if len(names) == 0 {
		for name := range mine {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	if len(names) == 0 {
		c.confirm(verb, caucus.Nil())
	}
	for _, name := range names {
		c.forgetName(verb, mine, name)
		c.confirm(verb, caucus.Bulk(name))
	}
}

func (c *client) forgetName(verb string, mine map[string]string, name string) {
	feed, ok := mine[name]
	if !ok {
		return
	}
	delete(mine, name)
	c.listensNoMore(verb, name)
	if verb == "unsubscribe" {
		c.sub.Unsubscribe(feed)
	} else {
		c.sub.PUnsubscribe(feed)
	}
}

// confirm says what the connection now listens to. Gate is held, so it only adds; the pipeline's end writes.
func (c *client) confirm(verb string, name caucus.Reply) {
	c.subscribed.Store(int64(len(c.channels)))
	c.psubscribed.Store(int64(len(c.patterns)))
	c.out.add(c.proto, caucus.Push(caucus.Bulk(verb), name, caucus.Int(int64(len(c.channels)+len(c.patterns)))))
}

// silence ends all subscriptions without a word, for RESET.
func (c *client) silence() {
	c.gate.Lock()
	defer c.gate.Unlock()
	for name := range c.channels {
		c.forgetName("unsubscribe", c.channels, name)
	}
	for name := range c.patterns {
		c.forgetName("punsubscribe", c.patterns, name)
	}
	c.subscribed.Store(0)
	c.psubscribed.Store(0)
	c.stopTracking()
}

// attend makes the subscription, and sees to it that what comes is written: by a crier, or by a goroutine of
// the client's own where that cannot be.
func (c *client) attend() {
	cried := c.mayLane()
	c.sub = c.s.cfg.Server.Watch()
	c.channels, c.patterns = map[string]string{}, map[string]string{}
	if cried {
		by := c.s.criers.give(c.id)
		c.sub.Tell(func() { by.tell(c) })
		return
	}
	c.pumping.Go(func() { c.pump(nil, func() ([]waist.Message, error) { return c.sub.Next(c.ctx) }) })
}

// closeSubscription ends what attend began.
func (c *client) closeSubscription() {
	c.cancel()
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.sub != nil {
		c.sub.Close()
	}
	c.s.cfg.Limits.Budget.Resize(&c.names, 0)
}

// pump writes messages, and what more there is of them, until there is nothing more, or an error. It takes no
// more from its subscription than the client takes from it, so that the subscription's backlog is the one
// that grows, and is cut.
func (c *client) pump(messages []waist.Message, more func() ([]waist.Message, error)) {
	for {
		if err := c.out.flush(); err != nil {
			c.pumpFailed(c.writeFailed(err))
			return
		}
		if len(messages) == 0 {
			var err error
			if messages, err = more(); err != nil {
				c.pumpEnded(err)
				return
			}
			if len(messages) == 0 {
				return
			}
		}
		messages = messages[c.push(messages):]
	}
}

// pumpFailed has whoever reads from a client see that nothing can be written to him. If the client is gone
// reading says so too.
func (c *client) pumpFailed(err error) {
	if !c.wasLost(err) {
		closeQuietly(c.conn)
	}
	c.look()
}

// pumpEnded is told why a subscription gives nothing more, and cuts a client who fell too far behind.
func (c *client) pumpEnded(err error) {
	if !errors.Is(err, waist.ErrSlow) || c.ctx.Err() != nil || c.ours.Load() {
		return
	}
	c.s.cut.Add(1)
	c.s.grumble.Warn("subscriber cut: it fell too far behind (max-client-backlog, max-client-memory)",
		"id", c.id, "from", c.conn.RemoteAddr())
	c.hangUp()
}

// push adds some of the messages, leaving out what is no longer subscribed, and says how many it dealt with.
func (c *client) push(messages []waist.Message) int {
	c.gate.Lock()
	defer c.gate.Unlock()
	var text []byte
	for i := range messages {
		if !c.hears(&messages[i]) {
			continue
		}
		text = appendMessage(text[:0], c.proto, &messages[i])
		if c.out.put(text) >= chunk {
			return i + 1
		}
	}
	return len(messages)
}

// hears says whether the client listens still to what a message came by. It is asked once for each message.
// Gate is held.
func (c *client) hears(m *waist.Message) bool {
	if isTracked(m) {
		return c.tracked(m)
	}
	if m.Pattern != "" {
		_, ok := c.patterns[m.Pattern]
		return ok
	}
	feed, ok := c.channels[publicName(m.Channel)]
	return ok && feed == m.Channel
}

// publicName is what clients call a channel of the server's feed.
func publicName(feed string) string {
	if strings.HasPrefix(feed, waist.PrivateChannels) {
		feed, _, _ = strings.Cut(feed, waist.FeedMark)
	}
	return feed
}

// appendMessage appends a message as a push, which is the same for all who hear it by the same protocol.
func appendMessage(dst []byte, proto int, m *waist.Message) []byte {
	if isTracked(m) {
		return appendInvalidation(dst, proto, m)
	}
	if m.Pattern != "" {
		return resp.Append(dst, proto, caucus.Push(caucus.Bulk("pmessage"), caucus.Bulk(m.Pattern),
			caucus.Bulk(m.Channel), caucus.Bulk(m.Payload)))
	}
	return resp.Append(dst, proto, caucus.Push(caucus.Bulk("message"), caucus.Bulk(publicName(m.Channel)),
		caucus.Bulk(m.Payload)))
}
