package waist

import "github.com/caucus-project/caucus"

// PrivateChannels begins the names of channels that one member alone may read (caucus.MemberChannel). Group
// names hold no ":", so the first one after it divides group and member (SAFETY B17).
const PrivateChannels = "caucus:m:"

// TrackChannels begins the names of channels on which a node's feed tells those who cache what they have read
// that a key has changed: the key follows. TrackAll is that of all keys at once. No client can name them, and
// only patterns that begin so match them.
const (
	TrackChannels = "caucus:t:"
	TrackAll      = "caucus:t"
)

// FeedMark stands, in what a node's feed calls such a channel, behind its name and before what binds it
// to the session. No client can say it there.
const FeedMark = "\x00"

// ErrSlow is what a subscription ends with when its reader did not keep up with its backlog.
var ErrSlow = &caucus.Error{
	Word:    "ERR",
	Message: "subscriber fell too far behind and was cut off; subscribe again and read what was missed",
}
