package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// withLog are the endings of the files of a database; SQLite gives its log and the
// index of that the permissions of the database.
var withLog = []string{"", "-wal", "-shm"}

// private creates the database as a file of its owner alone, and takes it away from
// all others where an older program left it open to them: it holds BSS tokens. It
// never opens a file that is there: to close it would end SQLite's locks on it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the administrator names the file
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err // of which SQLite would say only that it cannot be opened
	}
	for _, ending := range withLog {
		const others = 0o007
		info, err := os.Stat(path + ending)
		if err != nil || info.Mode().Perm()&others == 0 {
			continue // SQLite says what is wrong with it
		}
		if err := os.Chmod(path+ending, info.Mode().Perm()&^others); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("keep it from other users: %w", err)
		}
	}
	return nil
}

// files are the files of an open database by their paths.
type files map[string]os.FileInfo

func filesOf(path string) files {
	open := make(files)
	for _, ending := range withLog[:2] {
		if info, err := os.Stat(path + ending); err == nil {
			open[path+ending] = info
		}
	}
	return open
}

// same is the error of files that were deleted or replaced: what is written goes
// into files without a name, and is lost when they are closed.
func (f files) same() error {
	for name, before := range f {
		now, err := os.Stat(name)
		if err != nil || !os.SameFile(before, now) {
			return fmt.Errorf("the file %s was deleted or replaced while the database was open, so what is written since is lost; stop the service and restore a backup", name)
		}
	}
	return nil
}
