package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
)

// asCommand makes the test binary be the command, in a process of its own.
const asCommand = "BOS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	if err := Run(context.Background(), "0.0.0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process is a service that can be killed.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	args []string
	url  string
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.CommandContext(p.t.Context(), os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stderr = io.Discard
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.t.Fatalf("serve said nothing: %v", err)
	}
	p.url = strings.TrimSpace(strings.TrimPrefix(line, "BOS is ready at "))
}

// kill is kill -9: nothing is closed, recorded or said.
func (p *process) kill() {
	p.t.Helper()
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
func resets(room *emulator.Room) int {
	total := 0
	for _, n := range room.Inventory().Nodes {
		total += len(room.Resets(n.ID))
	}
	return total
}

// TestKillingTheServiceLosesNothingAndResetsNoNodeTwice kills the process at
// random moments of a reboot; CRASH_NODES and CRASH_KILLS make it larger.
func TestKillingTheServiceLosesNothingAndResetsNoNodeTwice(t *testing.T) {
	nodes, kills := setting(t, "CRASH_NODES", 40), setting(t, "CRASH_KILLS", 4)
	room, service := site(t, nodes)
	session := func(op string) {
		body := map[string]any{"name": op, "template_name": "compute", "operation": op}
		if status := call(t, http.MethodPost, service.url+"/v2/sessions", body, nil); status != http.StatusCreated {
			t.Fatalf("POST %s answered %d", op, status)
		}
	}
	session("boot")
	complete(t, service.url, "boot")
	if got := resets(room.Room()); got != nodes {
		t.Fatalf("%d resets to boot %d nodes", got, nodes)
	}

	session("reboot")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, moment := range moments(nodes, kills) {
		for resets(room.Room()) < nodes+moment {
			<-tick.C
		}
		service.kill()
		service.start()
		room.SetBOS(service.url)
	}
	if s := complete(t, service.url, "reboot"); s.PercentSuccessful != 100 || s.ManagedComponentsCount != nodes {
		t.Errorf("%+v, want all %d successful", s, nodes)
	}
	for _, n := range room.Room().Inventory().Nodes {
		var kinds []string
		for _, r := range room.Room().Resets(n.ID) {
			kinds = append(kinds, r.Type)
		}
		if len(kinds) != 3 || kinds[2] != emulator.ResetOn {
			t.Errorf("%s was reset by %v; want On, one power-off and On", n.ID, kinds)
		}
	}
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
