package node

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/users"
	"github.com/caucus-project/caucus/internal/waist"
)

// peerUser is who a node is at the client door of another, where it asks for the nodes before it belongs to
// the ensemble. He proves the nodes' password, or shows a node's certificate, so that no user need be made
// for newcomers. What goes through the log is refused to him.
const peerUser = ".peer"

var peerRights = users.New(peerUser).Allowed("@connection", "ensemble|nodes", "info", "role")

// What let somebody in, beside a hash of a password of his.
const (
	byNothing     = ""            // he need not log in
	byNodes       = "password"    // the password that this node was started with
	byCertificate = "certificate" // its name
)

// guard is the node as its doors ask it who may come in (waist.Guard).
type guard struct{ n *Node }

// Closed says that nobody comes in without proving who he is.
func (g guard) Closed() bool { return g.n.cfg.Password != "" || g.n.users.Load().Find("").Secret() }

// Greet gives who speaks where nobody has logged in: the user whom a certificate names, a node, or the
// default user if he needs no password.
func (g guard) Greet(certificate string, node bool) (waist.Login, bool) {
	book := g.n.users.Load()
	open := !g.Closed()
	switch u := book.Find(certificate); {
	case certificate != "" && certificate != users.Default && u != nil && u.On:
		return waist.Login{User: certificate, By: byCertificate}, true
	case node && !open && g.n.cfg.Password == "":
		return waist.Login{User: peerUser, By: byCertificate}, true
	}
	return waist.Login{By: byNothing}, open
}

// Knows says whether there is a user of the name.
func (g guard) Knows(user string) bool { return user != "" && g.n.users.Load().Find(user) != nil }

// Holds says whether what let somebody in would do so still.
func (g guard) Holds(who waist.Login) bool {
	if who.User == peerUser {
		return true
	}
	u := g.n.users.Load().Find(who.User)
	switch {
	case u == nil || !u.On:
		return false
	case who.By == byCertificate:
		return true
	case who.By == byNodes:
		return u.NoPass
	case who.By == byNothing:
		return u.NoPass && (u.Name != users.Default || g.n.cfg.Password == "")
	}
	return slices.Contains(u.Hashes, who.By)
}

// May says why a user may not have a command carried out.
func (g guard) May(user string, cmd caucus.Command) *caucus.Error {
	spec, err := g.n.table.Lookup(cmd)
	if err != nil {
		return err
	}
	if r := g.n.refuses(user, spec, cmd); r != nil {
		return r.Err
	}
	return nil
}

// Allow is May, and notes what is refused.
func (g guard) Allow(by waist.Asker, cmd caucus.Command) *caucus.Error {
	spec, err := g.n.table.Lookup(cmd)
	if err != nil {
		return err
	}
	return g.n.authorize(by, spec, cmd)
}

// authorize judges by the users as this node knows them. What changes the state, or reads it, is judged again
// where it is carried out; this spares the log what would be refused there, and spoils transactions in time.
func (n *Node) authorize(by waist.Asker, spec *command.Spec, cmd caucus.Command) *caucus.Error {
	if inside(by.User) {
		return nil
	}
	if err := n.rates.allow(by.User, spec); err != nil {
		return err
	}
	if r := n.refuses(by.User, spec, cmd); r != nil {
		n.denials.note(by, r)
		return r.Err
	}
	return nil
}

func (n *Node) refuses(user string, spec *command.Spec, cmd caucus.Command) *users.Refusal {
	switch {
	case inside(user):
		return nil
	case user == peerUser:
		return peerRights.Judge(spec, cmd)
	}
	return n.users.Load().Judge(user, spec, cmd)
}

// revise takes over who the users are, and cuts who would not be let in any more. It is called by whoever
// owns the replica.
func (n *Node) revise(book *users.Book) {
	if n.users.Swap(book) == book {
		return
	}
	n.logins.forget(book)
	n.rates.forget(book)
	n.running.Go(n.doors.review)
}

// setUser answers ACL SETUSER: it puts hashes in the place of passwords, and has the ensemble make the user
// so.
func (n *Node) setUser(ctx context.Context, cmd caucus.Command) caucus.Reply {
	name, rules := cmd[2], cmd[3:]
	err := users.ValidName(name)
	if err == nil {
		err = users.Check(n.table, rules)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	hashed := make([]string, len(rules))
	for i, rule := range rules {
		if hashed[i], err = n.hideSecret(ctx, name, rule); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	op := machine.SetUser(callerOf(ctx), name, hashed)
	return n.carryOut(ctx, op)
}

// hideSecret gives a rule that holds no password.
func (n *Node) hideSecret(ctx context.Context, name, rule string) (string, *caucus.Error) {
	switch {
	case strings.HasPrefix(rule, ">"):
		salt := make([]byte, saltBytes)
		rand.Read(salt)
		h, err := n.logins.hash(ctx, rule[1:], &users.Hash{KiB: hashKiB, Passes: hashPasses, Lanes: 1, Salt: salt})
		if err != nil {
			return "", err
		}
		return "#" + h.String(), nil
	case strings.HasPrefix(rule, "<"):
		u := n.users.Load().Find(name)
		if u == nil {
			u = users.New(name)
		}
		text, err := n.logins.find(ctx, u, rule[1:])
		if err == nil && text == "" {
			err = caucus.Errorf(caucus.ErrBad, "Error in ACL SETUSER modifier '<...': The password you are trying to "+
				"remove from the user does not exist")
		}
		return "!" + text, err
	}
	return rule, nil
}

// carryOut has an operation of this node's own logged, and gives the answer.
func (n *Node) carryOut(ctx context.Context, op entry.Op) caucus.Reply {
	req := &request{answer: make(chan replica.Answer, 1)}
	op.Conn, op.Request = n.conns.Add(1), 1
	req.batch = replica.Batch{Steps: []entry.Step{{Op: &op, Write: true}}, Tag: req}
	if !n.owner.submit(&req.batch, n.patience(ctx)) {
		return caucus.ErrorReply(errStopping)
	}
	select {
	case a := <-req.answer:
		if a.Err != nil {
			return caucus.ErrorReply(a.Err)
		}
		return a.Results[0].Reply
	case <-n.owner.quit:
		return caucus.ErrorReply(errAbandoned)
	}
}

type callerKey struct{}

// asCaller notes for whom a command is that the node answers itself.
func asCaller(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, callerKey{}, user)
}

func callerOf(ctx context.Context) string {
	user, _ := ctx.Value(callerKey{}).(string)
	return user
}
