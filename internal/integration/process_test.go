//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

// patience bounds each wait. All here takes seconds, but for virtual machines on a busy
// host without virtualization.
const patience = 4 * time.Minute

// parts is the folder with the programs.
func parts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("BOS_REAL_PARTS")
	if dir == "" {
		t.Skip("BOS_REAL_PARTS does not name a folder with the third-party programs; make integration builds them")
	}
	return dir
}

// process is a program that runs until the test ends.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it has ended
	err   error         // how, once it has
}

// launch starts a program with its output in a file, which is shown if the test
// fails. It is asked to end with the test, and killed if it does not.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: filepath.Base(cmd.Path), cmd: cmd, ended: make(chan struct{})}
	out, err := os.CreateTemp(t.TempDir(), p.name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p.log = out.Name()
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() {
		p.err = cmd.Wait()
		_ = out.Close()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("the last that %s said:\n%s", p.name, tail(p.log))
		}
	})
	return p
}

// stop asks the process to end and waits for it.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		t.Errorf("%s did not end when it was asked to", p.name)
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	}
}

// run runs a program to its end.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	dieWithParent(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, out)
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

// await asks until done is true, or fails with what it last said.
func await(t *testing.T, what string, done func() (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, said := done()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s; %s", what, patience, said)
		case <-tick.C:
		}
	}
}

// command is a program that launch or run starts.
func command(path string, args ...string) *exec.Cmd {
	// No context, which would kill: launch asks it to end.
	return exec.Command(path, args...)
}

// freePort is a port that nobody on 127.0.0.1 has.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// ask sends one request, with a JSON body unless it is empty, and returns the
// status and the answer.
func ask(ctx context.Context, method, url, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := localtoken.Find(url); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// must is ask where anything but success ends the test.
func must(t *testing.T, method, url, body string) []byte {
	t.Helper()
	status, answer, err := ask(t.Context(), method, url, body)
	if err != nil || status < 200 || status > 299 {
		t.Fatalf("%s %s answered %d %s, %v", method, url, status, bytes.TrimSpace(answer), err)
	}
	return answer
}

// ready waits until url answers 200.
func (p *process) ready(t *testing.T, url string) {
	t.Helper()
	await(t, p.name+" is ready", func() (bool, string) {
		select {
		case <-p.ended:
			t.Fatalf("%s ended: %v", p.name, p.err)
		default:
		}
		status, answer, err := ask(t.Context(), http.MethodGet, url, "")
		return status == http.StatusOK, fmt.Sprintf("%s answered %d %s, %v", url, status, bytes.TrimSpace(answer), err)
	})
}
