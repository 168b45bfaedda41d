package main

import (
	"context"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// infoFields asks a node for a section of INFO, "everything" for all of them, and gives its fields by name.
func infoFields(ctx context.Context, cl *client.Client, section string) (map[string]string, error) {
	reply, err := cl.Do(ctx, caucus.Command{"INFO", section})
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(reply.Text()) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
