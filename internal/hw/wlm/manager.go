// Package wlm is how nodes are drained and returned by a workload manager: Slurm, Flux or
// PBS, each by its commands. What is drained, reworded and returned, and what never is,
// is decided here, for all of them.
package wlm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Node is a node as a manager tells of it.
type Node struct {
	// Drained says that it is given no new jobs because somebody wants that, for Reason.
	Drained bool
	Reason  string
	// Jobs says that jobs run on it, or end there. Unsure says that the manager does not
	// know.
	Jobs, Unsure bool
	// Heard says that the manager hears from the node.
	Heard bool
	// State is the manager's word.
	State string
}

// Commands are those of a manager. Names are its own names of nodes. An error is the
// manager's word, and says nothing of what was done.
type Commands interface {
	// Nodes tells of nodes; those that the manager does not know are left out.
	Nodes(ctx context.Context, names []string) (map[string]Node, error)
	// Drain drains nodes, or gives them another reason if they are drained.
	Drain(ctx context.Context, names []string, reason string) error
	// Resume ends the drains of nodes.
	Resume(ctx context.Context, names []string) error
}

// Names says what nodes are called by their manager.
type Names interface {
	// Of maps ids to names; nodes that have none are left out.
	Of(ctx context.Context, ids []string) (map[string]string, error)
	// IDs maps names to ids; names that are no node's are left out.
	IDs(ctx context.Context, names []string) (map[string]string, error)
}

// mostNodes is how many nodes one command is about at most.
const mostNodes = 1000

// Manager drains and returns nodes. Before each command that changes something it reads
// how the nodes stand, and afterwards again: what was done is told by that.
type Manager struct {
	commands Commands
	names    Names
	// changing is held from a reading to the change that follows from it, so that no
	// other command of ours gives somebody time to drain nodes in between.
	changing chan struct{}
}

// New is a manager over its commands.
func New(c Commands, n Names) *Manager {
	return &Manager{commands: c, names: n, changing: make(chan struct{}, 1)}
}

// known is what was read of a node.
type known struct {
	name  string
	node  Node
	found bool
	err   error
}

// read asks for nodes, at most mostNodes with each command.
func (m *Manager) read(ctx context.Context, ids []string) map[string]known {
	all := make(map[string]known, len(ids))
	names, err := m.names.Of(ctx, ids)
	for _, id := range ids {
		all[id] = known{name: names[id], err: err}
	}
	var named []string
	for _, id := range ids {
		if names[id] != "" && err == nil {
			named = append(named, id)
		}
	}
	for part := range slices.Chunk(named, mostNodes) {
		nodes, err := m.commands.Nodes(ctx, pick(names, part))
		for _, id := range part {
			node, found := nodes[names[id]]
			all[id] = known{name: names[id], node: node, found: found, err: err}
		}
	}
	return all
}

func pick(names map[string]string, ids []string) []string {
	picked := make([]string, len(ids))
	for i, id := range ids {
		picked[i] = names[id]
	}
	return picked
}

// Probe asks how nodes stand.
func (m *Manager) Probe(ctx context.Context, ids []string, each func(bos.WorkloadReading)) {
	asked := time.Now()
	all := m.read(ctx, ids)
	for _, id := range ids {
		r := all[id].reading()
		r.ID, r.Asked = id, asked
		each(r)
	}
}

func (k known) reading() bos.WorkloadReading {
	r := bos.WorkloadReading{Jobs: k.node.Jobs, Heard: k.node.Heard, Detail: k.node.State}
	switch {
	case k.err != nil:
		r.Detail = k.err.Error()
	case k.name == "":
		r.State, r.Detail = bos.WorkloadAbsent, "it has no name there"
	case !k.found:
		r.State, r.Detail = bos.WorkloadAbsent, "it has no node "+k.name
	case k.node.Unsure:
	case !k.node.Drained:
		r.State = bos.WorkloadInService
	case bos.MarkOf(k.node.Reason) != "":
		r.State, r.Mark = bos.WorkloadDrained, bos.MarkOf(k.node.Reason)
	default:
		r.State, r.Detail = bos.WorkloadForeign, k.node.State+", drained by somebody else: "+k.node.Reason
	}
	return r
}

// Drain drains the nodes that are in service, and those that this service has drained for
// another reason.
func (m *Manager) Drain(ctx context.Context, reason string, ids []string, each func(bos.CallResult)) {
	m.change(ctx, ids, each, change{
		wanted: func(n Node) bool { return !n.Drained || bos.MarkOf(n.Reason) != "" && n.Reason != reason },
		run:    func(ctx context.Context, names []string) error { return m.commands.Drain(ctx, names, reason) },
	})
}

// Reword gives the drains of this service another reason.
func (m *Manager) Reword(ctx context.Context, reason string, ids []string, each func(bos.CallResult)) {
	m.change(ctx, ids, each, change{
		wanted: func(n Node) bool { return n.Drained && bos.MarkOf(n.Reason) != "" && n.Reason != reason },
		run:    func(ctx context.Context, names []string) error { return m.commands.Drain(ctx, names, reason) },
	})
}

// Return ends the drains that have a mark.
func (m *Manager) Return(ctx context.Context, mark string, ids []string, each func(bos.CallResult)) {
	m.change(ctx, ids, each, change{
		wanted: func(n Node) bool { return n.Drained && bos.MarkOf(n.Reason) == mark && mark != "" },
		run:    m.commands.Resume,
	})
}

// change is one to nodes: of which it is wanted, and how it is made.
type change struct {
	wanted func(Node) bool
	run    func(ctx context.Context, names []string) error
}

// change makes a change to those of the nodes of which it is wanted, reads them again, and
// says what became of each.
func (m *Manager) change(ctx context.Context, ids []string, each func(bos.CallResult), c change) {
	for part := range slices.Chunk(ids, mostNodes) {
		m.changePart(ctx, part, each, c)
	}
}

// changePart changes nodes by what one reading says of them.
func (m *Manager) changePart(ctx context.Context, ids []string, each func(bos.CallResult), c change) {
	select {
	case m.changing <- struct{}{}:
		defer func() { <-m.changing }()
	case <-ctx.Done():
		for _, id := range ids {
			each(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseWorkloadManager, Detail: "the commands before it did not end in time"})
		}
		return
	}
	before := m.read(ctx, ids)
	var due []string
	for _, id := range ids {
		switch k := before[id]; {
		case k.err != nil:
			each(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseWorkloadManager, Detail: k.err.Error()})
		case !k.found, !c.wanted(k.node):
			each(bos.CallResult{ID: id, Outcome: bos.CallDone}) // a reading tells what it is
		default:
			due = append(due, id)
		}
	}
	permitted, denied := bos.Permitted(ctx, due)
	for _, id := range denied {
		each(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted})
	}
	if len(permitted) > 0 {
		m.send(ctx, permitted, before, each, c)
	}
}

func (m *Manager) send(ctx context.Context, ids []string, before map[string]known, each func(bos.CallResult), c change) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = before[id].name
	}
	err := c.run(ctx, names)
	if err == nil {
		for _, id := range ids {
			each(bos.CallResult{ID: id, Outcome: bos.CallDone})
		}
		return
	}
	after := m.read(ctx, ids)
	for _, id := range ids {
		res := bos.CallResult{ID: id, Outcome: bos.CallRefused, Cause: bos.CauseWorkloadManager, Detail: err.Error()}
		switch k := after[id]; {
		case k.err != nil:
			res.Outcome = bos.CallUnknown
		case !k.found, !c.wanted(k.node):
			res = bos.CallResult{ID: id, Outcome: bos.CallDone}
		}
		each(res)
	}
}

// Check asks the manager about nodes, for who tries the settings of a site: it says which
// of them the manager does not know.
func (m *Manager) Check(ctx context.Context, ids []string) (unknown []string, err error) {
	all := m.read(ctx, ids)
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch k := all[id]; {
		case k.err != nil:
			errs = append(errs, k.err)
		case !k.found:
			unknown = append(unknown, id)
		}
	}
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return unknown, nil
}

// errNoName is why a pattern names nothing.
var errNoName = errors.New("the inventory has no NIDs")

// ByXname has nodes called by their xnames.
type ByXname struct{}

// Of are the ids themselves.
func (ByXname) Of(_ context.Context, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	for _, id := range ids {
		names[id] = id
	}
	return names, nil
}

// IDs are none: a name is an id, and is read as one.
func (ByXname) IDs(context.Context, []string) (map[string]string, error) {
	return map[string]string{}, nil
}

// ByNID has nodes called by a format of their NID, such as nid%06d.
type ByNID struct {
	Format string
	Source bos.NodeNames
}

// Of are the names by the NIDs that the inventory has.
func (b ByNID) Of(ctx context.Context, ids []string) (map[string]string, error) {
	all, err := b.all(ctx)
	return all.Only(ids), err
}

// IDs are the ids by those names.
func (b ByNID) IDs(ctx context.Context, names []string) (map[string]string, error) {
	all, err := b.all(ctx)
	if err != nil {
		return nil, err
	}
	return all.IDs(ctx, names)
}

func (b ByNID) all(ctx context.Context) (Listed, error) {
	if b.Source == nil {
		return nil, errNoName
	}
	list, err := b.Source.NodeNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("the names of nodes: %w", err)
	}
	all := make(Listed, len(list))
	for _, n := range list {
		if n.NID > 0 {
			all[n.ID] = fmt.Sprintf(b.Format, n.NID)
		}
	}
	return all, nil
}

// Listed has nodes called as a list says: xname to name.
type Listed map[string]string

// Of are the names that are listed.
func (l Listed) Of(_ context.Context, ids []string) (map[string]string, error) {
	return l.Only(ids), nil
}

// Only are the names of some nodes.
func (l Listed) Only(ids []string) map[string]string {
	names := make(map[string]string, len(ids))
	for _, id := range ids {
		if name := l[id]; name != "" {
			names[id] = name
		}
	}
	return names
}

// IDs are the ids by the names that are listed.
func (l Listed) IDs(_ context.Context, names []string) (map[string]string, error) {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	ids := make(map[string]string, len(names))
	for id, name := range l {
		if wanted[name] {
			ids[name] = id
		}
	}
	return ids, nil
}

// ParseListed reads lines of an xname and a name; # begins a comment.
func ParseListed(text string) (Listed, error) {
	l, owner := make(Listed), make(map[string]string)
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		switch fields := strings.Fields(line); {
		case len(fields) == 0:
		case len(fields) != 2:
			return nil, fmt.Errorf("line %d has %d words; write an xname and the name that the workload manager has for it", i+1, len(fields))
		case l[fields[0]] != "":
			return nil, fmt.Errorf("line %d names %s again; keep one line for each node", i+1, fields[0])
		case owner[fields[1]] != "":
			return nil, fmt.Errorf("line %d gives %s the name %s, which is that of %s; keep one node for each name", i+1, fields[0], fields[1], owner[fields[1]])
		default:
			l[fields[0]], owner[fields[1]] = fields[1], fields[0]
		}
	}
	return l, nil
}
