package feed

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// Limits say when a subscriber is cut off. Zero means the default.
type Limits struct {
	Soft     int           // bytes of backlog that a subscriber may have for Patience; default a quarter of Hard
	Patience time.Duration // default 60 s
	Hard     int           // bytes of backlog at which it is cut at once; default 32 MiB
	Budget   *resp.Budget  // of what all of them hold beyond resp.FreeBytes each; default none
}

func (l Limits) withDefaults() Limits {
	l.Hard = cmp.Or(l.Hard, 32<<20)
	l.Soft = cmp.Or(l.Soft, l.Hard/4)
	l.Patience = cmp.Or(l.Patience, time.Minute)
	return l
}

// Hub knows who listens to what. Its methods may be called from several goroutines.
type Hub struct {
	limits Limits
	now    func() time.Time

	mu       sync.RWMutex
	all      map[*subscriber]struct{} // who listens to something, or has
	channels map[string]*audience
	patterns map[string]*audience
}

// New gives a hub without subscribers. Now tells how long a backlog has lasted.
func New(limits Limits, now func() time.Time) *Hub {
	return &Hub{limits: limits.withDefaults(), now: now, all: map[*subscriber]struct{}{},
		channels: map[string]*audience{}, patterns: map[string]*audience{}}
}

var _ waist.Watcher = (*Hub)(nil)

// Watch makes an empty subscription. It must be closed.
func (h *Hub) Watch() waist.Subscription {
	return &subscriber{hub: h, wake: make(chan struct{}, 1),
		channels: map[string]struct{}{}, patterns: map[string]struct{}{}}
}

// Publish hands payload to all who listen, and says to how many; who listens to the channel and to a pattern
// counts twice, as in Redis. What one goroutine publishes arrives in its order. It waits for no reader. No
// pattern matches a member's own channel, which is for who may name it.
func (h *Hub) Publish(channel, payload string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	text := said{bytes: len(channel) + len(payload)}
	n := h.channels[channel].take(waist.Message{Channel: channel, Payload: payload}, &text)
	if private(channel) {
		return n
	}
	tracked := strings.HasPrefix(channel, waist.TrackChannels)
	for pattern, a := range h.patterns {
		if tracked != strings.HasPrefix(pattern, waist.TrackChannels) {
			continue
		}
		if a.matches(pattern, channel) {
			n += a.take(waist.Message{Channel: channel, Pattern: pattern, Payload: payload}, &text)
		}
	}
	return n
}

// private says whether no pattern matches a channel.
func private(channel string) bool {
	return channel == waist.TrackAll || strings.HasPrefix(channel, waist.PrivateChannels)
}

// hidden says whether a channel, or pattern, is not to be seen by clients.
func hidden(name string) bool { return private(name) || strings.HasPrefix(name, waist.TrackChannels) }

// Heard says whether somebody may hear what is published on a channel.
func (h *Hub) Heard(channel string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.channels[channel].size() > 0 || len(h.patterns) > 0 && !private(channel)
}

// Channels names, sorted, the channels with subscribers that match pattern, or all when it is empty, but for
// members' own.
func (h *Hub) Channels(pattern string) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	names := []string{}
	p := glob.Compile(pattern)
	for name := range h.channels {
		if !hidden(name) && (pattern == "" || p.Match(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Subscribers counts the subscribers of a channel, patterns left out.
func (h *Hub) Subscribers(channel string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.channels[channel].size()
}

// Patterns counts the patterns that somebody listens to.
func (h *Hub) Patterns() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n := 0
	for pattern := range h.patterns {
		if !hidden(pattern) {
			n++
		}
	}
	return n
}

// enter adds s to the audience of name.
func (h *Hub) enter(rooms map[string]*audience, name string, s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := rooms[name]
	if a == nil {
		a = &audience{at: map[*subscriber]int{}}
		rooms[name] = a
	}
	a.add(s)
	h.all[s] = struct{}{}
}

// forget lets go of s, who has left.
func (h *Hub) forget(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, s)
}

// relieve cuts the reader for whom most waits, if that is another than s, so that s may have the text, and
// says whether to try again. It cuts nobody where that would not make room.
func (h *Hub) relieve(s *subscriber, text *said) (again bool) {
	var furthest *subscriber
	most, all := 0, 0
	for other := range h.all {
		bytes := other.behind()
		if all += bytes; bytes > most {
			furthest, most = other, bytes
		}
	}
	if furthest == nil || !h.limits.Budget.Fits(text.bytes+overhead-all) {
		text.vain = true
		return false
	}
	if most <= s.behind() {
		return false
	}
	furthest.cutOff(most)
	return true
}

// leave takes s out of the audience of name.
func (h *Hub) leave(rooms map[string]*audience, name string, s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := rooms[name]
	if a == nil {
		return
	}
	a.remove(s)
	if a.size() == 0 {
		delete(rooms, name)
	}
}

// audience is who listens to one channel or pattern: a slice to go through quickly, and where each stands.
type audience struct {
	all []*subscriber
	at  map[*subscriber]int

	compile sync.Once
	pattern *glob.Pattern
}

// matches says whether those who listen to a pattern hear a channel.
func (a *audience) matches(pattern, channel string) bool {
	a.compile.Do(func() { a.pattern = glob.Compile(pattern) })
	return a.pattern.Match(channel)
}

func (a *audience) size() int {
	if a == nil {
		return 0
	}
	return len(a.all)
}

func (a *audience) add(s *subscriber) {
	if _, ok := a.at[s]; ok {
		return
	}
	a.at[s] = len(a.all)
	a.all = append(a.all, s)
}

func (a *audience) remove(s *subscriber) {
	i, ok := a.at[s]
	if !ok {
		return
	}
	last := len(a.all) - 1
	a.all[i] = a.all[last]
	a.at[a.all[i]] = i
	a.all[last] = nil
	a.all = a.all[:last]
	delete(a.at, s)
}

// take hands the message to everybody and says to how many.
func (a *audience) take(m waist.Message, text *said) int {
	n := 0
	for i := range a.size() {
		if a.all[i].take(m, text) {
			n++
		}
	}
	return n
}
