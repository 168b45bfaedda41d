package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/caucus-project/caucus/node"
	"golang.org/x/term"
)

// recoverCmd makes a new ensemble of the one node that is left.
type recoverCmd struct {
	Data string `required:"" help:"Directory of the surviving node, which must be stopped." placeholder:"DIR" type:"existingdir"`
	Yes  bool   `help:"Do it without asking."`
}

// Run shows what there is, asks, and does it.
func (c *recoverCmd) Run() error {
	var unasked error
	r, err := node.Recover(c.Data, func(r node.Recovery) bool {
		fmt.Printf("node %s of ensemble %s has the log up to entry %d of term %d:\n"+
			"%d keys, %d groups, %d sessions.\nGiven up: %s, and whatever only they have.\n",
			r.Name, r.Ensemble, r.Index, r.Term, r.Keys, r.Groups, r.Sessions, strings.Join(r.Others, ", "))
		yes, err := c.agreed()
		unasked = err
		return yes
	})
	if err = errors.Join(unasked, err); err != nil {
		return err
	}
	fmt.Printf("It is now the only node of the new ensemble %s. What was there before is in %s.\n"+
		"Next: start it with caucus serve --id %s --data %s, with its addresses and without --join. Never\n"+
		"start the others with their directories again: remove those, and let the nodes join with --join and the\n"+
		"address of this one.\n",
		r.NewEnsemble, r.Aside, r.Name, c.Data)
	return nil
}

var errNobodyToAsk = errors.New("nobody is there to be asked: " +
	"say --yes to do it, once the others are stopped for good")

// agreed asks whoever sits at the terminal.
func (c *recoverCmd) agreed() (bool, error) {
	if c.Yes {
		return true, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, errNobodyToAsk
	}
	fmt.Print("Make a new ensemble of it? The others must be stopped for good. Type yes: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err == nil && strings.TrimSpace(line) == "yes", nil
}
