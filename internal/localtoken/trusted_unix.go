//go:build unix

package localtoken

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// others may write to a file or folder with one of these.
const others = 0o022

// trusted is nil if a file is a plain one of this user, of root, or of the user of a
// service whose folder root made, and nobody else can write it.
func trusted(path string, info fs.FileInfo) error {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no plain file", path)
	}
	if info.Mode()&others != 0 {
		return fmt.Errorf("%s can be written by others", path)
	}
	uid := int(owner.Uid)
	if uid != os.Getuid() && uid != 0 && filepath.Dir(path) != system {
		return fmt.Errorf("%s is another user's", path)
	}
	return nil
}

// ownFolder is nil if a folder is this user's or root's, and nobody else can write it:
// whoever made one may have what is made in it be of their own group, and replace it.
func ownFolder(dir string) error {
	info, err := os.Lstat(dir) //nolint:gosec // the folder is named by the environment of this user
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case int(owner.Uid) != os.Getuid() && owner.Uid != 0:
		return fmt.Errorf("%s is another user's folder", dir)
	case info.Mode()&others != 0:
		return fmt.Errorf("%s can be written by others; chmod go-w it", dir)
	}
	return nil
}

// openPlain opens a file for reading; a pipe or a link in its place holds up nobody, and
// leads nowhere.
func openPlain(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) //nolint:gosec // in one of the folders of this user
}
