package machine

import (
	"fmt"

	"github.com/caucus-project/caucus/internal/fields"
)

// SavedGroups gives the bytes of all sessions and groups.
func (s *state) SavedGroups() string {
	var dst []byte
	s.sessions.Scan(func(_ string, found *session) bool {
		dst = saveSession(dst, found)
		return true
	})
	s.groups.Scan(func(_ string, g *group) bool {
		dst = saveGroup(dst, g)
		return true
	})
	return string(dst)
}

// SavedGroups gives the bytes of all sessions and groups in the view.
func (v *View) SavedGroups() string { return v.state.SavedGroups() }

// ReloadGroups replaces all sessions and groups by what is loaded from their own bytes.
func (m *Machine) ReloadGroups() error {
	r := fields.StringReader(m.SavedGroups())
	sessions, groups := m.sessions.Len(), m.groups.Len()
	m.sessions.Clear()
	m.attached.Clear()
	m.groups.Clear()
	for range sessions {
		s := loadSession(&r)
		m.sessions.Set(string(s.id[:]), s)
		m.count(s.node, 1)
	}
	for range groups {
		g := loadGroup(&r)
		m.groups.Set(g.name, g)
	}
	return r.End("groups")
}

// Miscounted names a node whose sessions are not as many as is counted, 0 when all is right.
func (s *state) Miscounted() (node uint64) {
	found := map[uint64]int{}
	s.sessions.Scan(func(_ string, one *session) bool {
		found[one.node]++
		return true
	})
	s.attached.Scan(func(id uint64, n int) bool {
		if found[id] != n {
			node = id
		}
		delete(found, id)
		return true
	})
	for id := range found {
		node = id
	}
	return node
}

// Loaded loads a session and a group from any bytes, and says whether they were whole.
func Loaded(data string) error {
	r := fields.StringReader(data)
	s := loadSession(&r)
	if r.Err() != nil {
		return fmt.Errorf("session: %w", r.Err())
	}
	saveSession(nil, s)
	g := loadGroup(&r)
	if err := r.End("group"); err != nil {
		return err
	}
	saveGroup(nil, g)
	return nil
}

// SavedOne gives the bytes of the first session and the first group.
func (s *state) SavedOne() string {
	_, found, ok := s.sessions.Min()
	_, g, also := s.groups.Min()
	if !ok || !also {
		return ""
	}
	return string(saveGroup(saveSession(nil, found), g))
}
