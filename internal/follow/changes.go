package follow

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Change is a change of a key, or a gap.
type Change struct {
	Revision uint64 // who has read it goes on behind it
	Command  string // what happened to the key, as CHANGES says; GapKind for a gap
	Key      string // empty for a change of all keys
	// Of a gap: the first revision whose changes are missing, if there were any, and the first that follows.
	From, Oldest uint64
}

// All says whether all keys have changed at once.
func (c *Change) All() bool { return c.Command == "flushall" }

// Changes is how far a reader has come in the changes of keys. It is used by one goroutine at a time.
type Changes struct {
	match    string
	known    bool   // revision says something; not yet so for who reads from now on
	revision uint64 // up to which all was handed out
}

// ChangesNow is the place of who reads from now on the changes of keys that match, all for an empty pattern.
func ChangesNow(match string) *Changes { return &Changes{match: match} }

// ChangesFrom is the place of who begins with the changes of that revision.
func ChangesFrom(match string, revision uint64) *Changes {
	return &Changes{match: match, known: true, revision: max(revision, 1) - 1}
}

// Revision gives up to where all was handed out; that is known when something was answered.
func (c *Changes) Revision() uint64 { return c.revision }

// Ask gives what to ask any node: for so many changes at most, waiting for so many milliseconds for one, 0
// for not at all. Where a reader who begins now is, is asked for first and not waited for.
func (c *Changes) Ask(count int, millis int64) caucus.Command {
	cmd := caucus.Command{"CHANGES", "FROM", "$"}
	if c.known {
		cmd = caucus.Command{"CHANGES", "FROM", strconv.FormatUint(c.revision+1, 10), "COUNT", strconv.Itoa(count)}
	}
	if c.match != "" { // also at first, since who may not read all keys may say it with just that
		cmd = append(cmd, "MATCH", c.match)
	}
	if !c.known {
		return cmd
	}
	if millis > 0 {
		cmd = append(cmd, "BLOCK", strconv.FormatInt(millis, 10))
	}
	return cmd
}

// Answered takes the answer, and gives what can be handed out.
func (c *Changes) Answered(r caucus.Reply) ([]Change, error) {
	if err := r.Err(); err != nil {
		return c.refused(r, err)
	}
	var out []Change
	for _, item := range r.Items {
		if len(item.Items) != 3 || item.Items[0].Kind != caucus.KindInt {
			return out, fmt.Errorf("CHANGES answered %v", item)
		}
		change := Change{Revision: uint64(item.Items[0].Int), Command: item.Items[1].Text(),
			Key: item.Items[2].Text()}
		c.known, c.revision = true, max(c.revision, change.Revision)
		if change.Command != "" {
			out = append(out, change)
		}
	}
	if !c.known {
		return nil, fmt.Errorf("CHANGES FROM $ answered %v", r)
	}
	return out, nil
}

// refused makes a gap of the answer that something is no longer kept.
func (c *Changes) refused(r caucus.Reply, err error) ([]Change, error) {
	words := strings.Fields(r.Str)
	if len(words) < 2 || words[0] != caucus.ErrGap.Word {
		return nil, err
	}
	oldest, problem := strconv.ParseUint(words[1], 10, 63)
	if problem != nil {
		return nil, err
	}
	gap := Change{Revision: max(oldest, 1) - 1, Command: GapKind, From: c.revision + 1, Oldest: oldest}
	c.known, c.revision = true, gap.Revision
	return []Change{gap}, nil
}
