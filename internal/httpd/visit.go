package httpd

import (
	"context"
	"net/http"

	"github.com/caucus-project/caucus"
)

// visit is a request of the JSON API: what it asks for, for whom, and the means to have it done. It decides
// nothing: it turns the request into commands, which check and answer it as they do at any door.
type visit struct {
	door *Door
	ctx  context.Context
	r    *http.Request
}

// json makes the handler of a route that is answered with the reply of commands.
func (d *Door) json(handle func(*visit) caucus.Reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.cfg.RequestTimeout)
		defer cancel()
		reply := handle(&visit{door: d, ctx: ctx, r: r})
		if reply.Kind == caucus.KindError {
			err := caucus.ParseError(reply.Str)
			fail(w, err.HTTPStatus(), err)
			return
		}
		say(w, http.StatusOK, appendReply(nil, reply))
	}
}

// read carries out a command that changes nothing, for nobody in particular.
func (v *visit) read(cmd ...string) caucus.Reply {
	conn, err := v.door.server.Open(caucus.ConnInfo{})
	if err != nil {
		return caucus.ErrorReply(known(err))
	}
	defer conn.Close(false)
	return conn.DoAll(v.ctx, []caucus.Command{cmd})[0]
}

func (v *visit) listGroups() caucus.Reply {
	names := v.read("GROUP", "LIST")
	if names.Kind == caucus.KindError {
		return names
	}
	return named(caucus.Array(names), "groups")
}

func (v *visit) describeGroup() caucus.Reply { return v.read("GROUP", "INFO", v.r.PathValue("g")) }
