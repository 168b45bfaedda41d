package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
)

// item is one piece of the work that the demo divides: a line of a file.
type item struct {
	Key  string `json:"k"` // file and line number; decides who owns it
	Text string `json:"t"`
}

const (
	mostItems  = 200_000         // more lines are left out, and that is said
	longestRow = 1 << 20         // bytes of a line
	walkTime   = 2 * time.Second // for looking for source files, so that "/" is no trap
)

// ownSources are the lines for who starts the demo far from any source.
//
//go:embed *.go
var ownSources embed.FS

// gatherItems reads the lines to be divided and says in words where they come from. Which is a file name, "-"
// for standard input, or empty for the Go files below the working directory.
func gatherItems(ctx context.Context, which string) (items []item, from string, err error) {
	switch which {
	case "":
		items, from, err = sourceItems(ctx)
	case "-":
		from = "standard input"
		items, err = linesOf(nil, os.Stdin, "stdin")
	default:
		from = which
		items, err = fileItems(which)
	}
	if err == nil && len(items) == 0 {
		err = errors.New("there are no lines to divide")
	}
	if err != nil {
		return nil, "", fmt.Errorf("--items: %w", err)
	}
	if len(items) >= mostItems {
		from += fmt.Sprintf(", only the first %d", mostItems)
	}
	return items, from, nil
}

func fileItems(name string) ([]item, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return linesOf(nil, f, filepath.Base(name))
}

func sourceItems(ctx context.Context) ([]item, string, error) {
	items, err := goItems(ctx, os.DirFS("."))
	if err == nil && len(items) > 0 {
		return items, "*.go below the working directory", nil
	}
	items, err = goItems(ctx, ownSources)
	return items, "the demo's own source", err
}

// goItems gives the lines of all Go files of a tree. What cannot be read is left out: the demo needs lines,
// not these lines.
func goItems(ctx context.Context, tree fs.FS) (items []item, err error) {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	err = fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil || len(items) >= mostItems:
			return fs.SkipAll
		case err != nil:
			return nil
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		if f, err := tree.Open(path); err == nil {
			defer f.Close()
			if more, err := linesOf(items, f, path); err == nil {
				items = more
			}
		}
		return nil
	})
	return items, err
}

// linesOf appends the lines of r.
func linesOf(items []item, r io.Reader, name string) ([]item, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestRow)
	for n := 1; lines.Scan() && len(items) < mostItems; n++ {
		items = append(items, item{Key: fmt.Sprintf("%s:%d", name, n), Text: lines.Text()})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return items, nil
}

// share gives the places of the items that fall to one index. Parent and workers reckon it alike.
func share(items []item, index, total int) (places []int) {
	for i := range items {
		if caucus.IndexOf(items[i].Key, total) == index {
			places = append(places, i)
		}
	}
	return places
}
