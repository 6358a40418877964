//go:build !unix

package wlm

import "os/exec"

// stopWithChildren has a program alone killed where its time is over: there are no groups
// of processes here.
func stopWithChildren(*exec.Cmd) {}
