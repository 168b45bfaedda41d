package httpd

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
	"github.com/caucus-project/caucus/internal/waist"
)

// changeSource is the changes of keys: GET /v1/changes.
type changeSource struct {
	*stream
	place *follow.Changes
	conn  waist.Conn // nil until it has begun
	told  uint64     // the last id that was said
	begun bool       // one was said
}

func keyChanges(s *stream) (source, *caucus.Error) {
	c := &changeSource{stream: s, place: follow.ChangesNow(s.given.value("match"))}
	s.needs = caucus.Command{"CHANGES", "FROM", "0"}
	if match := s.given.value("match"); match != "" {
		s.needs = append(s.needs, "MATCH", match)
	}
	revision, ok, err := s.lastSeen()
	if ok {
		c.place = follow.ChangesFrom(s.given.value("match"), revision+1)
	}
	return c, err
}

// gathered is how many changes are read at once.
const gathered = 1000

// begin finds where the store is, or reads what there is for who comes again. Which it is is said by the id,
// so that who comes again before anything has changed misses nothing.
func (c *changeSource) begin() error {
	conn, err := c.converse(waist.ConnInfo{})
	if err != nil {
		return err
	}
	c.conn = conn
	reply, err := c.askOne(conn, c.door.cfg.RequestTimeout, c.place.Ask(gathered, 0))
	if err == nil {
		err = c.sayAll(c.place.Answered(reply))
	}
	c.sayPlace()
	return err
}

func (c *changeSource) close() {
	if c.conn != nil {
		c.conn.Close(false)
	}
}

// more reads what has changed, or waits for it. A reading that comes to nothing says up to where.
func (c *changeSource) more() error {
	beat := c.door.pace.beat
	reply, err := c.askOne(c.conn, beat+c.door.cfg.RequestTimeout, c.place.Ask(gathered, beat.Milliseconds()))
	if c.ctx.Err() != nil {
		return errGone
	}
	if err != nil {
		return err
	}
	before := len(c.text)
	if err := c.sayAll(c.place.Answered(reply)); err != nil {
		return err
	}
	if len(c.text) == before {
		c.comment()
		c.sayPlace()
	}
	return nil
}

// sayPlace says how far the client has come, when no change has said it.
func (c *changeSource) sayPlace() {
	at := c.place.Revision()
	if c.begun && at == c.told {
		return
	}
	c.id(at)
	c.text = append(c.text, '\n')
	c.told, c.begun = at, true
}

func (c *changeSource) sayAll(changes []follow.Change, err error) error {
	for _, change := range changes {
		c.say(change.Revision, change.Command, string(appendReply(nil, described(change))))
		c.told, c.begun = change.Revision, true
	}
	return err
}

// described gives a change as an object.
func described(c follow.Change) caucus.Reply {
	fields := []caucus.Reply{caucus.Bulk("revision"), caucus.Int(int64(c.Revision)),
		caucus.Bulk("command"), caucus.Bulk(c.Command)}
	switch {
	case c.Command == follow.GapKind:
		fields = append(fields, caucus.Bulk("from"), caucus.Int(int64(c.From)),
			caucus.Bulk("oldest"), caucus.Int(int64(c.Oldest)))
	case c.All():
		fields = append(fields, caucus.Bulk("key"), caucus.Nil())
	default:
		fields = append(fields, caucus.Bulk("key"), caucus.Bulk(c.Key))
	}
	return caucus.Map(fields...)
}
