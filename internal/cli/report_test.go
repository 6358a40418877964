package cli

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/report"
)

// kernelLine fetches the boot script of a node and has the line of its kernel in a
// file, as the kernel has it in /proc/cmdline.
func kernelLine(t *testing.T, scripts, query string) (line, file string) {
	t.Helper()
	status, script := get(t, scripts+"/boot/v1/bootscript?"+query)
	_, rest, ok := strings.Cut(script, "kernel --name kernel ")
	line, _, _ = strings.Cut(rest, " || goto")
	_, line, _ = strings.Cut(line, " ") // the kernel itself
	if status != http.StatusOK || !ok {
		t.Fatalf("%d\n%s", status, script)
	}
	file = filepath.Join(t.TempDir(), "cmdline")
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return line, file
}

// reportOnce runs the agent of a node until its first report is taken, or refused.
func reportOnce(t *testing.T, cmdline string, more ...string) (log string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	refused := &watched{Buffer: &out, seen: func(text string) {
		if strings.Contains(text, "did not take the report") {
			cancel()
		}
	}}
	err = report.Command(ctx, append([]string{"--cmdline", cmdline, "--config", cmdline + ".none", "--once"}, more...), "test", &out, refused)
	return out.String(), err
}

// watched calls seen with each line that is written.
type watched struct {
	*bytes.Buffer
	seen func(text string)
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	w.seen(string(p))
	return n, err
}

// From the settings to the record: the script of a node has all that its agent needs,
// and what it reports at the address of the nodes is in the record.
func TestANodeReportsByWhatIsInItsBootScript(t *testing.T) {
	t.Parallel()
	forNodes := freeAddress(t)
	url := start(t, "--emulate", "2", "--config", settingsFile(t, "boot_parameters: { builtin: { listen: "+forNodes+" } }\nreport: { node_tokens: required }"))
	discovered(t, url, 2)
	const nodeA, nodeB = "x1000c0s0b0n0", "x1000c0s0b0n1"
	if status := call(t, http.MethodPut, url+"/boot/v1/bootparameters", map[string]any{
		"hosts": []string{nodeA, nodeB}, "kernel": "s3://boot-images/k/kernel", "initrd": "s3://boot-images/k/initrd", "params": "quiet",
	}, nil); status != http.StatusOK {
		t.Fatalf("PUT of boot parameters answered %d", status)
	}
	line, cmdline := kernelLine(t, "http://"+forNodes, "name="+nodeA)
	for _, word := range []string{"xname=" + nodeA, "bss_referral_token=", "bos_node_token=", "bos_api=http://" + forNodes} {
		if !strings.Contains(line, word) {
			t.Fatalf("%s is not in %s", word, line)
		}
	}
	if log, err := reportOnce(t, cmdline); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	kernel := func(id string) string {
		var c bos.Component
		call(t, http.MethodGet, url+"/v2/components/"+id, nil, &c)
		return c.ActualState.BootArtifacts.Kernel
	}
	if got := kernel(nodeA); got != "s3://boot-images/k/kernel" {
		t.Errorf("the record says that %s runs %q", nodeA, got)
	}
	// With what it has it cannot say so of the node beside it, though both were given
	// the same boot parameters in one write.
	log, err := reportOnce(t, cmdline, "--xname", nodeB)
	if err == nil || !strings.Contains(err.Error(), "403") || kernel(nodeB) != "" {
		t.Errorf("%v: %q\n%s", err, kernel(nodeB), log)
	}
	for _, c := range []struct {
		method, path string
		body         any
		want         int
	}{
		{http.MethodPatch, "/v2/components/" + nodeA, map[string]any{"actual_state": map[string]any{"bss_token": "T"}}, http.StatusUnauthorized},
		{http.MethodPatch, "/v2/components/" + nodeA, map[string]any{"enabled": true}, http.StatusForbidden},
		{http.MethodGet, "/v2/components/" + nodeA, nil, http.StatusMethodNotAllowed},
		{http.MethodGet, "/v2/components", nil, http.StatusNotFound},
		{http.MethodPost, "/v2/sessions", map[string]any{"operation": "boot", "template_name": "x"}, http.StatusNotFound},
		{http.MethodPost, "/x/v1/pause", map[string]any{"reason": "x"}, http.StatusNotFound},
	} {
		if status := call(t, c.method, "http://"+forNodes+c.path, c.body, nil); status != c.want {
			t.Errorf("%s %s at the address of the nodes answered %d, want %d", c.method, c.path, status, c.want)
		}
	}
}

// Sites with BSS have no address of boot scripts; reports have one of their own.
func TestReportsHaveAnAddressOfTheirOwnBesideBSS(t *testing.T) {
	t.Parallel()
	forNodes := freeAddress(t)
	url := start(t, "--emulate", "1", "--config", settingsFile(t, "report: { listen: "+forNodes+" }"))
	discovered(t, url, 1)
	cmdline := filepath.Join(t.TempDir(), "cmdline")
	if err := os.WriteFile(cmdline, []byte("xname=x1000c0s0b0n0 bss_referral_token=of-bss bos_api="+forNodes), 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := reportOnce(t, cmdline); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	var c bos.Component
	call(t, http.MethodGet, url+"/v2/components/x1000c0s0b0n0", nil, &c)
	if c.ActualState.BSSToken != "of-bss" {
		t.Errorf("%+v", c.ActualState)
	}
	if status, _ := get(t, "http://"+forNodes+"/boot/v1/bootscript?name=x1000c0s0b0n0"); status != http.StatusNotFound {
		t.Errorf("the address of reports answered %d for a script", status)
	}
}

// Emulated nodes that tell nobody what they booted, as images without an agent; one of
// them phones home, and the session ends by that.
func TestANodeThatPhonesHomeHasBooted(t *testing.T) {
	t.Parallel()
	forNodes, faults := freeAddress(t), filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(faults, []byte("- { name: mute, fault: no-report }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := start(t, "--emulate", "1", "--emulate-boot-time", "50ms", "--emulate-power-time", "20ms", "--faults", faults,
		"--config", settingsFile(t, "report: { listen: "+forNodes+", boot_proof: phone_home }"))
	discovered(t, url, 1)
	const node = "x1000c0s0b0n0"
	phone := func() int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+forNodes+"/x/v1/phone-home/"+node, strings.NewReader("instance_id=i-1&hostname=nid0001"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	call(t, http.MethodPut, url+"/v2/sessiontemplates/compute", map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}, nil)
	for _, round := range []string{"first", "second"} {
		if status := call(t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": round, "template_name": "compute", "operation": "reboot"}, nil); status != http.StatusCreated {
			t.Fatalf("POST answered %d", status)
		}
		// It goes on phoning, as that of the old boot may do too, until one is taken that
		// proves something; before the power-on they prove nothing.
		var s bos.ExtendedStatus
		for s.Status != bos.SessionComplete {
			if status := phone(); status != http.StatusOK && status != http.StatusConflict {
				t.Fatalf("%s: a phone-home is answered with %d", round, status)
			}
			call(t, http.MethodGet, url+"/v2/sessions/"+round+"/status", nil, &s)
		}
		if s.PercentSuccessful != 100 {
			t.Errorf("%s: %+v", round, s)
		}
		var c bos.Component
		call(t, http.MethodGet, url+"/v2/components/"+node, nil, &c)
		if c.EventStats.PowerOnAttempts != 0 || c.LastAction.Action != bos.ActionPoweringOn || c.ActualState.BootArtifacts != c.DesiredState.BootArtifacts || c.ActualState.BSSToken == "" {
			t.Errorf("%s: %+v", round, c)
		}
	}
}
