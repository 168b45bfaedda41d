package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/caucus-project/caucus/node"
)

// reloads reads anew, at every SIGHUP, what may change while the node serves: the log level, from the
// configuration file. A hang-up of the terminal must not end a node. It goes on until the function that it
// gives is called.
func (c *serveCmd) reloads(log *slog.Logger, level *slog.LevelVar) (end func()) {
	hangUps, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangUps, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for range hangUps {
			if err := c.reload(level); err != nil {
				log.Error("SIGHUP: nothing was changed", "error", err)
			} else {
				log.Warn("SIGHUP: read anew", "log level", level.Level())
			}
		}
	}()
	return func() {
		signal.Stop(hangUps)
		close(hangUps)
		<-ended
	}
}

// reload takes log_level from the file, which wins over the command line here: it was written later.
func (c *serveCmd) reload(level *slog.LevelVar) error {
	if c.Config == "" {
		return fmt.Errorf("there is no --config file to read log_level from")
	}
	file, err := node.ReadListFile(string(c.Config))
	if err != nil {
		return err
	}
	raw, stated := file.Further["log_level"]
	if !stated {
		return fmt.Errorf("%s has no field log_level", c.Config)
	}
	var next slog.Level
	if err := json.Unmarshal(raw, &next); err != nil {
		return fmt.Errorf("%s: field \"log_level\" is %s, not debug, info, warn or error", c.Config, raw)
	}
	level.Set(next)
	return nil
}
