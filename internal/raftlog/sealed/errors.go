package sealed

import (
	"errors"
	"fmt"
)

// Reasons not to touch a file, apart from damage.
var (
	ErrForeign = errors.New("not a data directory of this node")
	ErrNewer   = errors.New("written by a newer version")
)

// An older copy of the directory has forgotten what it promised (SAFETY B19), so that is no advice.
const rejoin = "move the directory aside and start the node with the same line and --join: it comes back " +
	"as a learner and takes its old place; when it was the only node, caucus restore makes a new ensemble " +
	"of a backup; do not cut the file"

// DamageError says that stored bytes are not what was written.
type DamageError struct {
	File   string
	Offset int64 // where it begins; -1 if it is the whole file or directory
	Reason string
	Advice string
}

func (e *DamageError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s is damaged: %s; %s", e.File, e.Reason, e.Advice)
	}
	return fmt.Sprintf("%s is damaged at byte %d: %s; %s", e.File, e.Offset, e.Reason, e.Advice)
}

// Damaged makes a DamageError with the advice that fits all of them.
func Damaged(file string, offset int64, format string, args ...any) error {
	return &DamageError{File: file, Offset: offset, Reason: fmt.Sprintf(format, args...), Advice: rejoin}
}

// Newer makes the error for a format that is not known yet.
func Newer(path string, found int) error {
	return fmt.Errorf("%s: %w (format %d, this one knows %d); start the newer version",
		path, ErrNewer, found, Format)
}
