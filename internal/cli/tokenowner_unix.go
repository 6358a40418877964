//go:build unix

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// giveToService gives a file that is about to be at a path to who shall have it. alone
// reports whether root made it and nobody else may read it.
func giveToService(f *os.File, path string) (alone bool, err error) {
	folder, err := ownerOf(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	before, _ := ownerOf(path)
	root := os.Geteuid() == 0
	whose, known := ownerOfTokens(before, *folder, root)
	if !known {
		return root, nil
	}
	// Who may not give files away keeps those that are theirs already.
	if own, err := ownerOf(f.Name()); err != nil || mustGive(*own, whose) {
		if err := f.Chown(whose.user, whose.group); err != nil {
			return false, fmt.Errorf("%s has to stay readable for user %d and group %d, and only root may give it to them; nothing was changed: run this as root, or as that user: %w", path, whose.user, whose.group, err)
		}
	}
	return root && whose.user == 0 && whose.mode&0o044 == 0, f.Chmod(whose.mode)
}

func ownerOf(path string) (*owner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &owner{mode: info.Mode().Perm()}, nil
	}
	return &owner{int(stat.Uid), int(stat.Gid), info.Mode().Perm()}, nil
}
