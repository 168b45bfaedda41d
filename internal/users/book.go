package users

import (
	"cmp"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// Most is how many users there may be.
const Most = 10_000

// Book holds the users by name. It never changes and may be shared: With and Without give changed ones. The
// default user is always there. A nil Book holds him as he is at first, and nobody else.
type Book struct {
	listed []*User // who was ever set, sorted by name
}

var first = NewDefault()

// Find gives a user, nil when there is none of the name. "" names the default user.
func (b *Book) Find(name string) *User {
	name = cmp.Or(name, Default)
	if at, ok := b.at(name); ok {
		return b.listed[at]
	}
	if name == Default {
		return first
	}
	return nil
}

func (b *Book) at(name string) (int, bool) {
	return slices.BinarySearchFunc(b.Listed(), name, func(u *User, name string) int {
		return strings.Compare(u.Name, name)
	})
}

// Listed gives the users that were set, sorted by name: what makes this Book of a nil one. While there is
// none, nothing is refused to the default user. It must not be changed.
func (b *Book) Listed() []*User {
	if b == nil {
		return nil
	}
	return b.listed
}

// All gives all users, sorted by name.
func (b *Book) All() []*User {
	at, ok := b.at(Default)
	if ok {
		return b.listed
	}
	return slices.Insert(slices.Clone(b.Listed()), at, first)
}

// With gives a Book with the user, in place of one of the same name.
func (b *Book) With(u *User) (*Book, *caucus.Error) {
	listed := slices.Clone(b.Listed())
	if at, ok := b.at(u.Name); ok {
		listed[at] = u
	} else {
		listed = slices.Insert(listed, at, u)
	}
	if len(listed) > Most {
		return nil, caucus.Errorf(caucus.ErrBad, "there are at most %d users: ACL DELUSER takes one away", Most)
	}
	return &Book{listed}, nil
}

// Without gives a Book without the users of the names, and how many of them there were. The default user
// stays.
func (b *Book) Without(names []string) (c *Book, gone int64) {
	listed := slices.DeleteFunc(slices.Clone(b.Listed()), func(u *User) bool {
		return u.Name != Default && slices.Contains(names, u.Name)
	})
	return &Book{listed}, int64(len(b.Listed()) - len(listed))
}
