package wlm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// slurm is Slurm by scontrol.
type slurm struct{ run *Runner }

// Slurm is Slurm, by its scontrol.
func Slurm(r *Runner) Commands { return slurm{r} }

// The fields of a line of scontrol show node -o that say how a node stands. The reason is
// the last of them, and is followed by who gave it and when.
var (
	slurmName   = regexp.MustCompile(`^NodeName=(\S+)`)
	slurmState  = regexp.MustCompile(` State=(\S+)`)
	slurmCPUs   = regexp.MustCompile(` CPUAlloc=(\d+)`)
	slurmReason = regexp.MustCompile(` Reason=(.*?) \[[^\[\]]+@[^\[\]]+\]`)
)

// Nodes asks for nodes. scontrol fails where it does not know one, and tells of the others.
func (s slurm) Nodes(ctx context.Context, names []string) (map[string]Node, error) {
	out, err := s.run.Run(ctx, "", "scontrol", "show", "node", "-o", Hostlist(names))
	nodes := make(map[string]Node, len(names))
	missing := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "Node "); ok && strings.HasSuffix(name, " not found") {
			missing++
			continue
		}
		if name := slurmName.FindStringSubmatch(line); name != nil {
			nodes[name[1]] = slurmNode(line)
		}
	}
	if err != nil && missing == 0 {
		return nil, err
	}
	if len(nodes)+missing < len(names) {
		return nil, fmt.Errorf("scontrol show node tells of %d of %d nodes", len(nodes), len(names))
	}
	return nodes, nil
}

func slurmNode(line string) Node {
	n := Node{Unsure: true}
	state := slurmState.FindStringSubmatch(line)
	if state == nil {
		return n
	}
	n.State = state[1]
	words := strings.Split(n.State, "+")
	base, silent := strings.CutSuffix(words[0], "*")
	flag := func(word string) bool { return slices.Contains(words[1:], word) }
	n.Heard = !silent && !flag("NOT_RESPONDING") && base != "DOWN" && base != "UNKNOWN" && base != "FUTURE"
	n.Jobs = base == "ALLOCATED" || base == "MIXED" || flag("COMPLETING")
	if cpus := slurmCPUs.FindStringSubmatch(line); cpus != nil {
		if used, err := strconv.Atoi(cpus[1]); err != nil || used > 0 {
			n.Jobs = true
		}
	}
	switch base {
	case "IDLE", "ALLOCATED", "MIXED", "DOWN", "ERROR", "FAIL":
		n.Unsure = false
	}
	if reason := slurmReason.FindStringSubmatch(line); reason != nil {
		n.Reason = reason[1]
	}
	failing := base == "FAIL" || flag("FAIL")
	n.Drained = flag("DRAIN") || (failing || base == "DOWN") && takenOut(n.Reason)
	return n
}

// takenOut reports whether a node that is DOWN or FAIL is so because somebody wants that:
// RESUME would end it as it ends a drain. slurmctld itself takes down what it does not
// hear, for reasons of its own.
func takenOut(reason string) bool {
	ofSlurm := func(words string) bool { return strings.HasPrefix(reason, words) }
	return reason != "" && bos.MarkOf(reason) == "" && !slices.ContainsFunc(slurmsOwn, ofSlurm)
}

// slurmsOwn is what the reasons begin with for which slurmctld takes a node down that
// does not answer, or that was booted without it.
var slurmsOwn = []string{"Not responding", "Node unexpectedly rebooted", "reboot timed out", "Reboot timed out", "ResumeTimeout reached", "Node not registered", "Not registered"}

// Drain drains nodes.
func (s slurm) Drain(ctx context.Context, names []string, reason string) error {
	_, err := s.run.Run(ctx, "", "scontrol", "update", "NodeName="+Hostlist(names), "State=DRAIN", "Reason="+reason)
	return err
}

// Resume ends drains.
func (s slurm) Resume(ctx context.Context, names []string) error {
	_, err := s.run.Run(ctx, "", "scontrol", "update", "NodeName="+Hostlist(names), "State=RESUME")
	return err
}
