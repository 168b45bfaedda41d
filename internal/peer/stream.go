package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// A stream is a frame that opens it (kind, header), frames of data, and one that ends it with the number of
// bytes; then the receiver answers as it does a call. Meanwhile the receiver sends pings.
const (
	streamOpen = 1
	streamData = 2
	streamEnd  = 3

	streamChunk  = 256 << 10
	streamHeader = 64 << 10 // bytes of a header at most
)

// ErrAborted is what a stream's reader gets when the sender went away before it finished, and the sender
// when it goes on after Close.
var ErrAborted = errors.New("peer: stream aborted")

// Stream sends one big thing to a peer. It belongs to one goroutine. After the last Write comes Finish;
// Close, at any time, gives up what is not finished and may always be deferred.
type Stream struct {
	t     *Transport
	line  *line
	chunk []byte // a frame of data under way, its head included
	sent  uint64
	stop  func() bool // ends the watch over the context
	ctx   context.Context

	answered chan struct{} // closed when the answer is there, or none will come
	once     sync.Once
	answer   error
}

// OpenStream begins a stream to a peer that SetPeer named. The context holds for the whole stream.
func (t *Transport) OpenStream(ctx context.Context, id uint64, kind uint8, header []byte) (*Stream, error) {
	peer := t.link(id)
	if peer == nil {
		return nil, ErrUnknown
	}
	if len(header) > streamHeader {
		return nil, fmt.Errorf("peer: a stream header of %d bytes, %d allowed", len(header), streamHeader)
	}
	l, err := t.connect(ctx, peer.address(), ForStream, id)
	if err != nil {
		return nil, err
	}
	s := &Stream{t: t, line: l, ctx: ctx, answered: make(chan struct{})}
	s.chunk = append(make([]byte, 0, frameHead+streamChunk), make([]byte, frameHead)...)
	if !t.begin(s.listen) {
		l.Close()
		return nil, ErrClosed
	}
	s.stop = context.AfterFunc(ctx, func() { l.Close() })
	open := Frame{Type: streamOpen, Payload: append([]byte{kind}, header...)}
	if err := l.send(t.opts.StreamPatience, open); err != nil {
		err = s.why(err)
		s.Close()
		return nil, err
	}
	return s, nil
}

// Write sends p, as fast as the receiver takes it. It fails with the receiver's error if that has given up.
func (s *Stream) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		part := p[n:min(len(p), n+cap(s.chunk)-len(s.chunk))]
		s.chunk = append(s.chunk, part...)
		n += len(part)
		if len(s.chunk) == cap(s.chunk) {
			if err := s.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (s *Stream) flush() error {
	if len(s.chunk) == frameHead {
		return nil
	}
	payload := s.chunk[frameHead:]
	appendHead(s.chunk[:0], Frame{Type: streamData, Payload: payload})
	if err := s.line.SetWriteDeadline(time.Now().Add(s.t.opts.StreamPatience)); err != nil {
		return s.why(err)
	}
	if _, err := s.line.Write(s.chunk); err != nil {
		return s.why(err)
	}
	s.sent += uint64(len(payload))
	s.chunk = s.chunk[:frameHead]
	return nil
}

// Finish says that all was written and waits for what the receiver made of it. Nil means that its handler
// took the stream to the end and returned nil; its error comes back as a *caucus.Error. While the receiver
// lives and thinks, only the stream's context ends the wait.
func (s *Stream) Finish() error {
	defer s.Close()
	if err := s.flush(); err != nil {
		return err
	}
	end := Frame{Type: streamEnd, Payload: binary.LittleEndian.AppendUint64(nil, s.sent)}
	if err := s.line.send(s.t.opts.StreamPatience, end); err != nil {
		return s.why(err)
	}
	<-s.answered
	if s.answer != nil {
		return s.why(s.answer)
	}
	return nil
}

// Close gives up a stream that is not finished; the receiver's reader fails with ErrAborted.
func (s *Stream) Close() error {
	s.once.Do(func() {
		s.stop()
		s.line.Close()
		<-s.answered
	})
	return nil
}

// listen waits for the answer, or for the silence that shows that none will come.
func (s *Stream) listen() {
	_, s.answer = readAnswer(bufio.NewReader(s.line), maxReason)
	close(s.answered)
	// One who is writing finds out at once.
	s.line.Close()
}

// why gives the reason for a failure: the receiver's own words if it has given up, else the first error.
func (s *Stream) why(err error) error {
	s.line.Close()
	<-s.answered
	if s.ctx.Err() != nil {
		return errors.Join(context.Cause(s.ctx), err)
	}
	var said *caucus.Error
	if errors.As(s.answer, &said) {
		return said
	}
	if errors.Is(err, net.ErrClosed) && s.answer != nil {
		err = s.answer // listen was first to see the end, and closed the line
	}
	return fmt.Errorf("%w: %w", ErrAborted, err)
}

// receiveStream serves one stream.
func (t *Transport) receiveStream(l *line) {
	l.patience = t.opts.StreamPatience
	body := &streamReader{r: bufio.NewReader(l)}
	opening, err := readFrame(body.r, 1+streamHeader, nil)
	if err != nil || opening.Type != streamOpen || len(opening.Payload) == 0 {
		t.grumble.Warn("a stream that does not open", "peer", l.greeting.From.ID, "err", err)
		return
	}
	stop := t.keepAlive(l)
	err = t.handler.Stream(l.greeting.From.ID, opening.Payload[0], opening.Payload[1:], body)
	if err == nil {
		err = body.ended()
	}
	stop()
	if sendErr := l.send(t.opts.Silence, answerFrame(nil, err)); sendErr != nil {
		t.log.Debug("the outcome of a stream was not taken", "peer", l.greeting.From.ID, "err", sendErr)
		return
	}
	linger(l.Conn, t.opts.Silence)
}

// streamReader gives the body of a stream, a chunk at a time.
type streamReader struct {
	r    *bufio.Reader
	buf  []byte // the chunk's memory
	rest []byte // what was not read of it yet
	seen uint64
	err  error
}

// Read gives io.EOF only after the sender's Finish.
func (s *streamReader) Read(p []byte) (int, error) {
	for len(s.rest) == 0 && s.err == nil {
		s.rest, s.err = s.next()
	}
	if len(s.rest) == 0 {
		return 0, s.err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *streamReader) next() ([]byte, error) {
	f, err := readFrame(s.r, streamChunk, s.buf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAborted, noEOF(err))
	}
	s.buf = f.Payload
	switch f.Type {
	case streamData:
		s.seen += uint64(len(f.Payload))
		return f.Payload, nil
	case streamEnd:
		if len(f.Payload) == 8 && binary.LittleEndian.Uint64(f.Payload) == s.seen {
			return nil, io.EOF
		}
	}
	return nil, fmt.Errorf("%w: a stream with a piece of type %d in the wrong place", ErrGarbled, f.Type)
}

// ended says whether the body was read to its end; if just the end itself is left, it reads that.
func (s *streamReader) ended() error {
	n, err := s.Read(make([]byte, 1))
	if n > 0 {
		return caucus.Errorf(caucus.ErrBad, "the receiver did not read the stream to its end")
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, ErrAborted) {
		return nil
	}
	return err
}
