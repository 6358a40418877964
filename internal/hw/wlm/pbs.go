package wlm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// pbs is PBS by pbsnodes.
type pbs struct{ run *Runner }

// PBS is OpenPBS or PBS Professional, by pbsnodes. The reason of a drain is the comment of
// a node that is offline.
func PBS(r *Runner) Commands { return pbs{r} }

// Nodes asks for all nodes, as it fails for all where it does not know one.
func (p pbs) Nodes(ctx context.Context, names []string) (map[string]Node, error) {
	out, err := p.run.Run(ctx, "", "pbsnodes", "-a", "-F", "json")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Nodes map[string]struct {
			State   string   `json:"state"`
			Comment string   `json:"comment"`
			Jobs    []string `json:"jobs"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		return nil, fmt.Errorf("pbsnodes -a -F json: %w", err)
	}
	nodes := make(map[string]Node, len(names))
	for _, name := range names {
		if n, ok := answer.Nodes[name]; ok {
			nodes[name] = pbsNode(n.State, n.Comment, len(n.Jobs))
		}
	}
	return nodes, nil
}

func pbsNode(state, comment string, jobs int) Node {
	words := strings.Split(state, ",")
	has := func(word string) bool { return slices.Contains(words, word) }
	n := Node{State: state, Heard: !has("down") && !has("state-unknown") && !has("stale")}
	n.Drained = has("offline") || has("maintenance")
	if n.Drained {
		n.Reason = comment
	}
	n.Jobs = jobs > 0 || has("job-busy") || has("job-exclusive") || has("resv-exclusive")
	n.Unsure = state == "" || has("state-unknown") && !n.Drained
	return n
}

// Drain takes nodes offline with a comment.
func (p pbs) Drain(ctx context.Context, names []string, reason string) error {
	_, err := p.run.Run(ctx, "", "pbsnodes", append([]string{"-o", "-C", reason}, names...)...)
	return err
}

// Resume clears that and the comment.
func (p pbs) Resume(ctx context.Context, names []string) error {
	_, err := p.run.Run(ctx, "", "pbsnodes", append([]string{"-r", "-C", ""}, names...)...)
	return err
}
