package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/caucus-project/caucus/node"
)

// configFile is the path of a QCluster file. What stands in it counts where the command line says nothing.
type configFile string

// BeforeResolve reads the file that the command line names, so that its fields can be flags' values.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(configFile)
	file, err := node.ReadListFile(string(path))
	if err != nil {
		return err
	}
	values := map[string]string{"id": file.Identifier, "listen": file.Listen}
	if file.Metadata != "" {
		values["metadata"] = file.Metadata
	}
	for field, raw := range file.Further {
		flag, err := flagOf(ctx, field)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if values[flag], err = flagText(raw); err != nil {
			return fmt.Errorf("%s: field %q is %.100s, not %w", path, field, raw, err)
		}
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if text, ok := values[flag.Name]; ok {
			return text, nil
		}
		return nil, nil
	}))
	return nil
}

// notInFile are flags that QCluster's own fields stand for, or that make no sense in a file.
var notInFile = []string{"help", "config", "id", "listen", "join", "ensemble"}

// flagOf gives the flag that a further field stands for: it has the same name with _ for -.
func flagOf(ctx *kong.Context, field string) (string, error) {
	name := strings.ReplaceAll(field, "_", "-")
	for _, group := range ctx.Selected().AllFlags(false) {
		for _, flag := range group {
			if flag.Name == name && !strings.Contains(field, "-") && !slices.Contains(notInFile, name) {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("unknown field %q: identifier, listen_host, listen_port, peers and the flags of "+
		"'caucus serve', with _ for -, can stand there", field)
}

// flagText gives a value as one would write it on a command line.
func flagText(raw json.RawMessage) (string, error) {
	var text string
	var list []string
	switch {
	case string(raw) == "null" || string(raw) == "true" || string(raw) == "false":
	case json.Unmarshal(raw, &text) == nil:
		return text, nil
	case json.Unmarshal(raw, &list) == nil:
		return strings.Join(list, ","), nil
	case raw[0] != '{' && raw[0] != '[':
		return string(raw), nil // a number
	}
	return "", errors.New("a string, a number or a list of strings")
}

// peers gives the list of the file, or of -e.
func (c *serveCmd) peers() ([]node.Peer, error) {
	if c.Config != "" {
		if len(c.Ensemble) > 0 {
			return nil, errors.New("--config and -e both list the peers: state one of them")
		}
		file, err := node.ReadListFile(string(c.Config))
		return file.Peers, err
	}
	var peers []node.Peer
	for _, text := range c.Ensemble {
		i := strings.LastIndexByte(text, '/')
		p := node.Peer{Addr: text[i+1:]}
		if i >= 0 {
			p.Name = text[:i]
			if p.Name == "" {
				return nil, fmt.Errorf("-e %q: the name before the / is empty", text)
			}
		}
		peers = append(peers, p)
	}
	return peers, nil
}
