package wlm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Limits on a command.
const (
	DefaultTimeout = 30 * time.Second
	maxOutput      = 64 << 20
	maxWords       = 500
	// killDelay is how long the pipes of a command that was killed are waited for.
	killDelay = 2 * time.Second
)

// Runner runs programs, one at a time: a manager is one service.
type Runner struct {
	// Folder is where the programs are; empty is by PATH.
	Folder string
	// Environment is added to PATH and HOME, which is all that a program gets.
	Environment []string
	Timeout     time.Duration
	turn        atomic.Pointer[chan struct{}]
}

// lock waits for the turn, and returns what gives it back.
func (r *Runner) lock(ctx context.Context) (func(), error) {
	turn := r.turn.Load()
	for turn == nil {
		made := make(chan struct{}, 1)
		r.turn.CompareAndSwap(nil, &made)
		turn = r.turn.Load()
	}
	select {
	case *turn <- struct{}{}:
		return func() { <-*turn }, nil
	case <-ctx.Done():
		return nil, errors.New("its turn did not come in time, as commands before it take long")
	}
}

// Run runs a program with its input and returns what it writes; the error has the words
// that it writes beside.
func (r *Runner) Run(ctx context.Context, input, program string, args ...string) (string, error) {
	done, err := r.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	defer done()
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	path := program
	if r.Folder != "" {
		path = r.Folder + "/" + program
	}
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the administrator names the program, and no shell reads its arguments
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LC_ALL=C"}, r.Environment...)
	cmd.Stdin, cmd.WaitDelay = strings.NewReader(input), killDelay
	stopWithChildren(cmd)
	var out, words capped
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return out.String(), fmt.Errorf("%s has not ended in %s%s", program, timeout, said(words.String()))
	case err != nil:
		return out.String(), fmt.Errorf("%s: %w%s", program, err, said(words.String()))
	case out.over:
		return "", fmt.Errorf("%s has written more than %d bytes", program, maxOutput)
	}
	return out.String(), nil
}

// said are the words of a program, on one line.
func said(words string) string {
	words = bos.Unstopped(strings.Join(strings.Fields(words), " "))
	if words == "" {
		return ""
	}
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "..."
	}
	return ": " + words
}

// capped keeps what is written, up to maxOutput. The buffer is a field, as one that is
// embedded is filled past Write, by its ReadFrom.
type capped struct {
	kept bytes.Buffer
	over bool
}

func (c *capped) String() string { return c.kept.String() }

// Write keeps what there is room for, and never fails: the program is to go on.
func (c *capped) Write(p []byte) (int, error) {
	if room := maxOutput - c.kept.Len(); len(p) > room {
		c.over = true
		c.kept.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return c.kept.Write(p)
}
