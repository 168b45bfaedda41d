package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/caucus-project/caucus"
)

// parsed reads a command line of a verb that is a client.
func parsed(t *testing.T, args ...string) ensembleFlags {
	t.Helper()
	var flags struct{ ensembleFlags }
	parser, err := kong.New(&flags)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.ensembleFlags
}

// --addr, else CAUCUS_ADDR, else the default door (WIRE "Command line").
func TestWhereTheEnsembleIs(t *testing.T) {
	check := func(want []string, args ...string) {
		t.Helper()
		if got := parsed(t, args...).Addr; !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
	t.Setenv("CAUCUS_ADDR", "")
	os.Unsetenv("CAUCUS_ADDR")
	check([]string{"127.0.0.1:5010"})
	t.Setenv("CAUCUS_ADDR", "a:1,b:2")
	check([]string{"a:1", "b:2"})
	check([]string{"c:3", "d:4", "e:5"}, "--addr", "c:3,d:4", "--addr", "e:5")
}

func TestNobodyThereNamesTheAddressAndTheFlag(t *testing.T) {
	_, err := (&ensembleFlags{Addr: []string{"nonsense"}}).dial(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nonsense") || !strings.Contains(err.Error(), "--addr") {
		t.Errorf("said %v", err)
	}
}

// Who does not say who he is, or has another password, is told which flags are meant.
func TestRefusedLogInsNameTheFlags(t *testing.T) {
	flags := &ensembleFlags{Addr: []string{"a:1"}}
	said := flags.unreached(fmt.Errorf("greeting: %w", caucus.Errorf(caucus.ErrNoAuth, "no")))
	want := "the ensemble at a:1 asks who you are: name the file of your password with --password-file and, " +
		"unless you are the default user, yourself with --user (greeting: NOAUTH no)"
	if said.Error() != want || !errors.Is(said, caucus.ErrNoAuth) {
		t.Error("without one:", said)
	}
	flags.PasswordFile, flags.User = "secret", "app"
	said = flags.unreached(fmt.Errorf("greeting: %w", caucus.Errorf(caucus.ErrWrongPass, "no")))
	want = "the ensemble at a:1 does not let in the user 'app' with secret (--user, --password-file): he is " +
		"not there, is off or has another password (greeting: WRONGPASS no)"
	if said.Error() != want || !errors.Is(said, caucus.ErrWrongPass) {
		t.Error("another:", said)
	}
}

// A wrong command line says where to look for a right one.
func TestWrongCommandLinesNameTheirHelp(t *testing.T) {
	for line, want := range map[string]string{"": "caucus", "bogus": "caucus", "serve --bogus": "caucus serve",
		"node": "caucus node", "node add x": "caucus node add", "join g": "caucus join"} {
		var all commandLine
		parser, err := kong.New(&all)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(line)); err == nil || verbOf(err) != want {
			t.Errorf("%q: %v, and %q", line, err, verbOf(err))
		}
	}
}

func TestPasswordFile(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if got, err := readPassword(write("sesame\r\n")); err != nil || got != "sesame" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := readPassword(""); err != nil || got != "" {
		t.Errorf("without a file: %q, %v", got, err)
	}
	for _, bad := range []string{write("\n"), filepath.Join(t.TempDir(), "missing")} {
		if _, err := readPassword(bad); err == nil || !strings.Contains(err.Error(), "--password-file") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
