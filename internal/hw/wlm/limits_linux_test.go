package wlm

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestAProgramThatWritesWithoutEndIsKeptUpToALimit(t *testing.T) {
	run, _ := program(t, "chatty", "head -c "+strconv.Itoa(maxOutput+(8<<20))+" /dev/zero\n")
	out, err := run.Run(t.Context(), "", "chatty")
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%d bytes are kept of a program that writes more than %d: %v", len(out), maxOutput, err)
	}
}

// TestWhatAProgramHasStartedEndsWithIt: a check that hangs is mostly a script of which
// something else hangs, once more with each question.
func TestWhatAProgramHasStartedEndsWithIt(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	run, _ := program(t, "hangs", "( echo started; sleep 20; echo went on ) >"+pipe+" 2>&1 &\nwait\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := run.Run(ctx, "", "hangs")
		ended <- err
	}()
	file, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	said := bufio.NewReader(file)
	if text, err := said.ReadString('\n'); err != nil || text != "started\n" {
		t.Fatalf("%q, %v", text, err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a program that was stopped has ended well")
	}
	if rest, err := io.ReadAll(said); err != nil || len(rest) > 0 { // until nobody has the pipe any more
		t.Errorf("what it has started says %q, %v", rest, err)
	}
}

func TestAHostlistOfTooMuchIsRefusedBeforeItIsWritten(t *testing.T) {
	for _, list := range []string{
		"n[0-9223372036854775807]",
		"n[" + strings.Repeat("0", 1000) + "1-9]",
		strings.Repeat("n[1]", 5000),
		"n[1-1000][1-1000]",
		strings.Repeat("n[1-60000],", 40),
	} {
		if names, err := ExpandHostlist(list); err == nil {
			t.Errorf("%.60q stands for %d names", list, len(names))
		}
	}
}

// TestANodeThatSomebodyHasTakenDownInSlurmIsDrainedBySomebodyElse: DOWN and FAIL with a
// reason keep jobs away because somebody wants that, as DRAIN does, and RESUME ends all
// three.
func TestANodeThatSomebodyHasTakenDownInSlurmIsDrainedBySomebodyElse(t *testing.T) {
	for state, want := range map[string]bool{
		"DOWN   Reason=bad DIMM [alice@2026-11-29T13:39:43]":                          true,
		"DOWN*   Reason=bad DIMM [alice@2026-11-29T13:39:43]":                         true,
		"IDLE+FAIL   Reason=bad DIMM [alice@2026-11-29T13:39:43]":                     true,
		"FAIL   Reason=bad DIMM [alice@2026-11-29T13:39:43]":                          true,
		"DOWN*   Reason=Not responding [slurm@2026-11-29T13:39:43]":                   false,
		"DOWN   Reason=Node unexpectedly rebooted [slurm@2026-11-29T13:39:43]":        false,
		"DOWN   Reason=bos:s drained to be rebooted [root@2026-11-29T13:39:43]":       false,
		"IDLE   Reason=bad DIMM, looked at already [alice@2026-11-29T13:39:43]":       false,
		"DOWN+DRAIN   Reason=bos:s drained to be rebooted [root@2026-11-29T13:39:43]": true,
	} {
		word, rest, _ := strings.Cut(state, " ")
		if n := slurmNode(line("n1", "0", word, rest)); n.Drained != want || n.Unsure {
			t.Errorf("%s is read as %+v", state, n)
		}
	}
}
