package node

import (
	"cmp"
	"sync"
	"sync/atomic"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/users"
	"golang.org/x/time/rate"
)

// rates bounds how many commands a user may ask this node for in a second, over all his connections. A
// second's worth may come at once.
type rates struct {
	most    int // 0 for no bound
	refused atomic.Uint64

	mu     sync.Mutex
	byUser map[string]*rate.Limiter
}

func newRates(most int) *rates { return &rates{most: most, byUser: map[string]*rate.Limiter{}} }

// allow says whether one more command may be carried out. A sign of life is never refused: it costs nearly
// nothing, and without it a user who asks for too much would lose what his members hold.
func (r *rates) allow(user string, s *command.Spec) *caucus.Error {
	if r.most == 0 || s.Name == "session|keepalive" || r.of(user).Allow() {
		return nil
	}
	r.refused.Add(1)
	return caucus.Errorf(caucus.ErrTryAgain, "user '%s' asks this node for more than %d commands a second "+
		"(--max-user-rate); nothing of this was done", cmp.Or(user, users.Default), r.most)
}

func (r *rates) of(user string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.byUser[user]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(r.most), r.most)
		r.byUser[user] = l
	}
	return l
}

// forget drops those who are no more.
func (r *rates) forget(book *users.Book) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for user := range r.byUser {
		if book.Find(user) == nil {
			delete(r.byUser, user)
		}
	}
}
