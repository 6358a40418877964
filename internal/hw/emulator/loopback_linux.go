package emulator

import "syscall"

// onLoopbackOnly has a listener of all addresses hear what comes over loopback alone: no
// other machine finds the port open. Where the kernel does not let it, who comes from
// elsewhere is closed after accept.
func onLoopbackOnly(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.BindToDevice(int(fd), "lo") // see above
	})
}
