package node

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/users"
	"github.com/caucus-project/caucus/internal/waist"
	"golang.org/x/crypto/argon2"
)

// What a password's hash costs: as OWASP's cheat sheet on password storage has it for Argon2id.
const (
	hashKiB    = 19 << 10
	hashPasses = 2
	saltBytes  = 16
	sumBytes   = 32
)

// failedLogin is how long who has failed waits for the answer.
const failedLogin = 400 * time.Millisecond

// maxHashing is how many wait for a hash to be made, at most.
const maxHashing = 256

// noSuch is the hash that is compared where there is no user, so that the time tells nothing of who there is.
var noSuch = &users.Hash{KiB: hashKiB, Passes: hashPasses, Lanes: 1, Salt: make([]byte, saltBytes),
	Sum: make([]byte, sumBytes)}

// logins checks passwords. A hash is slow on purpose, so what has been proven is remembered until the user
// changes: as a keyed sum that is good in this process alone.
type logins struct {
	key     []byte
	room    chan struct{} // for hashes that are being made, of which each takes 19 MiB and a processor
	waiting atomic.Int64
	failed  atomic.Uint64

	mu     sync.Mutex
	proven map[proof]struct{}
}

// proof is a password that was shown to fit a hash of a user.
type proof struct {
	user, hash string
	sum        [sha256.Size]byte
}

func newLogins() *logins {
	l := &logins{key: make([]byte, sha256.Size), room: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		proven: map[proof]struct{}{}}
	rand.Read(l.key)
	return l
}

// forget drops what was proven of users as they are no more.
func (l *logins) forget(book *users.Book) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.proven {
		u := book.Find(p.user)
		if u == nil || !slices.Contains(u.Hashes, p.hash) {
			delete(l.proven, p)
		}
	}
}

// find gives the hash of the user that a password fits, "" if none does.
func (l *logins) find(ctx context.Context, u *users.User, password string) (string, *caucus.Error) {
	for _, hash := range u.Hashes {
		p := l.proofOf(u.Name, hash, password)
		l.mu.Lock()
		_, known := l.proven[p]
		l.mu.Unlock()
		if known {
			return hash, nil
		}
	}
	for _, hash := range u.Hashes {
		want := users.ReadHash(hash)
		if want == nil {
			continue // the state holds none such
		}
		got, err := l.hash(ctx, password, want)
		if err != nil {
			return "", err
		}
		if hmac.Equal(got.Sum, want.Sum) {
			l.mu.Lock()
			l.proven[l.proofOf(u.Name, hash, password)] = struct{}{}
			l.mu.Unlock()
			return strings.Clone(hash), nil
		}
	}
	return "", nil
}

func (l *logins) proofOf(user, hash, password string) (p proof) {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(password))
	p.user, p.hash = user, hash
	mac.Sum(p.sum[:0])
	return p
}

// hash makes a hash of a password as another was made, when there is room for it.
func (l *logins) hash(ctx context.Context, password string, like *users.Hash) (*users.Hash, *caucus.Error) {
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > maxHashing {
		return nil, caucus.Errorf(caucus.ErrTryAgain, "too many passwords are being checked at once")
	}
	select {
	case l.room <- struct{}{}:
		defer func() { <-l.room }()
	case <-ctx.Done():
		return nil, caucus.Errorf(caucus.ErrTryAgain, "too many passwords are being checked at once")
	}
	h := *like
	h.Sum = argon2.IDKey([]byte(password), h.Salt, h.Passes, h.KiB, h.Lanes, sumBytes)
	return &h, nil
}

// LogIn checks a password, by the users as this node knows them and, if they do not let him in, as the
// ensemble has them now. Who fails waits.
func (g guard) LogIn(ctx context.Context, a waist.Attempt) (waist.Login, *caucus.Error) {
	book := g.n.users.Load()
	who, err := g.tryIn(ctx, book, a.User, a.Password)
	if err == nil || err.Word != caucus.ErrWrongPass.Word {
		return who, err
	}
	if g.n.catchUp(ctx) && g.n.users.Load() != book {
		who, err = g.tryIn(ctx, g.n.users.Load(), a.User, a.Password)
	}
	if err != nil && err.Word == caucus.ErrWrongPass.Word {
		g.n.logins.failed.Add(1)
		g.n.denials.failed(a)
		select {
		case <-time.After(failedLogin):
		case <-ctx.Done():
		}
	}
	return who, err
}

// catchUp has this node know what the ensemble knew when it was called, if it is in touch with it.
func (n *Node) catchUp(ctx context.Context) bool {
	if n.gate.why.Load() != nil {
		return false
	}
	c := n.converse(waist.ConnInfo{Inside: true, Node: true})
	defer c.Close(false)
	replies := c.DoAll(ctx, []caucus.Command{{"DBSIZE"}})
	return len(replies) == 1 && replies[0].Kind == caucus.KindInt
}

func (g guard) tryIn(ctx context.Context, book *users.Book, user, password string) (waist.Login,
	*caucus.Error) {
	own := g.n.cfg.Password
	if user == peerUser {
		// Where nobody need say who he is, a newcomer may; that only one of the two has a password is said by
		// peers.
		if !g.Closed() || own != "" && waist.Same(password, own) {
			return waist.Login{User: peerUser, By: byNodes}, nil
		}
		return waist.Login{}, waist.WrongPass()
	}
	u := book.Find(user)
	if u == nil || user == "" || !u.On || !u.NoPass && len(u.Hashes) == 0 {
		_, err := g.n.logins.hash(ctx, password, noSuch)
		if err == nil {
			err = waist.WrongPass()
		}
		return waist.Login{}, err
	}
	who := waist.Login{User: u.Name}
	if u.Name == users.Default {
		who.User = ""
	}
	switch {
	case u.NoPass && u.Name == users.Default && own != "":
		if !waist.Same(password, own) {
			return waist.Login{}, waist.WrongPass()
		}
		who.By = byNodes
		return who, nil
	case u.NoPass:
		return who, nil
	}
	hash, err := g.n.logins.find(ctx, u, password)
	if err == nil && hash == "" {
		err = waist.WrongPass()
	}
	who.By = hash
	return who, err
}
