package caucus

import "strings"

// Limits on names and small values (WIRE, first section).
const (
	MaxName     = 255      // bytes of a group or member name
	MaxMetadata = 64 << 10 // bytes of a member's metadata
)

// ValidGroup says whether s may name a group: 1-255 bytes of letters, digits and "._-/", not beginning or
// ending with "/", and without an empty, "." or ".." part.
func ValidGroup(s string) bool {
	if !nameOf(s, "._-/") {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// LockGroup gives the name of the group whose leadership is the lock of that name. A lock's name is legal
// when this is.
func LockGroup(name string) string { return "lock/" + name }

// ValidMember says whether s may name a member: 1-255 bytes of letters, digits and "._-:/@".
func ValidMember(s string) bool { return nameOf(s, "._-:/@") }

func nameOf(s, marks string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}
