// Command pictures takes those of the README: of a real reboot of 1,000 nodes of which
// some fail, as the page shows it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/room"
)

const (
	session = "nightly-reboot"
	refuses = "x1000c3s5b0n1"
)

// faults are what goes wrong in the room: resets that are refused, some that never happen,
// and BMCs that do not answer.
const faults = `
- { fault: refuse, form: "400", nodes: "` + refuses + `,x1002c1s2b1n0,x1003c0s6b0n0" }
- { fault: drop, nodes: "x1001c2s[1-2]b1n0,x1002c6s4b0n1" }
- { fault: dead, nodes: "x1003c2s0b0,x1003c2s0b1" }
`

func main() {
	out := flag.String("o", "pictures", "folder of the pictures")
	nodes := flag.Int("nodes", 1000, "nodes of the room")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *nodes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, nodes int) error {
	dir, err := os.MkdirTemp("", "bos-pictures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of temporary files
	script := filepath.Join(dir, "faults.yaml")
	if err := os.WriteFile(script, []byte(faults), 0o600); err != nil {
		return err
	}
	program, err := room.Build(ctx, dir)
	if err != nil {
		return err
	}
	r, err := room.Start(ctx, program, dir, nodes, "--faults", script, "--emulate-boot-time", "40s", "--emulate-power-time", "3s")
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Template(ctx, nodes); err != nil {
		return err
	}
	options := map[string]any{"max_power_off_wait_time": 5, "max_power_on_wait_time": 10, "default_retry_policy": 1}
	if err := r.Ask(ctx, http.MethodPatch, "/v2/options", options, nil); err != nil {
		return err
	}
	chrome, end, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // for the README
		return err
	}
	more := map[string]any{"rollout": map[string]any{"batches": []any{"25%"}, "by": "cabinet", "max_in_flight": "50%", "failure_budget": "10%"}}
	if err := r.Session(ctx, session, "reboot", more); err != nil {
		return err
	}
	return takeAll(ctx, chrome, r, out)
}

// picture is one: where, how large, and after what is seen.
type picture struct {
	name, hash    string
	width, height int
	dark          bool
	after         string
}

const under = `document.querySelector('#live').dataset.live === 'live' && document.querySelector('.figures .value') && Number(document.querySelector('.figures .value').innerText.replace(/\D/g, '')) >= 300 && document.querySelectorAll('.causes .cause').length > 1`

func takeAll(ctx context.Context, chrome *browser.Browser, r *room.Room, out string) error {
	for _, p := range []picture{
		{"session-light", "#/sessions/" + session, 1440, 1000, false, under},
		{"map-dark", "#/map", 1440, 760, true, `document.querySelectorAll('table.nodes tbody tr').length > 10`},
		{"session-dark", "#/sessions/" + session, 1440, 1000, true, under},
		{"phone", "#/sessions/" + session, 390, 844, true, under},
		{"wall", "#/sessions/" + session + "?full=1", 2560, 1440, true, under},
		{"sessions-light", "#/sessions", 1440, 420, false, `document.querySelector('table.sessions tbody tr')`},
		{"node-light", "#/nodes/" + refuses + "?session=" + session, 1440, 760, false, `document.querySelectorAll('.timeline li').length > 2`},
	} {
		if err := take(ctx, chrome, r, out, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func take(ctx context.Context, chrome *browser.Browser, r *room.Room, out string, p picture) error {
	tab, closeIt, err := chrome.Open(p.width, p.height, p.dark)
	if err != nil {
		return err
	}
	defer closeIt()
	if err := tab.Go(r.URL + "/ui/" + p.hash); err != nil {
		return err
	}
	if err := tab.SignIn(ctx, r.Admin); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := tab.Until(patient, p.after); err != nil {
		return err
	}
	if err := tab.Eval(`document.activeElement.blur(); new Promise((d) => setTimeout(d, 600))`, nil); err != nil {
		return err
	}
	png, err := tab.Picture()
	if err != nil {
		return err
	}
	path := filepath.Join(out, p.name+".png")
	fmt.Println(path, len(png)/1024, "KiB")
	return os.WriteFile(path, png, 0o644) //nolint:gosec // for the README
}
