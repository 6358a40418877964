//go:build unix

package wlm

import (
	"os/exec"
	"syscall"
)

// stopWithChildren has what a program has started killed with it, where its time is over.
func stopWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
