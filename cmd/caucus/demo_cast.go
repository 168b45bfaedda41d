package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// nodeChild is a node of the demo.
type nodeChild struct {
	*child
	addr string // its client door
	role string // as the others see it; guarded by the story's mu
}

// startNode starts a node on free ports and waits for its first line.
func (s *story) startNode(ctx context.Context, name, join string) (*nodeChild, error) {
	args := []string{"serve", "--id", name, "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0",
		"--http", "127.0.0.1:0", "--data", filepath.Join(s.dir, name)}
	if join != "" {
		args = append(args, "--join", join)
	}
	c, err := s.nursery.start(name, filepath.Join(s.dir, name+".log"), args...)
	if err != nil {
		return nil, err
	}
	line := make(chan string, 1)
	go func() { // ends with the child
		defer close(line)
		for c.out.Scan() {
			select {
			case line <- c.out.Text():
			default: // only the first is of interest
			}
		}
	}()
	select {
	case text, ok := <-line:
		addr := field(text, "client")
		if !ok || addr == "" {
			return nil, fmt.Errorf("%s did not get ready: %s", name, c.lastWords())
		}
		return &nodeChild{child: c, addr: addr}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s did not get ready (%w): %s", name, context.Cause(ctx), c.lastWords())
	}
}

// field finds name=value in a line.
func field(line, name string) string {
	for word := range strings.FieldsSeq(line) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// roles asks the ensemble who is what.
func roles(ctx context.Context, c *client.Client) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := c.Do(ctx, caucus.Command{"ENSEMBLE", "NODES"})
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for _, node := range r.Items {
		found[node.Field("name").Text()] = node.Field("role").Text()
	}
	return found, nil
}

// workerChild is a worker of the demo.
type workerChild struct {
	*child
	pieces int           // items it worked on; guarded by the story's mu
	last   int64         // end of its last step; guarded by the story's mu
	told   chan struct{} // closed when all that it wrote has been read
}

// hire starts a worker. Each begins with another node, so that the loss of one meets some of them.
func (s *story) hire() error {
	n := len(s.workers)
	name := fmt.Sprintf("w%d", n+1)
	args := []string{"worker", "--name", name, "--settle", demoSettle.String()}
	for i := range s.nodes {
		node := s.nodes[(n+i)%len(s.nodes)]
		if !node.killed {
			args = append(args, "--addr", node.addr)
		}
	}
	c, err := s.nursery.start(name, filepath.Join(s.dir, name+".log"), args...)
	if err != nil {
		return err
	}
	w := &workerChild{child: c, told: make(chan struct{})}
	go s.read(w)
	s.mu.Lock()
	s.workers = append(s.workers, w)
	s.mu.Unlock()
	if err := json.NewEncoder(c.in).Encode(s.check.items); err != nil {
		return fmt.Errorf("hand the items to %s: %w: %s", name, err, c.lastWords())
	}
	return nil
}

// read takes what a worker writes. The last line of a killed one may be cut off.
func (s *story) read(w *workerChild) {
	defer close(w.told)
	for w.out.Scan() {
		var did step
		err := json.Unmarshal(w.out.Bytes(), &did)
		s.mu.Lock()
		switch {
		case err == nil:
			s.check.add(w.name, did)
			w.pieces += did.To - did.From
			w.last = did.End
		case !w.killed:
			s.check.fault("%s wrote %q", w.name, w.out.Text())
		}
		s.mu.Unlock()
	}
}

// active gives the names of the workers that were not killed.
func (s *story) active() (names []string) {
	for _, w := range s.workers {
		if !w.killed {
			names = append(names, w.name)
		}
	}
	return names
}
