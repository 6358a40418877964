package provider_test

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// program builds the binary of the project once for all tests.
var program = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../bin/bundled.test")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out), err}
	}
	return path, nil
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return "build the program: " + e.err.Error() + "\n" + e.out }

// serve runs the bundled service over the emulated site of testdata/site, or
// with other arguments, until the test ends, and returns its URL.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if len(args) == 0 {
		args = []string{"--hsm-dump", "testdata/site", "--emulate-boot-time", "50ms", "--emulate-power-time", "50ms", "--state-dir", t.TempDir()}
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	// The context of a test ends before its cleanup; let the service close.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	line, err := reader.ReadString('\n')
	t.Cleanup(func() {
		_, _ = io.Copy(io.Discard, reader)
		_ = cmd.Wait() // it was told to end
	})
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "BOS is ready at ")
	if err != nil || !ready {
		t.Fatalf("serve said %q (%v)", line, err)
	}
	return url
}
