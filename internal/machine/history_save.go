package machine

import (
	"errors"
	"fmt"

	"github.com/caucus-project/caucus/internal/fields"
)

func saveHistory(w *saver, s *state) {
	s.history.visit(s.history.floor, func(c keyChange, key []byte) bool {
		w.row(append(fields.Uvarint(append(w.head, byte(c.word)), c.revision), key...), "")
		return w.err == nil
	})
}

func loadChange(r *fields.Reader, s *state) error {
	c := keyChange{word: word(r.Byte()), revision: r.Uvarint()}
	c.key = r.Take(r.Len())
	h := &s.history
	kept, least := h.floor, max(h.floor, h.newest()+1)
	switch {
	case r.Err() != nil:
		return nil
	case c.word.String() == "":
		return fmt.Errorf("a key was changed in a way %d, which this version does not know; "+
			"start the version that wrote it, or a newer one", c.word)
	case c.revision < least || c.revision > s.counter:
		return fmt.Errorf("a change has the revision %d, which should be from %d to %d",
			c.revision, least, s.counter)
	}
	h.note(c)
	if h.floor > kept {
		return errors.New("there are more changes than are kept")
	}
	return nil
}
