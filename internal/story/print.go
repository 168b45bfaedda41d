package story

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Print gives the lines in which redis-cli shows a reply, but for maps, which stand on one line each.
func Print(r caucus.Reply) []string {
	if r.Kind == caucus.KindPairs {
		r = inPairs(r)
	}
	if !slices.Contains(lists, r.Kind) {
		return []string{scalar(r)}
	}
	if len(r.Items) == 0 {
		return []string{"(empty array)"}
	}
	var lines []string
	width := len(strconv.Itoa(len(r.Items)))
	for i, item := range r.Items {
		lead := fmt.Sprintf("%*d) ", width, i+1)
		for _, line := range Print(item) {
			lines = append(lines, lead+line)
			lead = strings.Repeat(" ", len(lead))
		}
	}
	return lines
}

// lists are the kinds that redis-cli shows a line for each item of.
var lists = []caucus.Kind{caucus.KindArray, caucus.KindSet, caucus.KindPush}

// inPairs gives pairs as they are read from RESP3.
func inPairs(r caucus.Reply) caucus.Reply {
	var pairs []caucus.Reply
	for pair := range slices.Chunk(r.Items, 2) {
		pairs = append(pairs, caucus.Array(pair...))
	}
	return caucus.Array(pairs...)
}

func scalar(r caucus.Reply) string {
	switch r.Kind {
	case caucus.KindNil, caucus.KindNilArray:
		return "(nil)"
	case caucus.KindError:
		return "(error) " + r.Str
	case caucus.KindInt, caucus.KindBool:
		return fmt.Sprintf("(integer) %d", r.Int)
	case caucus.KindDouble:
		return fmt.Sprintf("(double) %v", r.Float)
	case caucus.KindBulk:
		return strconv.Quote(r.Str)
	case caucus.KindMap:
		return onLine(r.Items)
	}
	return r.Str
}

// onLine prints a map as name=value pairs.
func onLine(items []caucus.Reply) string {
	var b strings.Builder
	for i := 0; i+1 < len(items); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(items[i].Text() + "=" + short(items[i+1]))
	}
	return b.String()
}

func short(r caucus.Reply) string {
	switch r.Kind {
	case caucus.KindInt:
		return r.Text()
	case caucus.KindArray:
		parts := make([]string, len(r.Items))
		for i, item := range r.Items {
			parts[i] = short(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return scalar(r)
}
