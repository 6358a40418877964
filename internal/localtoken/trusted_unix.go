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
