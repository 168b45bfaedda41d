package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/caucus-project/caucus/node"
)

// reloads reads anew, at every SIGHUP, what may change while the node serves: its certificates, and the
// log level in the configuration file. A hang-up of the terminal must not end a node. It goes on until
// the function that it gives is called.
func (c *serveCmd) reloads(log *slog.Logger, level *slog.LevelVar, running *atomic.Pointer[node.Node]) (
	end func()) {
	hangUps, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangUps, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for range hangUps {
			read, err := c.reload(level, running.Load())
			switch {
			case len(read) == 0:
				log.Error("SIGHUP: nothing was changed", "error", err)
			case err != nil:
				log.Error("SIGHUP: not everything was read anew", append(read, "error", err)...)
			default:
				log.Warn("SIGHUP: read anew", read...)
			}
		}
	}()
	return func() {
		signal.Stop(hangUps)
		close(hangUps)
		<-ended
	}
}

// reload reads what there is to be read, and says what that was.
func (c *serveCmd) reload(level *slog.LevelVar, n *node.Node) (read []any, wrong error) {
	if n != nil && c.TLSCert != "" {
		if wrong = n.ReloadCertificates(); wrong == nil {
			read = append(read, "certificates", c.TLSCert)
		}
		if c.Config == "" {
			return read, wrong
		}
	}
	err := c.reloadLevel(level)
	if err == nil {
		read = append(read, "log level", level.Level())
	}
	return read, errors.Join(wrong, err)
}

// reloadLevel takes log_level from the file, which wins over the command line here: it was written later.
func (c *serveCmd) reloadLevel(level *slog.LevelVar) error {
	if c.Config == "" {
		return errors.New("there is no --config file to read log_level from")
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
