//go:build unix

package cli

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// steppedClock steps the wall clocks of services, each by so many seconds as its file
// says. They are the program as it is, compiled with a package time of which Now adds
// them: all that asks for the time sees the step, and monotonic time does not, as when the
// clock of a machine is set.
type steppedClock struct {
	files   []string
	seconds []int64
}

// clockFile, in the environment, is where a program with such a clock looks.
const clockFile = "BOS_TEST_CLOCK"

// stepSource is what is added to package time.
const stepSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var stepped = func() *int64 {
	path, ok := syscall.Getenv("` + clockFile + `")
	if !ok {
		return new(int64)
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*int64)(unsafe.Pointer(&page[0]))
}()

func step() int64 { return atomic.LoadInt64(stepped) }
`

// withSteppedClock compiles the program so.
func withSteppedClock(t *testing.T) (program string) {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(folder, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(source), now) != 1 {
		t.Fatal("this Go has another time.Now; look how it reads the clock, and step it there")
	}
	with := strings.Replace(string(source), now, now+"\tsec += step()\n", 1)
	overlay := make(map[string]string)
	for name, text := range map[string]string{"time.go": with, "step.go": stepSource} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(folder, name)] = path
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func onClock(t *testing.T, nodes int) *scene {
	server := aServer(t)
	closes(t, server)
	dsn := server.Schema(t)
	program := withSteppedClock(t)
	clock := &steppedClock{seconds: make([]int64, replicaCount)}
	var env [][]string
	for i := range replicaCount {
		clock.files = append(clock.files, filepath.Join(t.TempDir(), "clock"))
		clock.step(t, i, 0)
		env = append(env, []string{clockFile + "=" + clock.files[i]})
	}
	c := clusterWith(t, nodes, program, env, dsn, dsn, dsn, dsn)
	return &scene{cluster: c, servers: []*postgrestest.Server{server}, clock: clock}
}

// step steps the clock of one service.
func (c *steppedClock) step(t *testing.T, i int, by time.Duration) {
	t.Helper()
	c.seconds[i] += int64(by / time.Second)
	f, err := os.OpenFile(c.files[i], os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is written
	if _, err := f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(c.seconds[i])), 0); err != nil {
		t.Fatal(err)
	}
}

// TestAProgramWithASteppedClockSeesItsStep, while it runs.
func TestAProgramWithASteppedClockSeesItsStep(t *testing.T) {
	if os.Getenv("FAULTS_RUNS") == "" {
		t.Skip("it compiles the program and Go's own packages anew, which make faults-shared does")
	}
	s := onClock(t, 2)
	logged := func() time.Duration {
		name := fmt.Sprintf("/v2/sessiontemplates/%d", time.Now().UnixNano())
		if status := s.askAt(s.services[1].url, "PUT", name, computeTemplate, nil); status != 200 {
			t.Fatalf("answered %d", status)
		}
		events := history(t, s.front.URL())
		return time.Until(events[len(events)-1].Time).Round(time.Hour)
	}
	if got := logged(); got != 0 {
		t.Errorf("at first the clock is %s ahead", got)
	}
	s.clock.step(t, 1, 3*time.Hour)
	if got := logged(); got != 3*time.Hour {
		t.Errorf("after a step of three hours the clock is %s ahead", got)
	}
}
