//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// beside runs a command in a process of its own, as somebody beside a service does.
func beside(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	out, err := c.CombinedOutput()
	return string(out), err
}

// acknowledged writes templates from several clients at once, and returns those that
// were acknowledged.
func acknowledged(t *testing.T, url, prefix string) []string {
	t.Helper()
	const clients, each = 8, 5
	var mu sync.Mutex
	var names []string
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := range each {
				if name := fmt.Sprintf("%s-%d-%d", prefix, c, n); put(t.Context(), url, name) {
					mu.Lock()
					names = append(names, name)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if len(names) == 0 {
		t.Fatal("no write was acknowledged")
	}
	return names
}

// TestABackupHasWhatWasAcknowledgedAndItsRestoreSendsNothingUntilItIsResumed backs a
// service up beside its writers, with nodes in work, and goes on from the backup.
func TestABackupHasWhatWasAcknowledgedAndItsRestoreSendsNothingUntilItIsResumed(t *testing.T) {
	t.Parallel()
	room, service := site(t, 4)
	session(t, service, "boot", "boot")
	complete(t, service.url, "boot")
	// They stay on, so that they are in work as long as it takes.
	rule := fault.Rule{Name: "stuck", Fault: fault.Drop, Resets: "off"}
	if err := room.Room().AddFaults(time.Now(), rule); err != nil {
		t.Fatal(err)
	}
	session(t, service, "reboot", "reboot")
	for tick := time.NewTicker(20 * time.Millisecond); acts(t, service.url) < 2*4; {
		<-tick.C
	}

	ordered := acts(t, service.url)
	author := writes(t, service.url)
	backup := filepath.Join(t.TempDir(), "backup")
	var before []string
	for i := range 3 {
		before = append(before, acknowledged(t, service.url, fmt.Sprintf("before-%d", i))...)
		if out, err := beside(t, "backup", "-o", backup, "--database", service.database, "--replace"); err != nil || !strings.Contains(out, "is whole") {
			t.Fatalf("%s: %v", out, err)
		}
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has %v, %v", info.Mode(), err)
	}
	author.kept(t, service.url)
	restore := []string{"restore", backup, "--database", service.database}
	out, err := beside(t, slices.Concat(restore, []string{"--replace"})...)
	if err == nil || !strings.Contains(out, fmt.Sprintf("in use by process %d", service.cmd.Process.Pid)) {
		t.Fatalf("a database was restored under its service: %s", out)
	}
	if !put(t.Context(), service.url, "later") {
		t.Error("a restore that was refused broke the service")
	}

	service.kill()
	if out, err := beside(t, restore...); err == nil || !strings.Contains(out, "--replace") {
		t.Fatalf("a database that is there was replaced: %s", out)
	}
	if out, err := beside(t, slices.Concat(restore, []string{"--replace"})...); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	room.Room().LiftFaults("stuck")
	sent := resets(room.Room())
	service.start()
	room.SetBOS(service.url)
	var pause bos.PauseState
	call(t, http.MethodGet, service.url+"/x/v1/pause", nil, &pause)
	if !pause.Paused || !strings.Contains(pause.Reason, "restored from a backup") {
		t.Errorf("the site is %+v", pause)
	}
	waiting(t, service.url, "reboot", 4)
	if now := resets(room.Room()); now != sent {
		t.Errorf("%d resets were sent while the site was paused", now-sent)
	}
	if now := acts(t, service.url); now != ordered {
		t.Errorf("%d power actions were decided on while the site was paused", now-ordered)
	}
	there := make(map[string]bool)
	var stored []bos.SessionTemplate
	call(t, http.MethodGet, service.url+"/v2/sessiontemplates", nil, &stored)
	for _, template := range stored {
		there[template.Name] = true
	}
	for _, name := range before {
		if !there[name] {
			t.Errorf("%s was acknowledged before the backup, and is not in it", name)
		}
	}
	if there["later"] {
		t.Error("the database is not the one of the backup")
	}

	call(t, http.MethodPatch, service.url+"/v2/options", map[string]any{"max_power_off_wait_time": 1}, nil)
	if status := call(t, http.MethodPost, service.url+"/x/v1/resume", map[string]any{}, nil); status != http.StatusOK {
		t.Fatalf("resume answered %d", status)
	}
	if s := complete(t, service.url, "reboot"); s.PercentSuccessful != 100 {
		t.Errorf("it ended as %+v", s)
	}
	if resets(room.Room()) == sent {
		t.Error("nothing was sent after the site was resumed")
	}
}

// acts counts the power actions in the history.
func acts(t *testing.T, url string) (count int) {
	t.Helper()
	for _, e := range history(t, url) {
		if decide.Reason(e.Kind).Acts() {
			count++
		}
	}
	return count
}

// waiting waits until so many nodes of a session say that they wait for the site.
func waiting(t *testing.T, url, session string, nodes int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var list bos.NodeOutcomes
		call(t, http.MethodGet, url+"/x/v1/sessions/"+session+"/components", nil, &list)
		held := 0
		for _, o := range list.Components {
			if o.Wait != nil && o.Wait.Reason == bos.WaitSitePaused {
				held++
			}
		}
		if held == nodes {
			return
		}
	}
}
