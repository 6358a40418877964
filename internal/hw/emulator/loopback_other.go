//go:build !linux

package emulator

import "syscall"

// onLoopbackOnly does nothing: without Linux each BMC has a port of its own on one
// loopback address.
func onLoopbackOnly(_, _ string, _ syscall.RawConn) error { return nil }
