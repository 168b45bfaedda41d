package datadir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// Place is where a node was at one of its starts. Addresses are host:port, empty for a door that is closed.
type Place struct {
	ID     uint64 `json:"id"`    // raft id
	Boots  uint64 `json:"boots"` // which start it was
	Boot   string `json:"boot"`  // the id of that start
	Client string `json:"client"`
	Peer   string `json:"peer"`
	HTTP   string `json:"http"`
}

// book is the file of all places that a node has heard of (SAFETY B19).
type book struct {
	Format      int     `json:"format"`
	Incarnation string  `json:"incarnation"` // of the directory that it belongs to
	Places      []Place `json:"places"`      // by id
	Check       string  `json:"check"`       // CRC32C of the above
}

func (b *book) sum() string {
	s := fmt.Sprintf("%d %s %+v", b.Format, b.Incarnation, b.Places)
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(s), castagnoli))
}

// ReadBook reads the address book of a directory, empty when there is none. The errors name the file.
func ReadBook(fsys vfs.FS, dir string, id Identity) ([]Place, error) {
	path := filepath.Join(dir, "book")
	text, err := sealed.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var b book
	switch err := json.Unmarshal(text, &b); {
	case err != nil:
		return nil, sealed.Damaged(path, -1, "not readable as JSON (%v)", err)
	case b.Format > sealed.Format:
		return nil, sealed.Newer(path, b.Format)
	case b.Format < 1 || b.Check != b.sum():
		return nil, sealed.Damaged(path, -1, "its checksum is wrong")
	case b.Incarnation != id.Incarnation:
		return nil, fmt.Errorf("%s: %w: it belongs to another data directory", path, sealed.ErrForeign)
	}
	return b.Places, nil
}

// WriteBook replaces the address book, atomically and durably.
func WriteBook(fsys vfs.FS, dir string, id Identity, places []Place) error {
	b := book{Format: sealed.Format, Incarnation: id.Incarnation, Places: slices.Clone(places)}
	slices.SortFunc(b.Places, func(a, b Place) int { return cmp.Compare(a.ID, b.ID) })
	b.Check = b.sum()
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return sealed.WriteFile(fsys, filepath.Join(dir, "book"), append(text, '\n'), 0)
}
