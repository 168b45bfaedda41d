//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A password, or the key of a certificate, that others may read is warned of at the start.
func TestExposedSecretsAreWarnedOf(t *testing.T) {
	var said bytes.Buffer
	for mode, warned := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true,
	} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte("secret\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"--password-file", "--tls-key"} {
			said.Reset()
			warnExposed(slog.New(slog.NewTextHandler(&said, nil)), map[string]string{flag: file, "--other": ""})
			got := strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), flag)
			if got != warned {
				t.Errorf("of %s with mode %o it says %q", flag, mode, said.String())
			}
		}
	}
}
