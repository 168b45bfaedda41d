package story

import (
	"strconv"

	"github.com/caucus-project/caucus"
)

// Tx is what the function of a custom command gets, on every stage.
type Tx interface {
	Do(words ...string) caucus.Reply
}

// Command is a custom command that every stage registers: what stories say that is not built in.
type Command struct {
	Name        string
	Writes      bool
	Least, Most int
	Run         func(tx Tx, args []string) caucus.Reply
}

// Commands gives the custom commands of stories.
func Commands() []Command {
	return []Command{
		{Name: "story.move", Writes: true, Least: 3, Most: 3, Run: move},
		{Name: "story.sum", Least: 1, Most: -1, Run: sum},
		{Name: "story.try", Writes: true, Least: 1, Most: -1, Run: try},
		{Name: "story.look", Least: 1, Most: 5, Run: try},
		{Name: "story.panic", Writes: true, Least: 1, Most: 1, Run: panics},
		{Name: "story.shout", Run: func(Tx, []string) caucus.Reply { return caucus.Status("a\nb") }},
	}
}

// move takes an amount from one key and gives it to another. It takes first and looks afterwards, so that a
// refusal has something to undo.
func move(tx Tx, args []string) caucus.Reply {
	left := tx.Do("DECRBY", args[0], args[2])
	given := tx.Do("INCRBY", args[1], args[2])
	switch {
	case left.Err() != nil:
		return left
	case given.Err() != nil:
		return given
	case left.Int < 0:
		return caucus.Fail(caucus.ErrConflict, "'%s' lacks %d", args[0], -left.Int)
	}
	return caucus.Array(left, given)
}

func sum(tx Tx, args []string) caucus.Reply {
	total := int64(0)
	for _, key := range args {
		n, _ := strconv.ParseInt(tx.Do("GET", key).Text(), 10, 64)
		total += n
	}
	return caucus.Int(total)
}

// try says a command, and answers its reply in an array, so that an error in it is none of its own.
func try(tx Tx, args []string) caucus.Reply { return caucus.Array(tx.Do(args...)) }

func panics(tx Tx, args []string) caucus.Reply {
	tx.Do("SET", args[0], "half done")
	return caucus.Bulk(args[1]) // there is none
}
