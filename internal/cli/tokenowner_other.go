//go:build !unix

package cli

import "os"

// giveToService leaves a file as it was: files have no owners here as they have on Unix.
func giveToService(f *os.File, path string) (alone bool, err error) {
	if info, missing := os.Stat(path); missing == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	return false, err
}
