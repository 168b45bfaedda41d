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

	mu     sync.RWMutex
	byUser map[string]*allowance
}

// allowance is a user's. Its refusal is made once, so that refusing costs less than what is refused.
type allowance struct {
	*rate.Limiter
	refusal *caucus.Error
}

func newRates(most int) *rates { return &rates{most: most, byUser: map[string]*allowance{}} }

// allow says whether one more command may be carried out. A sign of life is never refused: it costs nearly
// nothing, and without it a user who asks for too much would lose what his members hold.
func (r *rates) allow(user string, s *command.Spec) *caucus.Error {
	if r.most == 0 || s.Name == "session|keepalive" {
		return nil
	}
	its := r.of(user)
	if its.Allow() {
		return nil
	}
	r.refused.Add(1)
	return its.refusal
}

func (r *rates) of(user string) *allowance {
	r.mu.RLock()
	its := r.byUser[user]
	r.mu.RUnlock()
	if its != nil {
		return its
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if its = r.byUser[user]; its == nil {
		its = &allowance{rate.NewLimiter(rate.Limit(r.most), r.most), caucus.Errorf(caucus.ErrTryAgain,
			"user '%s' asks this node for more than %d commands a second (--max-user-rate); nothing of this was done",
			cmp.Or(user, users.Default), r.most)}
		r.byUser[user] = its
	}
	return its
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
