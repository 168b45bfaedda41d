package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/caucus-project/caucus"
)

// Exit statuses (WIRE "Command line").
const (
	exitFailed  = 1
	exitUsage   = 2
	exitUnknown = 3
)

// commandLine is all that can be said to caucus.
type commandLine struct {
	Serve      serveCmd      `cmd:"" help:"Run one node: found an ensemble, join one, or go on where it stopped."`
	Demo       demoCmd       `cmd:"" help:"Show nodes and workers that divide a file, while things are killed."`
	Join       joinCmd       `cmd:"" help:"Run a command as a member of a group, with its share of the work in the environment."`
	Elect      electCmd      `cmd:"" help:"Run a command only while it leads a group."`
	Lock       lockCmd       `cmd:"" help:"Run a command while it holds a lock, after all who asked before."`
	Vote       voteCmd       `cmd:"" help:"Let the members of a group vote, and wait for the outcome: status 0 for yes."`
	Send       sendCmd       `cmd:"" help:"Send a message to the members of a group, its leader or one member."`
	Watch      watchCmd      `cmd:"" help:"Show what happens in a group as it happens, from whatever node is there."`
	Status     statusCmd     `cmd:"" help:"Show the nodes and groups of an ensemble."`
	Doctor     doctorCmd     `cmd:"" help:"Ask every node how it is, and say what to do: clocks, disks, versions, sizes, lag, certificates."`
	Ping       pingCmd       `cmd:"" help:"Ask whether a node is alive: status 0 when it answers."`
	Bench      benchCmd      `cmd:"" help:"Measure an ensemble: commands a second, and how long they take."`
	Guard      guardCmd      `cmd:"" hidden:"" help:"The guardian of a command."`
	Worker     workerCmd     `cmd:"" hidden:"" help:"A worker of the demo."`
	Node       nodeCmd       `cmd:"" help:"Show, add, remove nodes, or hand over the leadership."`
	Cert       certCmd       `cmd:"" help:"Make certificates for a first ensemble, and show them."`
	Backup     backupCmd     `cmd:"" help:"Take the state of a running ensemble into a file, all of one moment."`
	Restore    restoreCmd    `cmd:"" help:"Make a new ensemble of a backup, or only check one."`
	Recover    recoverCmd    `cmd:"" help:"Make a new ensemble of one surviving node, when the others are lost for good."`
	Completion completionCmd `cmd:"" help:"Print what makes a shell complete command lines: eval \"$(caucus completion bash)\"."`
	Complete   completeCmd   `cmd:"" hidden:"" passthrough:"" help:"What a shell asks."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	SayVersion kong.VersionFlag `name:"version" hidden:"" help:"Print the version."`
}

func main() {
	// The first signal asks everything to end in good order; a second one ends it at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// run carries out one command line and gives the exit status.
func run(ctx context.Context, args []string) int {
	var line commandLine
	parser, err := parserOf(ctx, &line)
	if err != nil {
		fmt.Fprintln(os.Stderr, "caucus:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "caucus: %v\n%s --help says what can stand there\n", err, verbOf(err))
		return exitUsage
	}
	return status(parsed.Run())
}

// parserOf makes what reads a command line.
func parserOf(ctx context.Context, line *commandLine) (*kong.Kong, error) {
	return kong.New(line, kong.Name("caucus"), kong.UsageOnError(), kong.Vars{"version": version()},
		kong.Description("Processes that must agree: groups, work divided, leaders, on a small replicated store."),
		kong.BindTo(ctx, (*context.Context)(nil)))
}

// verbOf gives as much of a wrong command line as names a verb.
func verbOf(err error) string {
	verb := "caucus"
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		for _, part := range wrong.Context.Path {
			if part.Command != nil {
				verb += " " + part.Command.Name
			}
		}
	}
	return verb
}

// status says an error and gives its exit status.
func status(err error) int {
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "caucus:", text)
	}
	if errors.Is(err, caucus.ErrNoPerm) {
		fmt.Fprintln(os.Stderr, "caucus: --user says whom to log in as; docs/security.md has the rights that "+
			"each verb needs, and ACL SETUSER gives them")
	}
	var as *exitStatus
	if errors.As(err, &as) {
		return as.status
	}
	var said *caucus.Error
	if errors.As(err, &said) {
		return said.ExitStatus()
	}
	return exitFailed
}
