package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caucus-project/caucus/client"
)

// event gives the line that tells a person of an event: when, what, and who or how.
func (s *screen) event(e client.Event) string {
	when := strings.Repeat(" ", len(clock(0)))
	if e.Time != 0 {
		when = clock(e.Time)
	}
	return s.faint(when) + "  " + s.kind(e.Kind) + " " + tale(e)
}

// kind colours what comes and goes, and what must not be overlooked.
func (s *screen) kind(kind string) string {
	text := fmt.Sprintf("%-10s", kind)
	switch kind {
	case "joined", "settled":
		return s.good(text)
	case "left", "settling", "leaderless", "deleted":
		return s.style("33", text)
	case "gap":
		return s.bad(text)
	case "leader", "result", "action":
		return s.style("1", text)
	}
	return text
}

// tale says who and how, in words.
func tale(e client.Event) string {
	switch e.Kind {
	case "joined":
		return about(e.Member+" on "+e.Node, members(e.Size), named("metadata", e.Metadata))
	case "left":
		return about(e.Member+" ("+e.Reason+")", members(e.Size))
	case "leader":
		return about(e.Member, before("after ", e.Previous), "term "+number(e.Term)+" ("+e.Reason+")")
	case "leaderless":
		return about(before("after ", e.Previous), "term "+number(e.Term)+" ("+e.Reason+")")
	case "settling":
		return about(members(e.Size), "not before "+clock(e.Settles))
	case "settled":
		return about("work for "+strconv.Itoa(e.Total), "epoch "+number(e.Epoch))
	case "metadata":
		return e.Member + " has " + quoted(e.Metadata)
	case "slots":
		return about(e.Member, before("granted ", e.Granted), before("asked for ", e.Revoking),
			before("released ", e.Released), "epoch "+number(e.Epoch))
	case "message":
		return recipients(e) + ": " + quoted(e.Payload)
	case "deleted":
		return "the group has ended"
	case "gap":
		return gap(e)
	}
	return pollTale(e)
}

// pollTale says how a vote stands. Of an event that it does not know it gives all.
func pollTale(e client.Event) string {
	poll := "poll " + number(e.Poll) + " " + quoted(e.Topic)
	votes := fmt.Sprintf("%d yes and %d no of %d", e.Yes, e.No, e.Electorate)
	at := ""
	if e.At != 0 {
		at = "to be done at " + clock(e.At)
	}
	switch e.Kind {
	case "vote":
		return about(poll, before("by ", e.Caller), fmt.Sprintf("%s of %d", e.VoteKind, e.Electorate),
			"until "+clock(e.Deadline), at)
	case "result":
		return about(poll, e.Outcome, votes, at)
	case "action":
		return poll + ", its time has come"
	}
	return quoted(e.Raw)
}

func recipients(e client.Event) string {
	sender := e.Sender
	if sender == "" {
		sender = "somebody"
	}
	if e.To != "" {
		return sender + " to " + e.To
	}
	return sender + " to all"
}

func gap(e client.Event) string {
	switch {
	case e.Oldest == 0:
		return "events from " + number(e.From) + " on are lost: the group has ended meanwhile"
	case e.Oldest < e.From:
		return "the ensemble was made anew; going on with event " + number(e.Oldest)
	}
	return fmt.Sprintf("events %d to %d are lost: they are kept no longer", e.From, e.Oldest-1)
}

// about joins what there is to say.
func about(parts ...string) string {
	said := parts[:0]
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, ", ")
}

// before puts a word before what there is, if there is.
func before(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func named(name, text string) string {
	if text == "" {
		return ""
	}
	return name + " " + quoted(text)
}

func members(n int) string {
	if n == 1 {
		return "1 member"
	}
	return strconv.Itoa(n) + " members"
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func clock(millis int64) string { return time.UnixMilli(millis).Format("15:04:05.000") }

// mostQuoted is how many bytes of what somebody else has written are shown.
const mostQuoted = 300

// quoted gives what somebody else has written, with nothing in it that a terminal would obey.
func quoted(text string) string {
	if len(text) > mostQuoted {
		return strconv.Quote(strings.ToValidUTF8(text[:mostQuoted], "")) + "..."
	}
	return strconv.Quote(text)
}
