package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// asCommand makes the test binary be the command, in a process of its own.
const asCommand = "BOS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(runTests(m))
	}
	signal.Ignore(unlimited...)
	err := error(nil)
	if socket := os.Getenv(asVitals); socket != "" {
		err = tellVitals(socket)
	}
	if err == nil {
		err = Command("0.0.0")
	}
	status, said := Status(err)
	if !said {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// runTests keeps the tokens that services leave for this machine in a folder of the tests.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bos")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of temporary files
	if err := os.Setenv("XDG_RUNTIME_DIR", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return postgrestest.Main(m)
}

// unlimited are signals of limits of a process, which the tests set: what is refused is to
// be an error of a write, as on a disk that fails.
var unlimited = []os.Signal{syscall.Signal(25)} // SIGXFSZ

// process is a service that can be killed.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	// program is empty for this one.
	program  string
	args     []string
	env      []string
	url      string
	database string
	// dir is the folder that it works in, that of the test if it is empty.
	dir string
	// log is what it says on its standard error.
	log logLines
	// vitals is the socket at which it says what it holds, where it does.
	vitals string
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.CommandContext(p.t.Context(), cmp.Or(p.program, os.Args[0]), p.args...)
	p.cmd.Env = append(append(os.Environ(), asCommand+"=1"), p.env...)
	p.cmd.Stderr, p.cmd.Dir = &p.log, p.dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = p.cmd.Wait() // so that all that it says is there
		p.t.Fatalf("%s ended: %s", p.args[0], p.log.all())
	}
	_, url, _ := strings.Cut(line, " at ")
	p.url = strings.TrimSpace(url)
}

// kill is kill -9: nothing is closed, recorded or said.
func (p *process) kill() {
	p.t.Helper()
	if p.cmd.ProcessState != nil {
		return // it has ended
	}
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}

// resets counts the resets that changed something, of all nodes together.
func resets(room *machineroom.Room) int {
	total := 0
	for _, n := range room.Inventory().Nodes {
		total += len(room.Resets(n.ID))
	}
	return total
}

// TestKillingTheServiceLosesNothingAndResetsNoNodeTwice kills the process at
// random moments of a reboot; CRASH_NODES and CRASH_KILLS make it larger.
func TestKillingTheServiceLosesNothingAndResetsNoNodeTwice(t *testing.T) {
	t.Parallel()
	nodes, kills := setting(t, "CRASH_NODES", 40), setting(t, "CRASH_KILLS", 4)
	room, service := site(t, nodes)
	booted(t, room, service)
	author := writes(t, service.url)
	for _, moment := range moments(nodes, kills) {
		after(room, nodes+moment)
		service.kill()
		service.start()
		author.url.Store(service.url)
		room.SetBOS(service.url)
	}
	rebooted(t, complete(t, service.url, "reboot"), room.Room(), 1)
	ordered(t, service.url, room.Room())
	author.kept(t, service.url)
}

// moments are the counts of resets at which to kill, of the two per node that a
// reboot takes; another run draws others.
func moments(nodes, kills int) []int {
	at := make([]int, kills)
	for i := range at {
		at[i] = rand.IntN(2 * nodes)
	}
	slices.Sort(at)
	return at
}

// discovered waits until BOS has a record of every node.
func discovered(t *testing.T, url string, nodes int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var components []bos.Component
		call(t, http.MethodGet, url+"/v2/components", nil, &components)
		if len(components) == nodes {
			return
		}
	}
}
