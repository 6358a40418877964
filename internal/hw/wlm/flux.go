package wlm

import (
	"context"
	"fmt"
	"strings"
)

// flux is Flux by flux resource.
type flux struct{ run *Runner }

// Flux is Flux, by its flux.
func Flux(r *Runner) Commands { return flux{r} }

// Nodes asks for all nodes, as older versions cannot be asked for some. A line is for all
// nodes of one state and reason; * is that they are offline.
func (f flux) Nodes(ctx context.Context, names []string) (map[string]Node, error) {
	out, err := f.run.Run(ctx, "", "flux", "resource", "status", "-n", "-o", "{state}|{nodelist}|{reason}")
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	nodes := make(map[string]Node, len(names))
	for line := range strings.Lines(out) {
		parts := strings.SplitN(strings.TrimRight(line, "\r\n"), "|", 3)
		if len(parts) < 3 {
			return nil, fmt.Errorf("flux resource status has a line that is no state, nodes and reason: %.80q", line)
		}
		hosts, err := ExpandHostlist(parts[1])
		if err != nil {
			return nil, fmt.Errorf("flux resource status: %w", err)
		}
		n := fluxNode(strings.TrimSpace(parts[0]), strings.TrimSpace(parts[2]))
		for _, host := range hosts {
			if had, ok := nodes[host]; wanted[host] && (!ok || n.Drained && !had.Drained) {
				nodes[host] = n
			}
		}
	}
	return nodes, nil
}

func fluxNode(state, reason string) Node {
	base, offline := strings.CutSuffix(state, "*")
	n := Node{State: state, Heard: !offline && base != "torpid"}
	switch base {
	case "avail", "torpid":
	case "allocated", "housekeeping":
		n.Jobs = true
	case "drained":
		n.Drained, n.Reason = true, reason
	case "draining":
		n.Drained, n.Reason, n.Jobs = true, reason, true
	case "exclude":
		n.Drained, n.Reason = true, "excluded by configuration"
	default:
		n.Unsure = true
	}
	return n
}

// Drain drains nodes; --force gives those that are drained the reason.
func (f flux) Drain(ctx context.Context, names []string, reason string) error {
	_, err := f.run.Run(ctx, "", "flux", "resource", "drain", "--force", Hostlist(names), reason)
	return err
}

// Resume ends drains.
func (f flux) Resume(ctx context.Context, names []string) error {
	_, err := f.run.Run(ctx, "", "flux", "resource", "undrain", Hostlist(names))
	return err
}
