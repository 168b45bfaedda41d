package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// A series is backups in one directory, each under a name that tells the ensemble and when it was taken, of
// which the newest are kept. Nothing else in the directory is touched.

const (
	seriesTime = "20060102T150405.000Z"
	// seriesUnfinished is the name of one that is being written; what a killed one leaves is removed a day
	// later.
	seriesUnfinished = ".caucus-backup.unfinished-"
	seriesRetry      = time.Minute // after a failure, if the next one is not due earlier
)

var seriesName = regexp.MustCompile(`^caucus-([0-9a-f]{32})-(\d{8}T\d{6}\.\d{3}Z)\.jsonl$`)

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *backupCmd) Validate() error {
	switch {
	case c.Keep < 0:
		return fmt.Errorf("--keep must be 1 at least, not %d", c.Keep)
	case c.Every != 0 && c.Keep == 0:
		return errors.New("--every writes into a directory: say with --keep how many of the newest are kept there")
	case c.Every != 0 && c.Every < time.Second:
		return fmt.Errorf("--every must be 1s at least, not %v", c.Every)
	case c.Keep > 0 && (c.File == "-" || c.Overwrite):
		return errors.New("--keep writes into a directory, under new names: neither - nor --overwrite goes with it")
	}
	return nil
}

// series adds to the series in a directory, which is made if it is not there: once, or again and again until
// it is ended. Then what fails is said, and tried again.
func (c *backupCmd) series(ctx context.Context) error {
	if err := (vfs.OS{}).MkdirAll(c.File); err != nil {
		return err
	}
	if c.Every == 0 {
		return c.next(ctx)
	}
	there, err := os.ReadDir(c.File)
	if err != nil {
		return err
	}
	wait := untilNext(namesOf(there), time.Now(), c.Every)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = c.Every
		if err := c.next(ctx); err != nil && ctx.Err() == nil {
			wait = min(c.Every, seriesRetry)
			fmt.Fprintf(os.Stderr, "caucus: %v; trying again in %v\n", err, wait)
		}
	}
}

func namesOf(there []os.DirEntry) (names []string) {
	for _, f := range there {
		if f.Type().IsRegular() {
			names = append(names, f.Name())
		}
	}
	return names
}

// untilNext gives how long the next backup of a series can wait. One that was taken before counts, so that a
// program that is started again and again does not push out the old ones.
func untilNext(names []string, now time.Time, every time.Duration) time.Duration {
	newest := time.Time{}
	for _, name := range names {
		if m := seriesName.FindStringSubmatch(name); m != nil {
			if at, err := time.Parse(seriesTime, m[2]); err == nil && at.After(newest) && !at.After(now) {
				newest = at
			}
		}
	}
	return max(0, newest.Add(every).Sub(now))
}

// next takes one backup into the directory, and then removes those that are not to be kept.
func (c *backupCmd) next(ctx context.Context) error {
	f, err := os.CreateTemp(c.File, seriesUnfinished+"*")
	if err != nil {
		return err
	}
	to := newBackupFile(f, f.Name()) // until it is known of which ensemble it is
	var name string
	err = c.write(ctx, to, func(of machine.Contents) {
		name = "caucus-" + of.Cluster + "-" + time.Now().UTC().Format(seriesTime) + ".jsonl"
		to.path = filepath.Join(c.File, name)
		to.name = to.path
	})
	if err != nil {
		return err
	}
	return c.prune(name)
}

// prune removes what is not to be kept, now that a newer one is on disk.
func (c *backupCmd) prune(newest string) error {
	there, err := os.ReadDir(c.File)
	if err != nil {
		return err
	}
	for _, name := range surplus(namesOf(there), newest, c.Keep) {
		err = errors.Join(err, os.Remove(filepath.Join(c.File, name)))
	}
	for _, f := range there {
		info, gone := f.Info()
		if gone == nil && strings.HasPrefix(f.Name(), seriesUnfinished) &&
			time.Since(info.ModTime()) > 24*time.Hour {
			err = errors.Join(err, os.Remove(filepath.Join(c.File, f.Name())))
		}
	}
	return err
}

// surplus gives which of the names are backups of the same ensemble as the newest and not to be kept: the
// newest is, whatever the clock said when the others were taken.
func surplus(names []string, newest string, keep int) (old []string) {
	of := seriesName.FindStringSubmatch(newest)
	for _, name := range names {
		if m := seriesName.FindStringSubmatch(name); m != nil && of != nil && m[1] == of[1] && name != newest {
			old = append(old, name)
		}
	}
	slices.Sort(old) // by time, since all else is the same
	return old[:max(0, len(old)-(keep-1))]
}
