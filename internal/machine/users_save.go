package machine

import (
	"errors"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/users"
)

// saveUsers writes a row for each user: name and rules.
func saveUsers(w *saver, s *state) {
	for _, u := range s.users.Listed() {
		rules := u.Rules()
		row := fields.Uvarint(fields.String(w.head, u.Name), uint64(len(rules)))
		for _, rule := range rules {
			row = fields.String(row, rule)
		}
		w.row(row, "")
	}
}

func loadUser(r *fields.Reader, s *state) error {
	name := strings.Clone(r.String())
	rules := make([]string, r.Count(1))
	for i := range rules {
		rules[i] = strings.Clone(r.String())
	}
	if r.Err() != nil {
		return nil // which is told by who reads
	}
	if err := users.ValidName(name); err != nil {
		return err
	}
	u, err := users.New(name).With(rules)
	if err != nil {
		return err
	}
	before := s.users.Listed()
	if !slices.Equal(u.Rules(), rules) || len(before) > 0 && before[len(before)-1].Name >= name {
		return errors.New("a user, or his rules, are not in order")
	}
	if s.users, err = s.users.With(u); err != nil {
		return err
	}
	return nil
}
