package node

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/users"
	"github.com/caucus-project/caucus/internal/waist"
)

// denials is what ACL LOG tells: what this node has refused since it was started. A command whose right was
// taken while it was under way is refused by the state, and not in it.
type denials struct {
	mu  sync.Mutex
	all users.Denials
}

// note notes a command that was refused.
func (d *denials) note(by waist.Asker, r *users.Refusal) {
	context := "toplevel"
	if by.Multi {
		context = "multi"
	}
	d.add(users.Denial{Reason: r.What, Context: context, Object: r.Name, User: by.User}, by.About)
}

// failed notes a log-in that failed. The password stays out of it.
func (d *denials) failed(a waist.Attempt) {
	d.add(users.Denial{Reason: "auth", Context: "toplevel", Object: a.By, User: a.User}, a.About)
}

func (d *denials) add(one users.Denial, about func() string) {
	if one.User == "" {
		one.User = users.Default
	}
	if about != nil {
		one.About = about()
	}
	one.At = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all.Note(one)
}

// aclLog answers ACL LOG in the fields of Redis 7.0.
func (n *Node) aclLog(_ context.Context, cmd caucus.Command) caucus.Reply {
	d := &n.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	most := int64(10)
	if len(cmd) == 3 {
		if strings.EqualFold(cmd[2], "reset") {
			d.all.Reset()
			return caucus.OK()
		}
		var err error
		if most, err = strconv.ParseInt(cmd[2], 10, 64); err != nil {
			return caucus.Fail(caucus.ErrBad, "value is not an integer or out of range")
		}
	}
	rows := []caucus.Reply{}
	for _, one := range d.all.Newest(int(min(max(most, 0), users.MostDenials))) {
		rows = append(rows, caucus.Map(
			caucus.Bulk("count"), caucus.Int(one.Count),
			caucus.Bulk("reason"), caucus.Bulk(one.Reason),
			caucus.Bulk("context"), caucus.Bulk(one.Context),
			caucus.Bulk("object"), caucus.Bulk(one.Object),
			caucus.Bulk("username"), caucus.Bulk(one.User),
			caucus.Bulk("age-seconds"), caucus.Double(time.Since(one.At).Truncate(time.Millisecond).Seconds()),
			caucus.Bulk("client-info"), caucus.Bulk(one.About)))
	}
	return caucus.Array(rows...)
}
