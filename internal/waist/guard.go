package waist

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/caucus-project/caucus"
)

// Login is who has come in, and by what. Doors keep it and look only at the user.
type Login struct {
	User string // "" is the default user
	By   string // what let him in; for the Guard
}

// Attempt is an attempt to log in.
type Attempt struct {
	User, Password string
	By             string        // AUTH, HELLO or HTTP
	About          func() string // describes the connection as CLIENT LIST does; asked when it fails
}

// Asker is on whose behalf a door asks whether something may be done.
type Asker struct {
	User  string
	Multi bool          // it is asked for between MULTI and EXEC
	About func() string // as in an Attempt; asked when it is refused
}

// Guard says who may come in, and what each may do. Its methods may be called from several goroutines.
type Guard interface {
	// Closed says that nobody comes in without proving who he is, so that strangers may knock.
	Closed() bool
	// Greet gives who speaks where nobody has logged in. Certificate is the common name in a certificate that
	// was verified, "" for none, and node says that it is one of a node. Whether that is enough is in.
	Greet(certificate string, node bool) (who Login, in bool)
	// LogIn checks a password. It may take a second, and fails with WRONGPASS, or TRYAGAIN when too many ask.
	LogIn(ctx context.Context, a Attempt) (Login, *caucus.Error)
	// Knows says whether there is a user of the name.
	Knows(user string) bool
	// Holds says whether what let somebody in would do so still.
	Holds(Login) bool
	// May says why a user may not have a command carried out, by what the node knows now; nil when he may.
	May(user string, cmd caucus.Command) *caucus.Error
	// Allow is May for what somebody asks of a door and the door answers itself: what is refused is noted for
	// ACL LOG. The rest is judged behind the door.
	Allow(by Asker, cmd caucus.Command) *caucus.Error
}

// Password is a Guard of a door at which there is one user, the default user, who may do everything. The
// function gives his password, "" for none; a nil function is one that gives none.
type Password func() string

func (p Password) word() string {
	if p == nil {
		return ""
	}
	return p()
}

// Closed implements Guard.
func (p Password) Closed() bool { return p.word() != "" }

// Greet implements Guard.
func (p Password) Greet(string, bool) (Login, bool) { return Login{}, p.word() == "" }

// LogIn implements Guard.
func (p Password) LogIn(_ context.Context, a Attempt) (Login, *caucus.Error) {
	want := p.word()
	if a.User != "default" || want != "" && !Same(a.Password, want) {
		return Login{}, WrongPass()
	}
	return Login{}, nil
}

// Knows implements Guard.
func (p Password) Knows(user string) bool { return user == "default" }

// Holds implements Guard.
func (p Password) Holds(Login) bool { return true }

// May implements Guard.
func (p Password) May(string, caucus.Command) *caucus.Error { return nil }

// Allow implements Guard.
func (p Password) Allow(Asker, caucus.Command) *caucus.Error { return nil }

// Same compares two secrets in a time that tells nothing of them.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// WrongPass is the answer to a log-in that failed, whatever was wrong.
func WrongPass() *caucus.Error {
	return caucus.Errorf(caucus.ErrWrongPass, "invalid username-password pair or user is disabled.")
}
