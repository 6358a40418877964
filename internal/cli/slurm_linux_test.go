package cli

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

// slurm is a Slurm on this machine: its controller, and a slurmd for each emulated node.
type slurm struct {
	t       *testing.T
	conf    string
	daemons map[string]*exec.Cmd
}

// withSlurm makes settings for a Slurm that is not started, or skips the test where there
// is none.
func withSlurm(t *testing.T, nodes int) *slurm {
	t.Helper()
	if os.Getenv("BOS_SLURM") == "" {
		t.Skip("BOS_SLURM is not set; make slurm sets it")
	}
	for program, from := range map[string]string{"slurmctld": "slurmctld", "slurmd": "slurmd", "scontrol": "slurm-client", "sbatch": "slurm-client"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s; install the Debian package %s", program, from)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "slurm") //nolint:usetesting // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // temporary files
	text := fmt.Sprintf(`ClusterName=room
SlurmctldHost=%s(127.0.0.1)
SlurmctldPort=%d
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=%[3]s/state
SlurmdSpoolDir=%[3]s/spool-%%n
SlurmctldPidFile=%[3]s/slurmctld.pid
SlurmdPidFile=%[3]s/%%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
ReturnToService=1
SlurmctldParameters=reboot_from_controller
RebootProgram=%[3]s/reboot
ResumeTimeout=300
SchedulerParameters=sched_interval=1,sched_min_interval=0
`, host, freePort(t), dir)
	for i := range nodes {
		text += fmt.Sprintf("NodeName=nid%06d NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=1\n", i+1, host, freePort(t))
	}
	text += "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
	s := &slurm{t: t, conf: filepath.Join(dir, "slurm.conf"), daemons: make(map[string]*exec.Cmd)}
	if err := os.WriteFile(s.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// daemon starts one, with what it says in a file, until the test ends.
func (s *slurm) daemon(name, program string, args ...string) {
	s.t.Helper()
	log, err := os.Create(filepath.Join(filepath.Dir(s.conf), name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), program, append([]string{"-D", "-f", s.conf}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.daemons[name] = cmd
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed
		_ = log.Close()        // only written
		if text, err := os.ReadFile(log.Name()); err == nil && s.t.Failed() {
			s.t.Logf("the last that %s said:\n%s", name, text[max(0, len(text)-3000):])
		}
	})
}

// start starts the controller and what it reboots nodes with, and a slurmd for each node.
func (s *slurm) start(service *process, nodes int) {
	s.t.Helper()
	script := "#!/bin/sh\n"
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "BOS_") || strings.HasPrefix(name, "XDG_") || name == "HOME" {
			script += fmt.Sprintf("export %s='%s'\n", name, value)
		}
	}
	script += fmt.Sprintf("export %s=1\nexec %s reboot-node --endpoint %s --reason 'scontrol reboot' \"$1\" >>%s/reboot.log 2>&1\n", asCommand, os.Args[0], service.url, filepath.Dir(s.conf))
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.conf), "reboot"), []byte(script), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.daemon("slurmctld", "slurmctld", "-i")
	for i := range nodes {
		name := fmt.Sprintf("nid%06d", i+1)
		s.daemon(name, "slurmd", "-N", name)
	}
	for i := range nodes {
		s.until(fmt.Sprintf("nid%06d", i+1), "in service", func(line string) bool { return strings.Contains(line, " State=IDLE ") })
	}
}

func (s *slurm) run(program string, args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+s.conf)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *slurm) must(program string, args ...string) string {
	s.t.Helper()
	out, err := s.run(program, args...)
	if err != nil {
		s.t.Fatalf("%s %v: %v: %s", program, args, err, out)
	}
	return out
}

// until waits for what Slurm says of a node.
func (s *slurm) until(node, what string, so func(line string) bool) {
	s.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	line := ""
	for {
		line, _ = s.run("scontrol", "show", "node", "-o", node)
		if so(line) {
			return
		}
		select {
		case <-tick.C:
		case <-s.t.Context().Done():
			s.t.Fatalf("%s was never %s: %s", node, what, line)
		}
	}
}

// component waits for what BOS says of a node.
func component(t *testing.T, url, id, what string, so func(bos.Component) bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var c bos.Component
		call(t, http.MethodGet, url+"/v2/components/"+id, nil, &c)
		if so(c) {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s was never %s: %+v", id, what, c)
		}
	}
}

func drainedFor(reason string) func(string) bool {
	return func(line string) bool {
		return strings.Contains(line, "+DRAIN") && strings.Contains(line, " Reason="+reason)
	}
}

func inService(line string) bool {
	return strings.Contains(line, " State=") && !strings.Contains(line, "DRAIN") && !strings.Contains(line, "REBOOT")
}

func runsIt(c bos.Component) bool {
	return !c.Enabled && c.Status.Status == bos.StatusStable && c.ActualState.BootArtifacts.Kernel != ""
}

func resetsOf(room *emulator.Server, id string) int { return len(room.Room().Resets(id)) }

func TestSlurmsNodesAreDrainedRebootedAndReturnedAndItsOwnRebootsGoThroughBOS(t *testing.T) {
	const nodes = 4
	s := withSlurm(t, nodes)
	t.Setenv("BOS_WORKLOAD_MANAGER", "slurm")
	t.Setenv("BOS_WORKLOAD_ENVIRONMENT", "SLURM_CONF="+s.conf)
	t.Setenv("BOS_WORKLOAD_NAME_FORMAT", "nid%06d")
	room, service := site(t, nodes)
	s.start(service, nodes)
	call(t, http.MethodPatch, service.url+"/v2/options", map[string]any{"polling_frequency": 1}, nil)
	ids := nodesOf(room)

	session := func(name, operation string) {
		call(t, http.MethodPost, service.url+"/v2/sessions", map[string]any{"name": name, "template_name": "compute", "operation": operation}, nil)
	}
	session("first", "boot")
	if got := complete(t, service.url, "first"); got.PercentSuccessful != 100 {
		t.Fatalf("the first boot: %+v", got)
	}
	for i := range nodes {
		s.until(fmt.Sprintf("nid%06d", i+1), "returned", inService)
	}

	job := s.must("sbatch", "--parsable", "-w", "nid000001", "-o", "/dev/null", "--wrap", "sleep 600")
	s.until("nid000001", "given the job", func(line string) bool { return strings.Contains(line, " State=ALLOCATED") })
	s.must("scontrol", "update", "NodeName=nid000002", "State=DRAIN", "Reason=bad DIMM")
	before := resetsOf(room, ids[0])
	session("second", "reboot")
	for _, id := range ids[1:] {
		component(t, service.url, id, "rebooted", func(c bos.Component) bool { return runsIt(c) && resetsOf(room, id) > 1 })
	}
	component(t, service.url, ids[0], "waiting for its job", func(c bos.Component) bool { return strings.Contains(c.Error, "waiting for its jobs to end") })
	s.until("nid000001", "drained by BOS", drainedFor("bos:second "))
	if resetsOf(room, ids[0]) != before {
		t.Fatal("a node was reset with a job on it")
	}
	if state := s.must("squeue", "-h", "-j", job, "-o", "%T"); state != "RUNNING" {
		t.Fatalf("the job is %s", state)
	}
	s.must("scancel", job)
	if got := complete(t, service.url, "second"); got.PercentSuccessful != 100 {
		t.Fatalf("the reboot: %+v", got)
	}
	s.until("nid000001", "returned", inService)
	s.until("nid000002", "drained by who has drained it", drainedFor("bad DIMM "))

	before = resetsOf(room, ids[2])
	s.must("scontrol", "reboot", "ASAP", "nextstate=RESUME", "nid000003")
	component(t, service.url, ids[2], "rebooted for Slurm", func(c bos.Component) bool { return runsIt(c) && resetsOf(room, ids[2]) > before })
	_ = s.daemons["nid000003"].Process.Kill() // its node was reset
	s.daemon("nid000003 anew", "slurmd", "-N", "nid000003", "-b")
	s.until("nid000003", "taken back by Slurm", inService)
	if resetsOf(room, ids[2]) != before+2 {
		t.Errorf("it was reset %d times", resetsOf(room, ids[2])-before)
	}
}
