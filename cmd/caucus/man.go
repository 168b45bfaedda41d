package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/caucus-project/caucus/node"
)

// manCmd prints the manual page, which is made of the command line's own words.
type manCmd struct{}

// Run prints it, for mandoc and groff.
func (manCmd) Run(app *kong.Kong) error {
	_, err := os.Stdout.WriteString(manual(app.Model))
	return err
}

// manualEnd is what the command line itself does not tell.
const manualEnd = `.SH EXIT STATUS
.TP
0
done; of \fBvote\fR: the outcome is yes
.TP
1
failed; of \fBvote\fR: the outcome is no; of \fBdoctor\fR: something is bad
.TP
2
the command line is wrong
.TP
3
nobody can know whether it was done
.PP
\fBjoin\fR, \fBelect\fR and \fBlock\fR end as their command did, with 125 when caucus itself failed.
.SH ENVIRONMENT
.TP
CAUCUS_ADDR
client addresses of nodes, for all that is a client
.TP
CAUCUS_USER, CAUCUS_PASSWORD_FILE
whom to log in as, and the file with his password
.TP
NO_COLOR
when set, nothing is coloured
.SH SEE ALSO
The folder docs of the source; redis-cli(1)
`

// manual gives the page: each verb with its arguments and flags.
func manual(app *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH CAUCUS 1 \"\" \"caucus %s\"\n.SH NAME\ncaucus \\- %s\n", node.Version,
		roff(strings.TrimSuffix(app.Help, ".")))
	b.WriteString(".SH SYNOPSIS\n\\fBcaucus\\fR \\fIVERB\\fR [\\fIFLAG\\fR ...] [\\fIARGUMENT\\fR ...]\n.SH " +
		"VERBS\n")
	for _, verb := range app.Leaves(true) {
		fmt.Fprintf(&b, ".SS \"%s\"\n%s\n", roff(strings.TrimSpace(verb.Path()+" "+arguments(verb))),
			roff(verb.Help))
		for _, arg := range verb.Positional {
			fmt.Fprintf(&b, ".TP\n\\fI%s\\fR\n%s\n", roff(strings.ToUpper(arg.Name)), roff(arg.Help))
		}
		for _, flag := range verb.Flags {
			if !flag.Hidden {
				fmt.Fprintf(&b, ".TP\n%s\n%s\n", spelled(flag), roff(flag.Help))
			}
		}
	}
	return b.String() + manualEnd
}

// arguments gives a verb's positional arguments as they stand on a command line.
func arguments(verb *kong.Node) string {
	var words []string
	for _, arg := range verb.Positional {
		word := strings.ToUpper(arg.Name)
		if arg.IsCumulative() {
			word += " ..."
		}
		if !arg.Required {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// spelled gives a flag as it is written.
func spelled(flag *kong.Flag) string {
	text := "\\fB\\-\\-" + roff(flag.Name) + "\\fR"
	if flag.Short != 0 {
		text = "\\fB\\-" + string(flag.Short) + "\\fR, " + text
	}
	if !flag.IsBool() {
		text += "=\\fI" + roff(flag.FormatPlaceHolder()) + "\\fR"
	}
	return text
}

// roff writes text so that no word of it is taken for a command of the page.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
	for i, line := range lines {
		if line[0] == '.' || line[0] == '\'' {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
