package httpd_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// Any command goes through any node, and its reply is JSON.
func TestCommands(t *testing.T) {
	doors := nodes(t, 2)
	id := doors[0].session()
	for i, c := range []struct{ body, want string }{
		{`["SET","k","v"]`, `{"reply":"OK"}`},
		{`["get","k"]`, `{"reply":"v"}`},
		{`["GET","none"]`, `{"reply":null}`},
		{` [ "INCRBY" , "n" , 41 ] `, `{"reply":41}`},
		{`["INCRBYFLOAT","f",-1.50]`, `{"reply":"-1.5"}`},
		{`["MGET","k","none"]`, `{"reply":["v",null]}`},
		{`["SET",{"b64":"/w=="},{"b64":"/g=="}]`, `{"reply":"OK"}`},
		{`["GET",{"b64":"/w=="}]`, `{"reply_b64":"/g=="}`},
		{`["MGET",{"b64":"/w=="},"\u0001<é>"]`, `{"reply":[{"b64":"/g=="},null]}`},
		{`["CONFIG","GET","databases"]`, `{"reply":{"databases":"1"}}`},
		{`["PING"]`, `{"reply":"PONG"}`},
		{`[["SET","t","1"],["INCR","t"],["INCR","k"],["GET","none"]]`,
			`{"reply":["OK",2,{"error":"ERR","message":"value is not an integer or out of range"},null]}`},
		{`[["GUARD","g","TERM",7],["SET","t","guarded"]]`, `{"reply":null}`},
		{`[["PING"]]`, `{"reply":["PONG"]}`},
		{`["GET","t"]`, `{"reply":"2"}`},
		{`["ONCE",1,"INCR","n"]`, `{"reply":42}`},
		{`["ONCE",1,"INCR","n"]`, `{"reply":42}`},
		{`["GROUP","JOIN","g","AS","ann","SETTLE",0]`, `{"reply":"ann"}`},
		{`["GROUP","INDEX","g"]`, `{"reply":[1,1,`},
		{`["GROUP","SEND","g","hello"]`, `{"reply":1}`},
		{`["SESSION","INFO"]`, `{"reply":{"id":"` + id + `","ttl":600000,`},
		{`["VOTE","LIST","g"]`, `{"reply":[]}`},
		{`["GROUP","MEMBERS","g"]`, `{"reply":[{"name":"ann","order":1,"index":1,"leader":1,`},
		{`["PUBLISH","c","x"]`, `{"reply":0}`},
		{`["INFO","server"]`, `{"reply":"# Server\r\n`},
		{`["ENSEMBLE","NODES"]`, `{"reply":[{"name":"n1",`},
		{`["DEL","k",{"b64":"/w=="}]`, `{"reply":2}`},
		{`["SESSION","CLOSE"]`, `{"reply":1}`},
	} {
		a := doors[i%2].as(id, "POST", "/v1/commands", c.body)
		whole := strings.HasSuffix(c.want, "}")
		if a.status != 200 || !strings.HasPrefix(a.body, c.want) || whole && a.body != c.want {
			t.Errorf("%s\nanswers %d %s\nnot     200 %s", c.body, a.status, a.body, c.want)
		}
	}
}

// A program's own commands go this way too.
func TestOwnCommands(t *testing.T) {
	own := node.Command{Name: "shop.buy", Writes: true, Least: 1, Most: 1,
		Run: func(tx *node.Tx, args []string) caucus.Reply {
			if args[0] == "nothing" {
				return caucus.ErrorReply(&caucus.Error{Word: "SOLDOUT", Message: "there is no nothing"})
			}
			return tx.Do("INCR", args[0])
		}}
	s := ofNode(t, nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
		cfg.Commands = []node.Command{own}
	})[0])
	s.run(map[string]string{"A": s.session()}, []request{
		{"", "POST", "/v1/commands", `["shop.buy","tea"]`, `{"reply":1}`},
		{"A", "POST", "/v1/commands", `["ONCE",1,"SHOP.BUY","tea"]`, `{"reply":2}`},
		{"A", "POST", "/v1/commands", `["ONCE",1,"SHOP.BUY","tea"]`, `{"reply":2}`},
		{"", "POST", "/v1/commands", `[["SHOP.BUY","tea"],["GET","tea"]]`, `{"reply":[3,"3"]}`},
		{"", "POST", "/v1/commands", `["SHOP.BUY","nothing"]`, `400 SOLDOUT no nothing`},
		{"", "POST", "/v1/commands", `["SHOP.BUY"]`, `400 ERR wrong number`},
	})
}

// What has no meaning without a connection is refused by its name, and so is what is wrong in itself.
func TestWrongCommands(t *testing.T) {
	s := nodes(t, 1)[0]
	sessions := map[string]string{"A": s.session(), "B": strings.Repeat("0", 32)}
	const none = `400 ERR the body must be a command`
	table := []request{}
	for body, want := range map[string]string{
		``: none, `{}`: none, `[]`: none, `["GET","k"`: none, `"GET k"`: none,
		"[\"GET\",\"\xff\"]": `400 ERR UTF-8`,
		`["GET",true]`:       `400 ERR word 2`, `["GET",null]`: `400 ERR word 2`, `["GET",["k"]]`: `400 ERR word 2`,
		`["GET",{"b64":"!"}]`: `400 ERR word 2`, `["GET",{"b64":"","x":""}]`: `400 ERR word 2`,
		`["GET",{"x":""}]`: `400 ERR word 2`, `["GET","\ud800"]`: `400 ERR word 2`,
		`[["GET","k"],"x"]`: `400 ERR words`,
		`[["GET","k"],[]]`:  `400 ERR words`, `[1,2]`: `400 ERR unknown command '1'`, `["NONE"]`: `400 ERR unknown`,
		`["GET"]`: `400 ERR wrong number`, `["INCRBY","k","x"]`: `400 ERR not an integer`,
		`["GROUP","INFO","none"]`: `404 NOGROUP none`,
		`["MULTI"]`:               `400 ERR MULTI has no meaning here: the commands of a transaction`,
		`["exec"]`:                `400 ERR EXEC`, `["DISCARD"]`: `400 ERR DISCARD`,
		`["WATCH","k"]`: `400 ERR If-Match`,
		`["UNWATCH"]`:   `400 ERR UNWATCH`, `["READONLY"]`: `400 ERR READONLY`, `["RESET"]`: `400 ERR RESET`,
		`["SESSION","OPEN"]`: `400 ERR SESSION OPEN has no meaning here: POST /v1/sessions`,
		`["SESSION","RESUME","` + strings.Repeat("0", 32) + `"]`: `400 ERR SESSION RESUME`,
		`["SUBSCRIBE","c"]`: `400 ERR SUBSCRIBE has no meaning here: events come by GET`,
		`["HELLO",3]`:       `400 ERR HELLO is about a RESP connection`, `["CLIENT","LIST"]`: `400 ERR CLIENT LIST`,
		`["AUTH","x"]`: `400 ERR AUTH`, `["QUIT"]`: `400 ERR QUIT`,
		`["LOCK","ACQUIRE","l","WAIT",1]`:                    `400 ERR LOCK ACQUIRE may not wait here`,
		`["VOTE","RESULT","g",1,"WAIT",0]`:                   `400 ERR VOTE RESULT may not wait`,
		`["GROUP","EVENTS","g","FROM",1,"BLOCK",0]`:          `400 ERR GROUP EVENTS may not wait`,
		`["ONCE",1,"LOCK","ACQUIRE","l","WAIT",1]`:           `400 ERR LOCK ACQUIRE may not wait`,
		`["ONCE",1,"EXEC"]`:                                  `400 ERR EXEC has no meaning here`,
		`["GROUP","JOIN","g"]`:                               `404 NOSESSION POST /v1/sessions opens one`,
		`["ONCE",1,"GROUP","JOIN","g"]`:                      `404 NOSESSION POST /v1/sessions opens one`,
		`["LOCK","ACQUIRE","l"]`:                             `404 NOSESSION POST /v1/sessions opens one`,
		`["ONCE",1,"SET","k","v"]`:                           `404 NOSESSION POST /v1/sessions`,
		`[["SET","k","v"],["ENSEMBLE","NODES"]]`:             `400 ERR not allowed inside a transaction`,
		`[["SET","k","v"],["GET"]]`:                          `400 ERR wrong number`,
		`["SET","k","` + strings.Repeat("x", 8<<20+1) + `"]`: `400 ERR word 3 of a command has 8388609 bytes`,
	} {
		table = append(table, request{"", "POST", "/v1/commands", body, want})
	}
	table = append(table,
		request{"A", "POST", "/v1/commands?x=1", `["PING"]`, `400 ERR not in the query`},
		request{"B", "POST", "/v1/commands", `["SET","k","v"]`, `404 NOSESSION`},
		request{"B", "POST", "/v1/commands", `["GROUP","LEAVE","g"]`, `404 NOSESSION`})
	s.run(sessions, table)
	s.refused(s.say("POST", "/v1/commands", strings.Repeat(" ", 49<<20+1)), 413, "ERR")
	s.refused(s.ask("GET", "/v1/keys/k"), 404, "ERR")
	s.refused(s.ask("GET", "/v1/groups/g"), 404, "NOGROUP")
}

// Each kind of reply has its form, whatever command may give it one day.
func TestReplies(t *testing.T) {
	for want, reply := range map[string]caucus.Reply{
		`1.5`: caucus.Double(1.5), `1e+21`: caucus.Double(1e21), `-0`: caucus.Double(math.Copysign(0, -1)),
		`"inf"`: caucus.Double(math.Inf(1)), `"-inf"`: caucus.Double(math.Inf(-1)),
		`"nan"`: caucus.Double(math.NaN()),
		`true`:  {Kind: caucus.KindBool, Int: 1}, `false`: {Kind: caucus.KindBool},
		`null`:             caucus.NilArray(),
		`["a",1]`:          {Kind: caucus.KindSet, Items: []caucus.Reply{caucus.Bulk("a"), caucus.Int(1)}},
		`["x"]`:            caucus.Push(caucus.Bulk("x")),
		`"text"`:           {Kind: caucus.KindVerbatim, Str: "text"},
		`[{"b64":"/w=="}]`: caucus.Array(caucus.Status("\xff")),
		`9007199254740993`: caucus.Int(1<<53 + 1),
		`{"b":[],"a":null,"c_b64":"/w=="}`: caucus.Map(caucus.Bulk("b"), caucus.Array(),
			caucus.Bulk("a"), caucus.Nil(), caucus.Bulk("c"), caucus.Bulk("\xff")),
		`{"s_b64":"/w=="}`:   caucus.Map(caucus.Bulk("s"), caucus.Status("\xff")),
		`[1,"x"]`:            caucus.Map(caucus.Int(1), caucus.Bulk("x")),
		`[{"b64":"/w=="},0]`: caucus.Map(caucus.Bulk("\xff"), caucus.Int(0)),
		`[["a",1],["b",2]]`:  caucus.Pairs(caucus.Bulk("a"), caucus.Int(1), caucus.Bulk("b"), caucus.Int(2)),
		`["a",1,"a",2]`:      caucus.Map(caucus.Bulk("a"), caucus.Int(1), caucus.Bulk("a"), caucus.Int(2)),
	} {
		_, s := play(t, func(context.Context, string) caucus.Reply { return reply }, nil)
		s.expect(s.say("POST", "/v1/commands", `["PING"]`), 200, `{"reply":`+want+`}`)
	}
}
