package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/resp"
)

// checkpoint answers CHECKPOINT [name]: it has a snapshot of this node written, waits for it however long it
// takes, and gives its index. With a name the state goes into a dump beside it as well.
func (n *Node) checkpoint(ctx context.Context, cmd caucus.Command) caucus.Reply {
	if len(cmd) > 2 {
		return caucus.Fail(caucus.ErrBad, "syntax error: it is CHECKPOINT [name]")
	}
	if len(cmd) == 2 && !legalDump(cmd[1]) {
		return caucus.Fail(caucus.ErrBad, "the name of a dump is 1-%d letters, digits and '._-', not beginning "+
			"with '.'", maxDumpName)
	}
	saved, err := n.save(ctx)
	if err == nil && len(cmd) == 2 {
		err = n.writeDump(cmd[1], saved)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Int(int64(saved.Index()))
}

// save has a snapshot written and gives the state that is in it.
func (n *Node) save(ctx context.Context) (*machine.View, *caucus.Error) {
	answer := make(chan replica.Saved, 1)
	if !n.owner.call(func(now replica.Time) { n.owner.r.AskCheckpoint(now, answer) }) {
		return nil, errStopping
	}
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, caucus.Errorf(wordOf(a.Err), "the snapshot was not written: %s", a.Err)
		}
		return a.View, nil
	case <-n.owner.quit:
		return nil, errStopping
	case <-ctx.Done():
		return nil, errStopping
	}
}

// Where dumps are, below the data directory, and how long their names may be: a file's name has 255 bytes.
const (
	dumpDir     = "checkpoints"
	dumpEnding  = ".jsonl"
	maxDumpName = 255 - len(dumpEnding)
)

func legalDump(name string) bool {
	other := strings.ContainsFunc(name, func(c rune) bool {
		return !strings.ContainsRune("._-", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') &&
			(c < 'a' || c > 'z')
	})
	return name != "" && len(name) <= maxDumpName && name[0] != '.' && !other
}

// writeDump writes a dump under its name, durably and all of it; one that had the name is replaced. One is
// written at a time, because they share the name that they have until they are whole.
func (n *Node) writeDump(name string, view *machine.View) *caucus.Error {
	n.dumping.Lock()
	defer n.dumping.Unlock()
	dir := filepath.Join(n.cfg.Data, dumpDir)
	whole, unfinished := filepath.Join(dir, name+dumpEnding), filepath.Join(dir, ".unfinished")
	err := n.cfg.files.MkdirAll(dir)
	if err == nil {
		if err = fillDump(n.cfg.files, unfinished, view); err == nil {
			err = sealed.Publish(n.cfg.files, unfinished, whole)
		} else {
			err = errors.Join(err, n.cfg.files.Remove(unfinished))
		}
	}
	if err != nil {
		return caucus.Errorf(wordOf(err), "the snapshot at %d is written, but its dump %s is not: %s",
			view.Index(), whole, err)
	}
	n.log.Info("dump written", "file", whole, "index", view.Index())
	return nil
}

// wordOf gives the word for what a disk refused.
func wordOf(err error) *caucus.Error {
	if errors.Is(err, syscall.ENOSPC) {
		return caucus.ErrNoSpace
	}
	return caucus.ErrBad
}

func fillDump(fsys vfs.FS, path string, view *machine.View) error {
	f, err := fsys.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(io.NewOffsetWriter(f, 0), 256<<10)
	err = view.Dump(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return sealed.CloseAfter(f, err)
}

// shutdown answers SHUTDOWN: the node stops once this answer is on its way; Redis answers nothing, and
// clients expect the connection to close. All is on disk without it; SAVE has a snapshot written before, so
// that the next start is quicker, and stops nothing when that fails, unless FORCE says so.
func (n *Node) shutdown(ctx context.Context, cmd caucus.Command) caucus.Reply {
	asked := map[string]bool{}
	for _, a := range cmd[1:] {
		word := strings.ToUpper(a)
		switch word {
		case "NOSAVE", "SAVE", "NOW", "FORCE", "ABORT":
			asked[word] = true
		default:
			return caucus.Fail(caucus.ErrBad, "syntax error")
		}
	}
	switch {
	case asked["SAVE"] && asked["NOSAVE"], asked["ABORT"] && len(asked) > 1:
		return caucus.Fail(caucus.ErrBad, "syntax error")
	case asked["ABORT"]:
		return caucus.Fail(caucus.ErrBad, "No shutdown in progress.")
	}
	if asked["SAVE"] {
		if _, err := n.save(ctx); err != nil && !asked["FORCE"] {
			return caucus.Fail(caucus.ErrBad, "the node goes on, since %s; SHUTDOWN SAVE FORCE stops it all the same",
				err.Message)
		}
	}
	n.log.Info("asked to stop by SHUTDOWN")
	n.fail(errStopped)
	return caucus.OK()
}

// view gives the state as it is.
func (n *Node) view() (view *machine.View, err *caucus.Error) {
	if why := n.gate.why.Load(); why != nil {
		return nil, why
	}
	if !n.owner.inspect(func(r *replica.Replica) { view = r.State().View() }) {
		return nil, errStopping
	}
	return view, nil
}

// getDump answers GETDUMP where the answer is one string that is held in memory. The RESP door writes it as
// it is made.
func (n *Node) getDump(_ context.Context, cmd caucus.Command) caucus.Reply {
	if len(cmd) > 1 {
		return caucus.Fail(caucus.ErrBad, "GETDUMP LINES is answered at the RESP door only")
	}
	view, err := n.view()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return dumpReply(view, resp.MaxBulk)
}

// dumpReply gives a dump that has at most so many bytes.
func dumpReply(view *machine.View, most int) caucus.Reply {
	text := &bounded{room: most}
	if err := view.Dump(text); err != nil {
		return caucus.ErrorReply(caucus.Errorf(caucus.ErrBad, "%s", err))
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: text.String()}
}

// bounded is text that may not become longer than there is room for.
type bounded struct {
	strings.Builder
	room int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.room {
		return 0, fmt.Errorf("the dump has more than the %d bytes that a reply may have; caucus backup FILE "+
			"takes it all the same", b.room)
	}
	return b.Builder.Write(p)
}

// setMaxMemory sets the ensemble's limit on memory to what was stated for this node, unless it is that.
func (n *Node) setMaxMemory(ctx context.Context) {
	want := strconv.FormatInt(n.cfg.MaxMemory, 10)
	for {
		if n.holdings().limit == n.cfg.MaxMemory {
			return
		}
		reply, err := n.Do(ctx, caucus.Command{"CONFIG", "SET", "maxmemory", want})
		if err == nil && reply.Err() == nil {
			n.log.Info("the ensemble's limit on memory was set", "maxmemory", n.cfg.MaxMemory)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(n.pace.heartbeat):
		}
	}
}
