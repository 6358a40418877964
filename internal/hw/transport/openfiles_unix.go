//go:build unix

package transport

import "syscall"

// openFiles is how many files this process may have open.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return max(uint64(limit.Cur), 16) //nolint:unconvert // it is signed on some systems
}
