package provider_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// running is a terraform that applies, and the provider that it started.
type running struct {
	w        *workspace
	cmd      *exec.Cmd
	out      *bytes.Buffer
	provider int
	// ends becomes readable when the provider's process ends.
	ends int
}

// applying starts an apply and returns at the event, when its provider is at work.
func (w *workspace) applying(event <-chan struct{}, more ...string) *running {
	w.t.Helper()
	r := &running{w: w}
	r.cmd, r.out = w.command(w.t.Context(), append([]string{"apply", "-no-color", "-auto-approve", "-input=false"}, more...)...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-event:
	case <-time.After(longest):
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		w.t.Fatalf("the event to wait for never came:\n%s", r.out)
	}
	started := children(w.t, r.cmd.Process.Pid)
	if len(started) != 1 {
		w.t.Fatalf("terraform started the processes %v instead of one provider", started)
	}
	r.provider = started[0]
	var err error
	if r.ends, err = unix.PidfdOpen(r.provider, 0); err != nil {
		w.t.Fatalf("the provider (process %d) cannot be watched: %v", r.provider, err)
	}
	w.t.Cleanup(func() {
		_ = unix.PidfdSendSignal(r.ends, unix.SIGKILL, nil, 0)
		_ = unix.Close(r.ends)
	})
	return r
}

// children are the processes that a process started and that run.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		content, err := os.ReadFile(list)
		if err != nil {
			continue // the thread is gone
		}
		for _, word := range strings.Fields(string(content)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}

// kill ends Terraform without a chance to say anything.
func (r *running) kill() {
	r.w.t.Helper()
	r.signal(r.cmd.Process.Pid, syscall.SIGKILL)
	if err := r.cmd.Wait(); err == nil {
		r.w.t.Fatalf("Terraform was done before it was killed:\n%s", r.out)
	}
}

// signal sends a signal to a process, or with a negative number to its group.
func (r *running) signal(pid int, s syscall.Signal) {
	r.w.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		r.w.t.Fatal(err)
	}
}

// over fails the test unless the provider's process ends.
func (r *running) over() {
	r.w.t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(r.ends), Events: unix.POLLIN}}, int(longest/time.Millisecond))
	for errors.Is(err, unix.EINTR) { // this process gets signals of its own
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(r.ends), Events: unix.POLLIN}}, int(longest/time.Millisecond))
	}
	if err != nil || n != 1 {
		r.w.t.Fatalf("the provider lives on (%v)", err)
	}
}

func TestTheProviderEndsWithATerraformThatIsKilled(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newProcessWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	r := w.applying(seen(fake, "GET /v2/sessions/", 1))
	r.kill()
	r.over()
}

func TestASignalEndsAProviderWhoseTerraformWasKilled(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newProcessWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	r := w.applying(seen(fake, "GET /v2/sessions/", 1))
	r.kill()
	if err := unix.PidfdSendSignal(r.ends, unix.SIGTERM, nil, 0); err != nil {
		t.Fatal(err)
	}
	r.over()
}

func TestASignalToTheProviderMeansNothingWhileTerraformLives(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newProcessWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	r := w.applying(seen(fake, "GET /v2/sessions/", 1))
	asked := seen(fake, "GET /v2/sessions/", 3)
	r.signal(r.provider, syscall.SIGTERM)
	r.signal(r.provider, syscall.SIGINT)
	<-asked
	fake.Release()
	w.finished(r.cmd.Wait(), r.out, nil).exits(t, 0)
	r.over()
	if got := w.attributes("bos_session.boot"); got["status"] != "complete" {
		t.Errorf("the session is %v", got)
	}
}

func TestATerminatedApplySavesItsStateAndTheNextOneGoesOn(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newProcessWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session())
	r := w.applying(seen(fake, "GET /v2/sessions/", 1))
	r.signal(-r.cmd.Process.Pid, syscall.SIGTERM)
	w.finished(r.cmd.Wait(), r.out, nil).says(t, "Stopped waiting")
	r.over()
	fake.Release()
	w.apply().exits(t, 0)
	sessions(t, fake, 1)
}

func TestAnEmbeddedBOSEndsWithAKilledTerraformAndLeavesPortAndDatabaseToTheNext(t *testing.T) {
	t.Parallel()
	room := startRoom(t, 100*time.Millisecond, "http://"+freeAddress(t))
	powered := make(chan struct{})
	go func() {
		defer close(powered)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for resets(room) == 0 && t.Context().Err() == nil {
			<-tick.C
		}
	}()
	w := newProcessWorkspace(t)
	w.write("provider \"bos\" {\n  embedded = {\n    config   = \""+room.settings+"\"\n    database = \""+filepath.Join(filepath.Dir(room.settings), "tf.db")+"\"\n  }\n}\n", template("quiet"), session())
	r := w.applying(powered)
	r.kill()
	r.over()
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["status"] != "complete" || got["failed_count"] != 0.0 {
		t.Errorf("the session of the next apply is %v", got)
	}
}
