package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What INFO says of clients and what they ask for.

func (n *Node) infoClients(r *report, l *lines) {
	l.add("connected_clients", r.door.Clients)
	l.add("maxclients", n.cfg.MaxClients)
	if files, ok := mostFiles(); ok {
		l.add("max_open_files", files)
	}
	if n.certs != nil {
		l.add("certificate_expires", n.certs.NotAfter().Unix())
	}
	l.add("client_memory", n.budget.Held())
	l.add("blocked_clients", n.waiting.Load())
	l.add("pubsub_clients", r.door.Subscribers)
}

func (n *Node) infoStats(r *report, l *lines) {
	l.add("total_connections_received", r.door.Accepted)
	l.add("total_commands_processed", r.door.Commands)
	l.add("total_net_input_bytes", r.door.BytesIn)
	l.add("total_net_output_bytes", r.door.BytesOut)
	l.add("rejected_connections", r.door.Rejected+r.door.Denied)
	l.add("client_output_buffer_limit_disconnections", r.door.Cut)
	l.add("pubsub_channels", len(n.hub.Channels("")))
	l.add("pubsub_patterns", n.hub.Patterns())
	var errors uint64
	for _, count := range r.door.Errors {
		errors += count
	}
	l.add("total_error_replies", errors)
}

// infoCommands lists the commands that were said. Usec is how long clients waited for them, where Redis says
// how long it worked on them.
func (n *Node) infoCommands(r *report, l *lines) {
	for _, c := range r.door.ByCommand {
		usec := c.Took.Microseconds()
		calls := c.Done + c.Failed
		each := float64(usec) / float64(max(calls, 1))
		l.add("cmdstat_"+c.Spec.Name, fmt.Sprintf(
			"calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, each, c.Rejected, c.Failed))
	}
}

func (n *Node) infoErrors(r *report, l *lines) {
	for _, word := range slices.Sorted(maps.Keys(r.door.Errors)) {
		l.add("errorstat_"+strings.ToUpper(word), fmt.Sprintf("count=%d", r.door.Errors[word]))
	}
}
