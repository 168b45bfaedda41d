package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"sync"
)

//go:embed web
var web embed.FS

// Page is the path of the page itself; Root begins the paths of what it loads.
const (
	Page = "/"
	Root = "/ui/"
)

// File is a file of the dashboard. It never changes, and nobody may change its bytes.
type File struct {
	Type   string // as Content-Type says it
	Tag    string // an opaque tag of the content, without quotes
	Plain  []byte
	Zipped []byte // the same by gzip
}

// Find gives the file at a path, nil when there is none.
func Find(at string) *File {
	all, err := files()
	if err != nil {
		return nil // the binary itself is broken, which no test of it would have let pass
	}
	return all[at]
}

// files reads all files, once.
var files = sync.OnceValues(func() (map[string]*File, error) {
	all := map[string]*File{}
	return all, fs.WalkDir(web, "web", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		at := Root + path.Base(name)
		if path.Base(name) == "index.html" {
			at = Page
		}
		all[at], err = read(name)
		return err
	})
})

// types are those of the files that there are.
var types = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func read(name string) (*File, error) {
	content, err := web.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	return &File{Type: types[path.Ext(name)], Tag: hex.EncodeToString(sum[:12]), Plain: content,
		Zipped: zipped.Bytes()}, nil
}
