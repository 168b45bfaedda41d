package httpd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// client names a client of bloc: the same header in another group, or of another user, is another client.
type client struct{ group, header, user string }

// detached gives the text that names the client's session.
func (c client) detached() string {
	text := "bloc\x00" + c.group + "\x00" + c.header
	if c.user != "" {
		text += "\x00" + c.user
	}
	return text
}

// member gives the client's name in its group: the header where that is a legal name.
func (c client) member() string {
	if caucus.ValidMember(c.header) {
		return c.header
	}
	sum := sha256.Sum256([]byte(c.header))
	return "bloc-" + hex.EncodeToString(sum[:8])
}

// blocSeat is the seat of a client of bloc. Its conversation knows which revocation the client has been told
// of. Its commands are the same every time and never change.
type blocSeat struct {
	seat
	crowded bool // the request came while another of the same client was under way; of whose turn it is

	look, join, keepalive, close []caucus.Command
}

func newBlocSeat(c client, ttl time.Duration) *blocSeat {
	keepalive := caucus.Command{"SESSION", "KEEPALIVE"}
	return &blocSeat{seat: newSeat(),
		look: []caucus.Command{keepalive, {"GROUP", "INDEX", c.group}},
		join: []caucus.Command{{"GROUP", "JOIN", c.group, "AS", c.member(),
			"TTL", strconv.FormatInt(ttl.Milliseconds(), 10)}},
		keepalive: []caucus.Command{keepalive},
		close:     []caucus.Command{{"SESSION", "CLOSE"}},
	}
}

// blocSit waits for a client's turn. What it was told may not have reached it when it does not wait for its
// answers, so it begins anew then, as who has shown nothing (SAFETY A3).
func (d *Door) blocSit(ctx context.Context, c client) (*blocSeat, *caucus.Error) {
	s, alone, err := d.seats.sit(ctx, c)
	if err != nil {
		return nil, err
	}
	if s.crowded = !alone; s.crowded {
		s.hangUp()
	}
	info := waist.ConnInfo{Detached: c.detached(), User: c.user, About: about(ctx, c.user)}
	if err := s.meet(d.server, info); err != nil {
		d.blocRise(s)
		return nil, err
	}
	return s, nil
}

// blocRise gives a seat up. What a client was told that does not wait for its answers is no evidence that it
// knows.
func (d *Door) blocRise(s *blocSeat) {
	if s.crowded {
		s.hangUp()
	}
	d.seats.rise(s)
}

// share is what a client is told: its share of the work, or that there is none now.
type share struct {
	settled      bool
	index, total int64
}

// heartbeat keeps the client's session alive and gives its share. It joins only who is not there: what a
// member sends puts nothing in the log.
func (s *blocSeat) heartbeat(ctx context.Context) (share, *caucus.Error) {
	now, err := s.ask(ctx)
	if !isAbsent(err) {
		return now, err
	}
	if _, err := s.do(ctx, s.join); err != nil {
		return share{}, err
	}
	if now, err = s.ask(ctx); isAbsent(err) {
		return share{}, caucus.Errorf(caucus.ErrTryAgain, "the session ended as it began (%s)", err.Word)
	}
	return now, err
}

// isAbsent says whether the error is that the client is no member, or its session no more.
func isAbsent(err *caucus.Error) bool {
	if err == nil {
		return false
	}
	switch err.Word {
	case caucus.ErrNoSession.Word, caucus.ErrNoGroup.Word, caucus.ErrNoMember.Word:
		return true
	}
	return false
}

// ask gives the share under a promise: both come from one state (SAFETY A2), so a share is never older
// than the promise to keep it.
func (s *blocSeat) ask(ctx context.Context) (share, *caucus.Error) {
	replies, err := s.do(ctx, s.look)
	if err != nil {
		return share{}, err
	}
	r := replies[1]
	if r.IsNil() {
		return share{}, nil
	}
	if len(r.Items) < 2 || r.Items[0].Int < 1 || r.Items[0].Int > r.Items[1].Int {
		return share{}, caucus.Errorf(caucus.ErrUncertain, "this node cannot read its own answer to GROUP INDEX")
	}
	return share{settled: true, index: r.Items[0].Int, total: r.Items[1].Int}, nil
}

// end ends the client's session. It asks first, so that ending what is not there puts nothing in the log.
func (s *blocSeat) end(ctx context.Context) *caucus.Error {
	if _, err := s.do(ctx, s.keepalive); err != nil {
		return err
	}
	replies, err := s.do(ctx, s.close)
	if err == nil && replies[0].Int == 0 {
		err = caucus.Errorf(caucus.ErrNoSession, "the session has ended")
	}
	return err
}
