package wlm

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// program leaves a script in a folder of its own, which notes its arguments.
func program(t *testing.T, name, script string) (*Runner, func() string) {
	t.Helper()
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	text := "#!/bin/sh\nfor a; do printf '<%s>' \"$a\"; done >>" + asked + "\necho >>" + asked + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Runner{Folder: dir, Timeout: time.Minute}, func() string {
		text, err := os.ReadFile(asked)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
}

func line(name, cpus, state, rest string) string {
	return "NodeName=" + name + " Arch=x86_64 CoresPerSocket=1  CPUAlloc=" + cpus + " CPUEfctv=1 CPUTot=1 OS=Linux 6.1 #1 SMP  RealMemory=1 State=" + state +
		" ThreadsPerCore=1 NextState=RESUME Partitions=all  BootTime=None " + rest
}

func TestSlurmsLinesAreRead(t *testing.T) {
	run, asked := program(t, "scontrol", "cat <<'END'\n"+strings.Join([]string{
		line("nid01", "0", "IDLE", ""),
		line("nid02", "1", "ALLOCATED+DRAIN", "  Reason=bos:s waits to be idle = x [root@2026-11-29T13:39:43]"),
		line("nid03", "0", "IDLE+DRAIN+REBOOT_REQUESTED", "  Reason=Reboot ASAP [alice@2026-11-29T13:39:43] Comment=Reason=bos:s [x@y]"),
		line("nid04", "0", "DOWN*+DRAIN", "  Reason=bos:s shut down [root@2026-11-29T13:39:43]"),
		line("nid05", "0", "IDLE+COMPLETING+NOT_RESPONDING", ""),
		line("nid06", "0", "UNKNOWN", ""),
		"Node nid07 not found",
	}, "\n")+"\nEND\nexit 1\n")
	names := []string{"nid01", "nid02", "nid03", "nid04", "nid05", "nid06", "nid07"}
	got, err := Slurm(run).Nodes(t.Context(), names)
	want := map[string]Node{
		"nid01": {Heard: true, State: "IDLE"},
		"nid02": {Drained: true, Reason: "bos:s waits to be idle = x", Jobs: true, Heard: true, State: "ALLOCATED+DRAIN"},
		"nid03": {Drained: true, Reason: "Reboot ASAP", Heard: true, State: "IDLE+DRAIN+REBOOT_REQUESTED"},
		"nid04": {Drained: true, Reason: "bos:s shut down", State: "DOWN*+DRAIN"},
		"nid05": {Jobs: true, State: "IDLE+COMPLETING+NOT_RESPONDING"},
		"nid06": {Unsure: true, State: "UNKNOWN"},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v; read as %+v", err, got)
	}
	if asked() != "<show><node><-o><nid[01-07]>" {
		t.Errorf("asked %s", asked())
	}
}

func TestSlurmIsToldInOneCommandAndItsOwnWordsAreAnError(t *testing.T) {
	run, asked := program(t, "scontrol", "echo 'slurm_update error: Invalid node name specified' >&2; exit 1\n")
	s := Slurm(run)
	err := s.Drain(t.Context(), []string{"n1", "n2"}, "bos:s $(id) 'x'")
	if err == nil || !strings.Contains(err.Error(), "Invalid node name specified") {
		t.Errorf("the error is %v", err)
	}
	if _, err := s.Nodes(t.Context(), []string{"n1"}); err == nil {
		t.Error("a failure is read as no nodes")
	}
	_ = s.Resume(t.Context(), []string{"n1"})
	want := "<update><NodeName=n[1-2]><State=DRAIN><Reason=bos:s $(id) 'x'>\n<show><node><-o><n1>\n<update><NodeName=n1><State=RESUME>"
	if asked() != want {
		t.Errorf("asked\n%s, want\n%s", asked(), want)
	}
}

func TestFluxLinesAreRead(t *testing.T) {
	run, asked := program(t, "flux", `[ "$2" = status ] && printf 'avail|n[1-2]|\navail*|n3|\ndraining|n4|bos:s x | y\ndrained*|n5|bad DIMM\nexclude|n6|\nallocated|n2|\n'`+"\nexit 0\n")
	f := Flux(run)
	got, err := f.Nodes(t.Context(), []string{"n1", "n3", "n4", "n5", "n6", "n7"})
	want := map[string]Node{
		"n1": {Heard: true, State: "avail"}, "n3": {State: "avail*"},
		"n4": {Drained: true, Reason: "bos:s x | y", Jobs: true, Heard: true, State: "draining"},
		"n5": {Drained: true, Reason: "bad DIMM", State: "drained*"},
		"n6": {Drained: true, Reason: "excluded by configuration", Heard: true, State: "exclude"},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v; read as %+v", err, got)
	}
	if err := f.Drain(t.Context(), []string{"n1", "n2"}, "bos:s x"); err != nil {
		t.Error(err)
	}
	if err := f.Resume(t.Context(), []string{"n1"}); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(asked(), "<resource><drain><--force><n[1-2]><bos:s x>\n<resource><undrain><n1>") {
		t.Errorf("asked %s", asked())
	}
}

func TestPBSNodesAreRead(t *testing.T) {
	run, asked := program(t, "pbsnodes", `[ "$1" = -a ] && echo '{"timestamp":1,"nodes":{"n1":{"state":"free"},"n2":{"state":"offline,job-busy","comment":"bos:s x","jobs":["1.s"]},"n3":{"state":"offline,down","comment":"bad DIMM"},"n4":{"state":"state-unknown,down"}}}'`+"\nexit 0\n")
	p := PBS(run)
	got, err := p.Nodes(t.Context(), []string{"n1", "n2", "n3", "n4", "n5"})
	want := map[string]Node{
		"n1": {Heard: true, State: "free"}, "n2": {Drained: true, Reason: "bos:s x", Jobs: true, Heard: true, State: "offline,job-busy"},
		"n3": {Drained: true, Reason: "bad DIMM", State: "offline,down"}, "n4": {Unsure: true, State: "state-unknown,down"},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v; read as %+v", err, got)
	}
	if err := p.Drain(t.Context(), []string{"n1", "n2"}, "bos:s x"); err != nil {
		t.Error(err)
	}
	if err := p.Resume(t.Context(), []string{"n1"}); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(asked(), "<-o><-C><bos:s x><n1><n2>\n<-r><-C><><n1>") {
		t.Errorf("asked %s", asked())
	}
}

func TestWhatAHealthCheckDoesNotSayIsNotHealth(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   [2]bos.HealthVerdict
		says   string
	}{
		"both":        {`echo '{"node":"n1","healthy":true}'; echo '{"node":"n2","healthy":false,"reason":"no lustre"}'`, [2]bos.HealthVerdict{bos.Healthy, bos.Unhealthy}, "no lustre"},
		"one":         {`echo '{"node":"n1","healthy":true}'`, [2]bos.HealthVerdict{bos.Healthy, bos.HealthUnknown}, "says nothing of it"},
		"silence":     {`exit 0`, [2]bos.HealthVerdict{bos.Healthy, bos.Healthy}, ""},
		"a failure":   {`echo 'no module nhc' >&2; exit 3`, [2]bos.HealthVerdict{}, "no module nhc"},
		"half":        {`echo '{"node":"n1","healthy":true}'; echo 'n2 is gone' >&2; exit 1`, [2]bos.HealthVerdict{bos.Healthy, bos.HealthUnknown}, "n2 is gone"},
		"not JSON":    {`echo ok`, [2]bos.HealthVerdict{}, "has written a line"},
		"no verdict":  {`echo '{"node":"n1"}'`, [2]bos.HealthVerdict{}, "has written a line"},
		"two words":   {`echo '{"node":"n1","healthy":false}'; echo '{"node":"n1","healthy":true}'`, [2]bos.HealthVerdict{bos.Unhealthy, bos.HealthUnknown}, "says nothing"},
		"as it reads": {`while read n; do echo "{\"node\":\"$n\",\"healthy\":true}"; done`, [2]bos.HealthVerdict{bos.Healthy, bos.Healthy}, ""},
	} {
		run, _ := program(t, "check", c.script+"\n")
		var got [2]bos.HealthVerdict
		var said string
		NewHealth(run, ByXname{}, []string{"check"}).Probe(t.Context(), []string{"n1", "n2"}, func(r bos.HealthReading) {
			got[r.ID[1]-'1'] = r.Verdict
			said += r.Detail
		})
		if got != c.want || !strings.Contains(said, c.says) {
			t.Errorf("%s: %v %q, want %v %q", name, got, said, c.want, c.says)
		}
	}
}
