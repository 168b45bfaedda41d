//go:build linux

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// membership's process is this program, started with these in its environment.
const (
	memberName = "CAUCUS_CHAOS_MEMBER"
	memberAt   = "CAUCUS_CHAOS_ADDRS"
)

// lonely is a process of its own that is a member, with one session after the other, and writes what it
// believes to out, until in ends.
func lonely(name string, addrs []string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in) // which ends when nobody is there any more
		cancel()
	}()
	words := json.NewEncoder(out)
	for n := 0; ctx.Err() == nil; n++ {
		c, err := client.Dial(ctx, client.Config{Addrs: addrs, Password: password})
		if err != nil {
			continue
		}
		if s, err := c.Session(ctx, client.SessionOptions{TTL: 3 * time.Second}); err == nil {
			if err := lonelyVisit(ctx, s, fmt.Sprintf("%s.%d", name, n), words); err != nil {
				return err
			}
			_ = s.Close() // or it ends by itself
		}
		_ = c.Close()
	}
	return nil
}

// lonelyVisit is a member until its session is over. What it believes is written soon, since nobody will know
// otherwise when the process is killed.
func lonelyVisit(ctx context.Context, s *client.Session, name string, words *json.Encoder) error {
	one := &membership{name: name, notes: new(beliefs)}
	list, err := one.join(ctx, s)
	if err != nil {
		return nil // the session is over, or ctx
	}
	told := map[history.Belief]bool{}
	for s.Err() == nil && ctx.Err() == nil {
		for range 5 {
			for _, m := range list {
				one.look(m)
			}
			time.Sleep(often)
		}
		for _, b := range one.notes.all() {
			if told[b] {
				continue
			}
			told[b] = true
			if err := words.Encode(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// strangers runs such processes, one after the other, pauses them, and kills them, until ctx ends.
func (o *members) strangers(ctx context.Context, c *crew, id int) error {
	rng := c.rand(id)
	for n := 0; ctx.Err() == nil; n++ {
		if err := o.stranger(ctx, c, id, fmt.Sprintf("p%d.%d", id, n), rng); err != nil {
			return err
		}
	}
	return nil
}

func (o *members) stranger(ctx context.Context, c *crew, id int, name string, rng *rand.Rand) error {
	cfg := c.config(id)
	p := exec.Command(os.Args[0])
	own := nodetest.NewClocks(filepath.Join(c.dir, name+".clocks"))
	if err := own.Rate(rng.Int64N(2*limping+1) - limping); err != nil {
		return err
	}
	p.Env = append(os.Environ(), own.Env(), memberName+"="+name, memberAt+"="+strings.Join(cfg.Addrs, ","))
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		return err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.sites[id%len(c.sites)].enter(p.Start); err != nil {
		return err
	}
	read := make(chan error, 1)
	go func() { read <- o.hearsay(out) }()
	life, cancel := context.WithTimeout(ctx, time.Duration(rng.ExpFloat64()*float64(20*time.Second)))
	defer cancel()
	for life.Err() == nil {
		rest(life, 2*time.Second, rng)
		_ = p.Process.Signal(syscall.SIGSTOP)
		rest(life, time.Second<<rng.IntN(3), rng) // a promise is for one second, the session for three
		_ = p.Process.Signal(syscall.SIGCONT)
	}
	if rng.IntN(2) == 0 {
		_ = p.Process.Kill()
	}
	_ = in.Close() // so that it ends
	late := time.AfterFunc(patience, func() { _ = p.Process.Kill() })
	defer late.Stop()
	err = <-read
	_ = p.Wait() // it may have been killed
	return err
}

// hearsay takes what such a process writes. Its last word may be cut off.
func (o *members) hearsay(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var b history.Belief
		if err := json.Unmarshal(lines.Bytes(), &b); err == nil {
			o.take(b)
		}
	}
	return lines.Err()
}
