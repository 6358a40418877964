package wlm

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Health is a command that says which nodes are fit for work.
type Health struct {
	run     *Runner
	names   Names
	command []string
}

// NewHealth is a health check by a command: a program and its arguments. It is given the
// names of nodes, one a line, and writes a line of JSON for each.
func NewHealth(r *Runner, n Names, command []string) *Health {
	return &Health{run: r, names: n, command: command}
}

// verdict is a line that a check writes.
type verdict struct {
	Node    string `json:"node"`
	Healthy *bool  `json:"healthy"`
	Reason  string `json:"reason"`
}

// Probe asks about nodes, at most mostNodes with each command. What is not said of a node
// is not known. A check that ends well and writes nothing calls all of them healthy.
func (h *Health) Probe(ctx context.Context, ids []string, each func(bos.HealthReading)) {
	asked := time.Now()
	names, err := h.names.Of(ctx, ids)
	for start := 0; start < len(ids); start += mostNodes {
		part := ids[start:min(start+mostNodes, len(ids))]
		said, words := map[string]verdict{}, ""
		all := false
		if err != nil {
			words = err.Error()
		} else {
			said, all, words = h.ask(ctx, part, names)
		}
		for _, id := range part {
			r := bos.HealthReading{ID: id, Asked: asked, Detail: words}
			switch v, ok := said[names[id]]; {
			case err == nil && names[id] == "":
				r.Detail = "the workload manager has no name for it"
			case ok && *v.Healthy:
				r.Verdict, r.Detail = bos.Healthy, v.Reason
			case ok:
				r.Verdict, r.Detail = bos.Unhealthy, v.Reason
			case all:
				r.Verdict = bos.Healthy
			}
			each(r)
		}
	}
}

// ask runs the command once. all says that it calls all nodes healthy; words are what is
// to be said of a node of which it says nothing.
func (h *Health) ask(ctx context.Context, ids []string, names map[string]string) (said map[string]verdict, all bool, words string) {
	out, err := h.run.Run(ctx, strings.Join(pick(names, ids), "\n")+"\n", h.command[0], h.command[1:]...)
	said = make(map[string]verdict)
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var v verdict
		if bad := json.Unmarshal([]byte(line), &v); bad != nil || v.Node == "" || v.Healthy == nil {
			return map[string]verdict{}, false, fmt.Sprintf("%s has written a line that is no {\"node\": ..., \"healthy\": true or false}: %.80q", h.command[0], line)
		}
		v.Reason = strings.TrimSpace(v.Reason)
		if before, twice := said[v.Node]; !twice || *before.Healthy {
			said[v.Node] = v // of two words about a node the worse counts
		}
	}
	switch {
	case err != nil:
		return said, false, err.Error()
	case len(said) == 0:
		return said, true, ""
	default:
		return said, false, fmt.Sprintf("%s says nothing of it", h.command[0])
	}
}
