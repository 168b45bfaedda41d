package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/node"
)

// restoreCmd makes a new ensemble of a backup.
type restoreCmd struct {
	File  string `arg:"" help:"What caucus backup, CHECKPOINT NAME or GETDUMP wrote; - is standard input."`
	Data  string `help:"Directory of the new ensemble's first node; it must be empty, or not there yet." placeholder:"DIR"`
	ID    string `name:"id" aliases:"name" help:"Name of that node, by default n1." default:"n1" placeholder:"NAME"`
	Check bool   `help:"Only check the backup, and say what is in it."`
}

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *restoreCmd) Validate() error {
	switch {
	case c.Check && c.Data != "":
		return errors.New("--check writes nothing: leave out --data")
	case !c.Check && c.Data == "":
		return errors.New("--data names the directory to make; or say --check")
	}
	return nil
}

// Run checks the backup, makes the directory, and says what to do next.
func (c *restoreCmd) Run() (err error) {
	from := os.Stdin
	if c.File != "-" {
		if from, err = os.Open(c.File); err != nil {
			return err
		}
		defer from.Close()
	}
	if c.Check {
		return c.check(from)
	}
	r, err := node.Restore(from, c.Data, c.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	var left []string
	for _, l := range []struct {
		n    int
		what string
	}{{r.Over, "keys whose time is over"}, {r.GroupsLeft, "groups that were made by joining them"},
		{r.SessionsLeft, "sessions"}} {
		if l.n > 0 {
			left = append(left, fmt.Sprintf("%s (%s)", l.what, thousands(l.n)))
		}
	}
	fmt.Printf("%s is now the only node of the new ensemble %s, with %s keys and %s groups,\n"+
		"as ensemble %s had them at entry %d, %s.\n", r.Name, r.NewEnsemble, thousands(r.Keys),
		thousands(r.Groups), r.Ensemble, r.Index, r.Taken.UTC().Format(time.RFC3339))
	if !r.Sealed {
		fmt.Println(unsealed)
	}
	if len(left) > 0 {
		fmt.Printf("Not restored: %s.\n", strings.Join(left, ", "))
	}
	fmt.Printf("Next: stop what is left of the old ensemble, then start this node with\n"+
		"    caucus serve --id %s --data %s --listen HOST:PORT\n"+
		"and let others join it, each with an empty directory:\n"+
		"    caucus serve --id NAME --data DIR --listen HOST:PORT --join HOST:PORT\n", r.Name, c.Data)
	return nil
}

const unsealed = "The backup has no checksum, as when somebody has edited it: it is taken as it is."

// check says what is in the backup, once it is known to be right.
func (c *restoreCmd) check(from io.Reader) error {
	dump, err := machine.ReadDump(from)
	if err != nil {
		return fmt.Errorf("%s: the backup is refused: %w", c.File, err)
	}
	fmt.Println(described(dump.Contents))
	if !dump.Sealed {
		fmt.Println(unsealed)
	}
	return nil
}
