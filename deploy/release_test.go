package deploy

import (
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// released makes a release from a folder of source, and gives its folder and sums.
func released(t *testing.T, source, targets string) (dist, sums string) {
	t.Helper()
	dist = filepath.Join(t.TempDir(), "dist")
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(source, "deploy/release"), dist)
	cmd.Env = append(os.Environ(), "TARGETS="+targets, "BUILD=test-build")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("deploy/release: %v\n%s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return dist, string(text)
}

// copied copies the source to another place.
func copied(t *testing.T) string {
	t.Helper()
	root, to := os.DirFS(".."), t.TempDir()
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != "." && (strings.HasPrefix(d.Name(), ".") || path == "bin" || path == "dist"):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// A release is static, says what it is, and is the same bytes from another folder.
func TestRelease(t *testing.T) {
	own := runtime.GOOS + "/" + runtime.GOARCH
	dist, sums := released(t, "..", own)
	if _, again := released(t, copied(t), own); again != sums || sums == "" {
		t.Errorf("built twice it differs:\n%s%s", sums, again)
	}
	found, err := filepath.Glob(filepath.Join(dist, "caucus-*-"+runtime.GOOS+"-"+runtime.GOARCH))
	if err != nil || len(found) != 1 || !strings.Contains(sums, filepath.Base(found[0])) {
		t.Fatalf("released are %v, %v, with the sums %s", found, err, sums)
	}
	said, err := exec.Command(found[0], "version").Output()
	if err != nil || !strings.Contains(string(said), "(test-build)") {
		t.Errorf("its version is %q, %v", said, err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	binary, err := elf.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: %v", p.Type)
		}
	}
}

// Whoever has a Mac can run it, too.
func TestReleaseForTheMac(t *testing.T) {
	if testing.Short() {
		t.Log("one system is enough for a short test")
		return
	}
	dist, sums := released(t, "..", "darwin/arm64")
	found, err := filepath.Glob(filepath.Join(dist, "caucus-*-darwin-arm64"))
	if err != nil || len(found) != 1 || !strings.Contains(sums, filepath.Base(found[0])+"\n") {
		t.Errorf("released are %v, %v, with the sums %s", found, err, sums)
	}
}
