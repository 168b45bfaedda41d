package clients

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// script is a client library of another language, in a program of testdata. It reads lines "SET key value"
// and "GET key", and answers each with a line "+value", or "-" and what went wrong.
type script struct {
	in  io.Writer
	out *bufio.Scanner
}

func openScript(t *testing.T, program ...string) store {
	cmd := nodetest.Command(t, program[0], program[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr, cmd.Env = &complaints, surroundings()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v ended: %v\n%s", program, err, complaints.String())
		}
	})
	return &script{in, bufio.NewScanner(out)}
}

func (s *script) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		return "", err
	}
	if !s.out.Scan() {
		return "", fmt.Errorf("it has ended: %w", s.out.Err())
	}
	answer, ok := strings.CutPrefix(s.out.Text(), "+")
	if !ok {
		return "", fmt.Errorf("it says %s", answer)
	}
	return answer, nil
}

func (s *script) set(_ context.Context, key, value string) error {
	_, err := s.ask("SET " + key + " " + value)
	return err
}

func (s *script) get(_ context.Context, key string) (string, error) { return s.ask("GET " + key) }

const python = "/usr/bin/python3"

func TestRedisPyCluster(t *testing.T)  { redisPy(t, "cluster") }
func TestRedisPySentinel(t *testing.T) { redisPy(t, "sentinel") }

func redisPy(t *testing.T, how string) {
	library(t, python, "-c", "import redis")
	outlives(t, func(t *testing.T, addrs []string) store {
		return openScript(t, append([]string{python, "testdata/client.py", how}, addrs...)...)
	})
}

func TestNodeRedisCluster(t *testing.T) {
	library(t, "node", "-e", "require('redis')")
	outlives(t, func(t *testing.T, addrs []string) store {
		return openScript(t, append([]string{"node", "testdata/client.js"}, addrs...)...)
	})
}

// library skips the test where a library of another language is not installed.
func library(t *testing.T, look ...string) {
	tool.Need(t, look[0])
	cmd := nodetest.Command(t, look[0], look[1:]...)
	cmd.Env = surroundings()
	if cmd.Run() != nil {
		tool.Lack(t, strings.Join(look, " "))
	}
}

// surroundings let programs find the libraries of Debian.
func surroundings() []string { return append([]string{"NODE_PATH=/usr/share/nodejs"}, os.Environ()...) }
