//go:build unix

package emulator

import "syscall"

// openFiles is how many files this process may have open; ok is false where
// the system does not tell.
func openFiles() (limit uint64, ok bool) {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, false
	}
	return uint64(l.Cur), true //nolint:unconvert // its type differs between systems
}
