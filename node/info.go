package node

import (
	"context"
	"fmt"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/respd"
)

// info answers INFO. Sections and fields are Redis', so that its tools find what they look for, and one is
// our own; what would have to be made up is left out. INFO json is the ensemble's.
func (n *Node) info(_ context.Context, cmd caucus.Command) caucus.Reply {
	if len(cmd) == 2 && strings.EqualFold(cmd[1], "json") {
		return n.infoJSON()
	}
	var texts []string
	r := n.report()
	for _, s := range sections() {
		if s.wanted(cmd[1:]) {
			b := &lines{}
			s.fill(n, r, b)
			texts = append(texts, "# "+s.title+"\r\n"+b.String())
		}
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: strings.Join(texts, "\r\n")}
}

// section is one part of INFO.
type section struct {
	title string
	extra bool // left out unless it, or everything, is asked for
	fill  func(*Node, *report, *lines)
}

// sections lists the parts of INFO in Redis' order, and ours.
func sections() []section {
	return []section{
		{"Server", false, (*Node).infoServer},
		{"Clients", false, (*Node).infoClients},
		{"Memory", false, (*Node).infoMemory},
		{"Persistence", false, (*Node).infoPersistence},
		{"Stats", false, (*Node).infoStats},
		{"Replication", false, (*Node).infoReplication},
		{"CPU", false, (*Node).infoCPU},
		{"Commandstats", true, (*Node).infoCommands},
		{"Errorstats", false, (*Node).infoErrors},
		{"Cluster", false, (*Node).infoCluster},
		{"Ensemble", false, (*Node).infoEnsemble},
		{"Keyspace", false, (*Node).infoKeyspace},
	}
}

// wanted says whether a section is among those asked for; none asked for is "default", as in Redis.
func (s *section) wanted(asked []string) bool {
	for _, a := range asked {
		switch strings.ToLower(a) {
		case strings.ToLower(s.title), "all", "everything":
			return true
		case "default":
			if !s.extra {
				return true
			}
		}
	}
	return len(asked) == 0 && !s.extra
}

// report is what several sections speak of, taken once for all of them.
type report struct {
	*status
	door respd.Stats
	held holdings
}

func (n *Node) report() *report {
	return &report{status: n.greeting.Load(), door: n.doors.stats(), held: n.holdings()}
}

// lines are the fields of a section.
type lines struct{ strings.Builder }

func (l *lines) add(name string, value any) { fmt.Fprintf(l, "%s:%v\r\n", name, value) }

// megabytes gives a size as people read it.
func megabytes(n int64) string { return fmt.Sprintf("%.2fM", float64(n)/(1<<20)) }
