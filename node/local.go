package node

import (
	"context"
	"maps"
	"net"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/users"
)

// local answers the commands that concern this node alone.
func (n *Node) local(ctx context.Context, cmd caucus.Command) caucus.Reply {
	spec, err := n.table.Lookup(cmd)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if why := n.gate.why.Load(); why != nil {
		return caucus.ErrorReply(why)
	}
	if answer := n.locals[spec.Name]; answer != nil {
		return answer(ctx, cmd)
	}
	if container, _, ok := strings.Cut(spec.Name, "|"); ok && spec.Helps() {
		return n.table.Help(container)
	}
	return caucus.Fail(caucus.ErrBad, "'%s' is not answered by this node", spec.Name)
}

type local func(ctx context.Context, cmd caucus.Command) caucus.Reply

// answers says who answers what.
func (n *Node) answers() map[string]local {
	all := map[string]local{
		"info":              n.info,
		"role":              n.role,
		"time":              n.time,
		"wait":              n.wait,
		"config|get":        n.configGet,
		"shutdown":          n.shutdown,
		"checkpoint":        n.checkpoint,
		"getlog":            n.getLog,
		"getdump":           n.getDump,
		"ensemble|nodes":    n.ensembleNodes,
		"ensemble|status":   n.ensembleStatus,
		"ensemble|digest":   n.ensembleDigest,
		"pubsub|channels":   n.pubsubChannels,
		"pubsub|numsub":     n.pubsubNumsub,
		"ensemble|transfer": n.transfer,
		"add_node":          n.addNode,
		"acl|log":           n.aclLog,
		"acl|setuser":       n.setUser,
		"del_node":          n.delNode,
		"pubsub|numpat": func(context.Context, caucus.Command) caucus.Reply {
			return caucus.Int(int64(n.hub.Patterns()))
		},
	}
	maps.Copy(all, n.clusterAnswers())
	maps.Copy(all, n.sentinelAnswers())
	maps.Copy(all, n.watchAnswers())
	return all
}

// time gives this node's estimate of the ensemble's clock.
func (n *Node) time(context.Context, caucus.Command) caucus.Reply {
	var stamp int64
	if !n.owner.inspect(func(r *replica.Replica) { stamp = r.Clock(n.cfg.clock()) }) {
		return caucus.ErrorReply(errStopping)
	}
	return caucus.Bulks(strconv.FormatInt(stamp/1_000_000, 10), strconv.FormatInt(stamp%1_000_000, 10))
}

// wait says how many other nodes surely have this connection's writes: an acknowledged write is on
// a majority.
func (n *Node) wait(_ context.Context, cmd caucus.Command) caucus.Reply {
	for _, a := range cmd[1:] {
		if v, err := strconv.ParseInt(a, 10, 64); err != nil || v < 0 {
			return caucus.Fail(caucus.ErrBad, "value is not an integer or out of range")
		}
	}
	return caucus.Int(int64(len(n.greeting.Load().Voters) / 2))
}

// configGet gives settings as Redis names them: this node's, and those of the ensemble.
func (n *Node) configGet(_ context.Context, cmd caucus.Command) caucus.Reply {
	settings := append([]string{"acllog-max-len", strconv.Itoa(users.MostDenials), "appendfsync", "always",
		"appendonly", "yes", "databases", "1",
		"max-client-backlog", strconv.Itoa(n.cfg.MaxClientBacklog),
		"max-client-memory", strconv.FormatInt(n.cfg.MaxClientMemory, 10),
		"max-subscriptions", strconv.Itoa(n.cfg.MaxSubscriptions), "max-user-rate", strconv.Itoa(n.cfg.MaxUserRate),
		"maxclients", strconv.Itoa(n.cfg.MaxClients),
		"proto-max-bulk-len", strconv.Itoa(n.cfg.MaxArgument), "save", "",
		"slowlog-log-slower-than", "10000", "slowlog-max-len", "128", "timeout", "0"}, n.holdings().settings...)
	asked := make([]bool, len(settings))
	for _, text := range cmd[2:] {
		if err := glob.Check(text); err != nil {
			return caucus.Fail(caucus.ErrBad, "%v", err)
		}
		pattern := glob.Compile(strings.ToLower(text))
		for i := 0; i < len(settings); i += 2 {
			asked[i] = asked[i] || pattern.Match(settings[i])
		}
	}
	var items []caucus.Reply
	for i := 0; i < len(settings); i += 2 {
		if asked[i] {
			items = append(items, caucus.Bulk(settings[i]), caucus.Bulk(settings[i+1]))
		}
	}
	return caucus.Map(items...)
}

func (n *Node) pubsubChannels(_ context.Context, cmd caucus.Command) caucus.Reply {
	pattern := ""
	if len(cmd) > 2 {
		pattern = cmd[2]
	}
	if err := glob.Check(pattern); err != nil {
		return caucus.Fail(caucus.ErrBad, "%v", err)
	}
	return caucus.Bulks(n.hub.Channels(pattern)...)
}

func (n *Node) pubsubNumsub(_ context.Context, cmd caucus.Command) caucus.Reply {
	var items []caucus.Reply
	for _, channel := range cmd[2:] {
		items = append(items, caucus.Bulk(channel), caucus.Int(int64(n.hub.Subscribers(channel))))
	}
	return caucus.Array(items...)
}

// role answers as Redis does: a leader is the master, all others are its replicas.
func (n *Node) role(context.Context, caucus.Command) caucus.Reply {
	s := n.greeting.Load()
	index := int64(s.Applied)
	if s.leads {
		var replicas []caucus.Reply
		for _, p := range *n.nodes.Load() {
			if host, port := hostPort(p.Client); p.ID != n.me.ID {
				replicas = append(replicas, caucus.Bulks(host, port,
					strconv.FormatUint(s.Peers[p.ID].Match, 10)))
			}
		}
		return caucus.Array(caucus.Bulk("master"), caucus.Int(index), caucus.Array(replicas...))
	}
	leader, _ := n.find(func(p machine.Node) bool { return p.ID == s.Leader })
	host, port := hostPort(leader.Client)
	number, _ := strconv.ParseInt(port, 10, 64)
	state := "connected"
	if s.Leader == 0 {
		state = "connect"
	}
	return caucus.Array(caucus.Bulk("slave"), caucus.Bulk(host), caucus.Int(number),
		caucus.Bulk(state), caucus.Int(index))
}

// hostPort splits an address; empty strings when it is none.
func hostPort(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", ""
	}
	return host, port
}
