package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints what makes a shell complete command lines of caucus, which then asks caucus itself.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints it.
func (c *completionCmd) Run() error {
	_, err := fmt.Println(map[string]string{
		"bash": "complete -o default -C 'caucus complete' caucus",
		"zsh": "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" +
			"complete -o default -C 'caucus complete' caucus",
		"fish": "complete -c caucus -a '(env COMP_LINE=(commandline -cp) caucus complete)'",
	}[c.Shell])
	return err
}

// completeCmd is what a shell asks: what could stand at the end of the command line COMP_LINE, up to
// COMP_POINT.
type completeCmd struct {
	Words []string `arg:"" optional:"" help:"What bash says besides; it is not looked at."`
}

// Run prints a candidate a line.
func (c *completeCmd) Run(app *kong.Kong) error {
	line := os.Getenv("COMP_LINE")
	if point, err := strconv.Atoi(os.Getenv("COMP_POINT")); err == nil && point >= 0 && point < len(line) {
		line = line[:point]
	}
	for _, candidate := range candidates(app.Model, line) {
		fmt.Println(candidate)
	}
	return nil
}

// candidates gives what could stand at the end of a line: verbs, flags, or values of a flag that has few.
// None means that a shell offers names of files.
func candidates(app *kong.Application, line string) (list []string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasSuffix(line, " ") {
		words = append(words, "")
	}
	words, last := words[:len(words)-1], words[len(words)-1]
	node, waits := app.Node, (*kong.Flag)(nil) // a flag before that waits for its value
	for i, word := range words {
		switch {
		case i == 0: // caucus itself
		case word == "--":
			return nil // what follows is somebody else's command line
		case waits != nil:
			waits = nil
		case strings.HasPrefix(word, "-"):
			waits = waiting(node, word)
		default:
			if child := childOf(node, word); child != nil {
				node = child
			}
		}
	}
	switch {
	case waits != nil:
		list = waits.EnumSlice()
	case strings.HasPrefix(last, "-"):
		for _, flag := range slices.Concat(node.AllFlags(true)...) {
			list = append(list, "--"+flag.Name)
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				list = append(list, child.Name)
			}
		}
		for _, arg := range node.Positional {
			list = append(list, arg.EnumSlice()...)
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return !strings.HasPrefix(s, last) })
}

// waiting gives the flag that a word names, if its value is the next word.
func waiting(node *kong.Node, word string) *kong.Flag {
	for _, flag := range slices.Concat(node.AllFlags(false)...) {
		if !flag.IsBool() && (word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short)) {
			return flag
		}
	}
	return nil
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}
