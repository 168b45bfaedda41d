package users

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is kept of denials, and how alike are grouped: as Redis does by default.
const (
	MostDenials = 128 // kept at a time
	together    = time.Minute
	searched    = 10 // of the newest, among which one that is alike is looked for

	mostObject = 128  // bytes of a name that are kept
	mostAbout  = 1024 // of what describes a connection
)

// Denial is something that was denied to somebody, and how often.
type Denial struct {
	Reason  string    // "command", "key", "channel", or "auth" for a log-in that failed
	Context string    // "toplevel" or "multi"
	Object  string    // the command, key or channel, or by what somebody tried to log in
	User    string    // who he is, or wanted to be
	About   string    // the connection, at the last time
	At      time.Time // of the last time
	Count   int64
}

// Denials remembers what was denied, as ACL LOG tells it. The zero value is empty. It is not for several
// goroutines at once.
type Denials struct {
	newest []Denial // first
}

// Note notes one denial, whose Count does not matter. What it names is copied, and cut when it is long.
func (d *Denials) Note(n Denial) {
	n.Object, n.User, n.About = cut(n.Object, mostObject), cut(n.User, mostObject), cut(n.About, mostAbout)
	n.Count = 1
	at := slices.IndexFunc(d.newest[:min(len(d.newest), searched)], n.isLike)
	if at >= 0 {
		n.Count += d.newest[at].Count
		d.newest = slices.Delete(d.newest, at, at+1)
	}
	d.newest = slices.Insert(d.newest, 0, n)
	d.newest = d.newest[:min(len(d.newest), MostDenials)]
}

// isLike says whether two denials are told as one.
func (n Denial) isLike(old Denial) bool {
	return n.Reason == old.Reason && n.Context == old.Context && n.Object == old.Object && n.User == old.User &&
		n.At.Sub(old.At) <= together
}

// cut gives a text in memory of its own, without what goes beyond so many bytes.
func cut(text string, most int) string {
	if len(text) > most {
		return text[:most] + "... (" + strconv.Itoa(len(text)-most) + " more bytes)"
	}
	return strings.Clone(text)
}

// Newest gives so many of the denials, the newest first.
func (d *Denials) Newest(n int) []Denial { return slices.Clone(d.newest[:min(n, len(d.newest))]) }

// Reset forgets all.
func (d *Denials) Reset() { d.newest = nil }
