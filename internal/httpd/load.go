package httpd

import (
	"errors"
	"io"
	"net/http"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// errNoRoom says that all clients together hold as much as they may.
var errNoRoom = errors.New("too much is under way on all connections together (max-client-memory)")

// bodyLoad is the body of a request whose bytes count against what all clients may hold together, until the
// request is answered; its answer counts in the same way.
type bodyLoad struct {
	io.ReadCloser
	resp.Holding
	bytes int
}

// countBody has the body of a request counted.
func (d *Door) countBody(r *http.Request) *bodyLoad {
	c := &bodyLoad{ReadCloser: r.Body, Holding: d.cfg.Budget.Holding()}
	r.Body = c
	return c
}

// Read implements io.Reader.
func (c *bodyLoad) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if !c.grow(n) {
		return 0, errNoRoom
	}
	return n, err
}

// grow says whether so many bytes more may be held.
func (c *bodyLoad) grow(n int) bool {
	c.bytes += n
	return c.Resize(c.bytes)
}

// noRoom is the answer to a request that finds no room.
func noRoom() *caucus.Error { return caucus.Errorf(caucus.ErrOutOfMemory, "%v", errNoRoom) }
