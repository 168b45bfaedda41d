package httpd

import (
	"net/http"
	"strings"

	"github.com/caucus-project/caucus"
)

// placeFields are what may be stated of a node.
var placeFields = []field{{name: "addr", must: true, about: "its client address, host:port"}}

// overview is GET /v1/status. What the node says is what is answered, to the letter.
func (v *visit) overview() caucus.Reply {
	reply := v.ask(caucus.Command{"ENSEMBLE", "STATUS"})[0]
	if reply.Kind == caucus.KindBulk {
		v.body = []byte(reply.Str)
	}
	return reply
}

// listNodes is GET /v1/nodes.
func (v *visit) listNodes() caucus.Reply {
	return listed(v.ask(caucus.Command{"ENSEMBLE", "NODES"})[0], "nodes")
}

// describeNode is GET /v1/nodes/{id}.
func (v *visit) describeNode() caucus.Reply {
	reply := v.ask(caucus.Command{"ENSEMBLE", "NODES"})[0]
	if reply.Kind == caucus.KindError {
		return reply
	}
	for _, node := range reply.Items {
		if node.Field("name").Str == v.name("id") {
			return node
		}
	}
	return v.as(http.StatusNotFound, wrong("no such node '%.80s'", v.name("id")))
}

// expectNode is PUT /v1/nodes/{id}.
func (v *visit) expectNode() caucus.Reply {
	return v.wish("ADD_NODE", v.name("id"), v.given.value("addr"))
}

// removeNode is DELETE /v1/nodes/{id}.
func (v *visit) removeNode() caucus.Reply { return v.wish("DEL_NODE", v.name("id")) }

// lead is POST /v1/nodes/{id}/lead.
func (v *visit) lead() caucus.Reply { return v.wish("ENSEMBLE", "TRANSFER", v.name("id")) }

// wish asks for what an operator wishes of the nodes, which has nothing to tell but that it is done.
func (v *visit) wish(cmd ...string) caucus.Reply {
	reply := v.ask(cmd)[0]
	if is(reply, caucus.ErrBad) && strings.Contains(reply.Str, "no such node") {
		v.status = http.StatusNotFound
	}
	return done(reply)
}
