//go:build unix

package localtoken

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestATokenIsLeftInNoFolderThatOthersMayWrite(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o770, os.ModeSetgid | 0o775} {
		dir := filepath.Join(t.TempDir(), "bos")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		t.Setenv("RUNTIME_DIRECTORY", dir)
		if path, err := Leave("127.0.0.1:8770", New()); err == nil {
			t.Errorf("with mode %s it is left in %s", mode, path)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("with mode %s %v is left, %v", mode, left, err)
		}
	}
}

func TestTheGroupReadsATokenOnlyInTheFolderOfAService(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	for service, want := range map[string]os.FileMode{"": 0o600, dir: 0o640} {
		t.Setenv("RUNTIME_DIRECTORY", service)
		path, err := Leave("127.0.0.1:8770", New())
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("of %q: %v, %v", service, info, err)
		}
	}
}

func TestOnlyAFolderOfOnesOwnIsTaken(t *testing.T) {
	dir := t.TempDir()
	own, open, link, file := filepath.Join(dir, "own"), filepath.Join(dir, "open"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	for _, err := range []error{os.Mkdir(own, 0o700), os.Mkdir(open, 0o700), os.Chmod(open, 0o2777), os.Symlink(own, link), os.WriteFile(file, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{own: true, open: false, link: false, file: false, filepath.Join(dir, "none"): false} {
		if err := ownFolder(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if os.Getuid() == 0 {
		if err := os.Chown(own, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if ownFolder(own) == nil {
			t.Error("a folder of another user is taken")
		}
	}
}

func TestAPipeOrALinkInPlaceOfATokenHoldsUpNobody(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	t.Setenv("RUNTIME_DIRECTORY", "")
	path, err := Leave("127.0.0.1:1", New())
	if err != nil {
		t.Fatal(err)
	}
	moved := path + ".moved"
	for _, err := range []error{os.Rename(path, moved), os.Symlink(moved, path)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := Find("http://127.0.0.1:1"); got != "" {
		t.Errorf("a link has %q", got)
	}
	for _, err := range []error{os.Remove(path), syscall.Mkfifo(path, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := Find("http://127.0.0.1:1"); got != "" {
		t.Errorf("a pipe has %q", got)
	}
}
