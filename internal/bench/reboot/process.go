package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTime is how long a process has to end by itself.
const stopTime = 20 * time.Second

// process is one face of the program, running.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	said  *tail
}

// launch starts the program and waits until it prints a line that begins so;
// it returns the rest of that line.
func launch(ctx context.Context, f flags, name, ready string, args ...string) (p *process, rest string, err error) {
	p = &process{cmd: exec.CommandContext(ctx, f.binary, args...), ended: make(chan struct{}), said: &tail{}} //nolint:gosec // whoever runs the benchmark names the program
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.cmd.Stderr = p.said
	if f.logs != "" {
		log, err := os.Create(filepath.Join(f.logs, name+".log")) //nolint:gosec // whoever runs the benchmark names the folder
		if err != nil {
			return nil, "", err
		}
		p.cmd.Stderr = io.MultiWriter(p.said, log)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), ready); ok {
				found <- rest
			}
		}
		_ = p.cmd.Wait() // how it ended shows in what it said
		close(p.ended)
	}()
	select {
	case rest := <-found:
		return p, rest, nil
	case <-p.ended:
		return nil, "", fmt.Errorf("%s did not start: %s", name, p.lastWords())
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	patience := time.NewTimer(stopTime)
	defer patience.Stop()
	select {
	case <-p.ended:
	case <-patience.C:
		_ = p.cmd.Process.Kill() // likewise
		<-p.ended
	}
}

func (p *process) lastWords() string { return p.said.String() }

// ticksPerSecond is the unit of /proc on Linux, whatever the kernel's own.
const ticksPerSecond = 100

// cpu is the processor time used so far; 0 where the system does not say.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The fields are counted from behind the name, which may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// peakMemory is the most that was ever resident, in bytes.
func (p *process) peakMemory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10, nil
		}
	}
	return 0, errors.New("the system does not say how much memory a process had")
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // it is given back at once
	return l.Addr().String(), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 4096
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
