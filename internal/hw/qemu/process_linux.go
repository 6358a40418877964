package qemu

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends a machine also if the room is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
