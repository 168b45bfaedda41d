package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/caucus-project/caucus"
)

// The types of the frames that answer a call or a stream.
const (
	answerGood = 1 // the payload is the answer
	answerBad  = 2 // the payload is the text of an error
)

// Call asks whoever is at an address one question, and waits for the answer. It works for nodes that
// belong to no cluster yet, on either side. An error of the other side's handler comes back as a
// *caucus.Error; a refused handshake as a *Refusal.
func (t *Transport) Call(ctx context.Context, addr string, kind uint8, payload []byte) ([]byte, error) {
	_, answer, err := t.Ask(ctx, addr, kind, payload)
	return answer, err
}

// Ask is Call for one who also wants to know who answered. The greeting is zero when nobody did.
func (t *Transport) Ask(
	ctx context.Context, addr string, kind uint8, payload []byte,
) (Greeting, []byte, error) {
	if len(payload) > t.opts.MaxFrame {
		return Greeting{}, nil, fmt.Errorf("peer: a call of %d bytes, %d allowed",
			len(payload), t.opts.MaxFrame)
	}
	if _, limited := ctx.Deadline(); !limited {
		limited, cancel := context.WithTimeout(ctx, t.opts.CallTimeout)
		defer cancel()
		ctx = limited
	}
	l, err := t.connect(ctx, addr, ForCall, 0)
	if err != nil {
		return Greeting{}, nil, err
	}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	answer, err := t.ask(l, Frame{Type: kind, Payload: payload})
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return l.greeting, answer, t.orClosed(err)
}

func (t *Transport) ask(l *line, question Frame) ([]byte, error) {
	if err := l.send(t.opts.CallTimeout, question); err != nil {
		return nil, err
	}
	return readAnswer(bufio.NewReader(l), t.opts.MaxFrame)
}

// readAnswer reads pings until the answer comes.
func readAnswer(r *bufio.Reader, limit int) ([]byte, error) {
	for {
		f, err := readFrame(r, limit, nil)
		switch {
		case err != nil:
			return nil, noEOF(err)
		case f.Type == typePing:
		case f.Type == answerGood:
			return f.Payload, nil
		case f.Type == answerBad:
			return nil, caucus.ParseError(clip(string(f.Payload)))
		default:
			return nil, fmt.Errorf("%w: an answer of type %d", ErrGarbled, f.Type)
		}
	}
}

func answerFrame(payload []byte, err error) Frame {
	if err != nil {
		return Frame{Type: answerBad, Payload: []byte(clip(err.Error()))}
	}
	return Frame{Type: answerGood, Payload: payload}
}

// answer serves one call. While the handler thinks, pings show the caller that somebody does.
func (t *Transport) answer(l *line) {
	question, err := readFrame(bufio.NewReader(l), t.opts.MaxFrame, nil)
	if err != nil {
		t.grumble.Warn("a call without a question", "from", l.greeting.Remote, "err", err)
		return
	}
	stop := t.keepAlive(l)
	payload, err := t.handler.Call(t.ctx, l.greeting, question.Type, question.Payload)
	stop()
	if err == nil && len(payload) > t.opts.MaxFrame {
		err = caucus.Errorf(caucus.ErrBad, "the answer has %d bytes, %d are allowed",
			len(payload), t.opts.MaxFrame)
	}
	if err := l.send(t.opts.CallTimeout, answerFrame(payload, err)); err != nil {
		t.log.Debug("an answer to a call was not taken", "from", l.greeting.Remote, "err", err)
		return
	}
	linger(l.Conn, t.opts.Silence)
}
