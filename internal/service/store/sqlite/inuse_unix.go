//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// inUse is the error of a database that a process of this machine has open, also where
// it is damaged or was deleted: SQLite keeps locks on its files all the time. Called by
// a process that has it open itself, it would end those.
func inUse(path string) error {
	for _, ending := range []string{"", "-shm"} {
		f, err := os.Open(path + ending) //nolint:gosec // the administrator names the file
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look at who has database %s: %w", path, err)
		}
		lock := syscall.Flock_t{Type: syscall.F_WRLCK} // of all of it
		err = syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock)
		_ = f.Close() // it was only looked at
		if err != nil {
			return fmt.Errorf("look at who has database %s: %w", path, err)
		}
		if lock.Type != syscall.F_UNLCK {
			return &tables.TroubleError{Kind: tables.InUse, Err: fmt.Errorf("database %s is in use by process %d; stop that service first", path, lock.Pid)}
		}
	}
	return nil
}
