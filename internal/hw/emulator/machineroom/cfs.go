package machineroom

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// CFS knows every node of the room from the start, with nothing desired: who
// configures nothing never meets it.

// cfsRetries is how often CFS fails a component before it gives up, unless the
// component has a retry policy of its own.
const cfsRetries = 3

// The configuration statuses of CFS.
const (
	CFSUnconfigured = "unconfigured"
	CFSPending      = "pending"
	CFSFailed       = "failed"
	CFSConfigured   = "configured"
)

// The statuses of a layer.
const (
	layerApplied = "applied"
	layerFailed  = "failed"
)

// CFSLayer is a layer that was applied to a node, or failed.
type CFSLayer struct {
	CloneURL    string `json:"clone_url"`
	Playbook    string `json:"playbook"`
	Commit      string `json:"commit"`
	Status      string `json:"status"`
	LastUpdated string `json:"last_updated,omitempty"`
	SessionName string `json:"session_name,omitempty"`
}

// cfsRecord is what CFS keeps of a node.
type cfsRecord struct {
	Desired    string            `json:"desired_config,omitempty"`
	State      []CFSLayer        `json:"state,omitempty"`
	ErrorCount int               `json:"error_count,omitempty"`
	Retries    *int              `json:"retry_policy,omitempty"`
	Enabled    bool              `json:"enabled,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// CFSComponent is what CFS tells of a node.
type CFSComponent struct {
	ID         string            `json:"id"`
	State      *[]CFSLayer       `json:"state,omitempty"`
	Desired    string            `json:"desired_config"`
	ErrorCount int               `json:"error_count"`
	Retries    *int              `json:"retry_policy,omitempty"`
	Enabled    bool              `json:"enabled"`
	Status     string            `json:"configuration_status"`
	Tags       map[string]string `json:"tags"`
}

// CFSPatch is what a client changes; what is nil stays as it is. A tag without
// a value is removed.
type CFSPatch struct {
	ID         string            `json:"id"`
	State      *[]CFSLayer       `json:"state"`
	Append     *CFSLayer         `json:"state_append"`
	Desired    *string           `json:"desired_config"`
	ErrorCount *int              `json:"error_count"`
	Retries    *int              `json:"retry_policy"`
	Enabled    *bool             `json:"enabled"`
	Tags       map[string]string `json:"tags"`
}

// CFSFilter chooses components; the zero value is all. Tags must all match.
type CFSFilter struct {
	IDs      []string
	Statuses []string
	Enabled  *bool
	Config   string
	Tags     map[string]string
}

// layerOf is the one layer of a configuration: in this room every name is a
// configuration.
func layerOf(config string) CFSLayer {
	return CFSLayer{CloneURL: "https://vcs.local/vcs/cray/" + config + ".git", Playbook: "site.yml", Commit: commitOf(config)}
}

// commitOf is the commit of a configuration.
func commitOf(config string) string {
	sum := sha256.Sum256([]byte(config))
	return hex.EncodeToString(sum[:20])
}

func (l CFSLayer) same(o CFSLayer) bool {
	return l.CloneURL == o.CloneURL && l.Playbook == o.Playbook && l.Commit == o.Commit
}

// status follows from the layers and the errors, as CFS works it out at each
// look.
func (c *cfsRecord) status() string {
	if c.Desired == "" {
		if len(c.State) == 0 {
			return CFSUnconfigured
		}
		return CFSConfigured
	}
	wanted := layerOf(c.Desired)
	at := slices.IndexFunc(c.State, wanted.same)
	switch {
	case at >= 0 && c.State[at].Status != layerFailed:
		return CFSConfigured
	case c.givenUp():
		return CFSFailed
	default:
		return CFSPending
	}
}

func (c *cfsRecord) givenUp() bool {
	retries := cfsRetries
	if c.Retries != nil {
		retries = *c.Retries
	}
	return retries != -1 && c.ErrorCount >= retries
}

// put replaces the layer of the same source and playbook, or adds one.
func (c *cfsRecord) put(l CFSLayer) {
	c.State = slices.DeleteFunc(slices.Clone(c.State), func(o CFSLayer) bool { return o.CloneURL == l.CloneURL && o.Playbook == l.Playbook })
	c.State = append(c.State, l)
}

func (c *cfsRecord) patch(p CFSPatch, now time.Time) {
	if p.Desired != nil {
		c.Desired = *p.Desired
	}
	switch {
	case p.ErrorCount != nil:
		c.ErrorCount = *p.ErrorCount
	case p.Desired != nil || p.State != nil && len(*p.State) == 0:
		c.ErrorCount = 0
	}
	if p.Retries != nil {
		c.Retries = p.Retries
	}
	if p.Enabled != nil {
		c.Enabled = *p.Enabled
	}
	if p.State != nil {
		c.State = slices.Clone(*p.State)
	}
	if p.Append != nil {
		c.put(*p.Append)
	}
	for i := range c.State {
		if c.State[i].LastUpdated == "" {
			c.State[i].LastUpdated = now.UTC().Format(time.RFC3339)
		}
		if c.State[i].Status == "" {
			c.State[i].Status = layerApplied
		}
	}
	if p.Tags != nil {
		tags := maps.Clone(c.Tags)
		if tags == nil {
			tags = make(map[string]string, len(p.Tags))
		}
		maps.Copy(tags, p.Tags)
		maps.DeleteFunc(tags, func(_, value string) bool { return value == "" })
		c.Tags = tags
	}
}

func (c *cfsRecord) tell(id string, layers bool) CFSComponent {
	told := CFSComponent{ID: id, Desired: c.Desired, ErrorCount: c.ErrorCount, Retries: c.Retries, Enabled: c.Enabled, Status: c.status(), Tags: c.Tags}
	if told.Tags == nil {
		told.Tags = map[string]string{}
	}
	if layers {
		state := slices.Clone(c.State)
		if state == nil {
			state = []CFSLayer{}
		}
		told.State = &state
	}
	return told
}

// matches reports whether a filter chooses a component.
func (f CFSFilter) matches(id string, c *cfsRecord) bool {
	if len(f.IDs) > 0 && !slices.Contains(f.IDs, id) || f.Enabled != nil && *f.Enabled != c.Enabled || f.Config != "" && f.Config != c.Desired {
		return false
	}
	for name, value := range f.Tags {
		if have, ok := c.Tags[name]; !ok || have != value {
			return false
		}
	}
	return len(f.Statuses) == 0 || slices.Contains(f.Statuses, c.status())
}

// chosen are the nodes of a filter in the order of their ids, as strings.
func (r *Room) chosen(f CFSFilter, now time.Time) []*node {
	var nodes []*node
	add := func(n *node) {
		r.advance(n, now)
		if f.matches(n.ID, &n.cfs) {
			nodes = append(nodes, n)
		}
	}
	if len(f.IDs) == 0 {
		for _, n := range r.order {
			add(n)
		}
	}
	ids := slices.Clone(f.IDs)
	slices.Sort(ids)
	f.IDs = nil // those found are in it
	for _, id := range slices.Compact(ids) {
		if n, ok := r.nodes[id]; ok {
			add(n)
		}
	}
	slices.SortFunc(nodes, func(a, b *node) int { return strings.Compare(a.ID, b.ID) })
	return nodes
}

// CFSComponents are those of a filter, at most limit of them after an id; more
// says that there are others. layers adds what was applied to them.
func (r *Room) CFSComponents(f CFSFilter, limit int, after string, layers bool, now time.Time) (told []CFSComponent, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	told = []CFSComponent{}
	for _, n := range r.chosen(f, now) {
		if n.ID <= after {
			continue
		}
		if len(told) == limit {
			return told, true
		}
		told = append(told, n.cfs.tell(n.ID, layers))
	}
	return told, false
}

// PatchCFS changes the components of a filter and returns their ids. What they
// have to do then begins at once if they are up.
func (r *Room) PatchCFS(f CFSFilter, p CFSPatch, now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := []string{}
	for _, n := range r.chosen(f, now) {
		n.cfs.patch(p, now)
		r.configure(n, now)
		ids = append(ids, n.ID)
	}
	return ids
}

// agent is what the agent on a node does after each boot: what was applied
// before is gone, and CFS may begin.
func (r *Room) agent(n *node, now time.Time) {
	n.cfs.State, n.cfs.ErrorCount, n.cfs.Enabled = nil, 0, true
	r.configure(n, now)
}

// configure begins the work of CFS on a node, or stops it where there is none
// to do any more. A node is configured while it is up only.
func (r *Room) configure(n *node, now time.Time) {
	running := !n.timers[timerConfig].IsZero()
	wanted := n.cfs.Enabled && n.phase == phaseUp && n.cfs.status() == CFSPending
	switch {
	case wanted && (!running || n.configuring != n.cfs.Desired):
		n.configuring = n.cfs.Desired
		r.wake(n, timerConfig, now.Add(max(n.takes(r.config.ConfigTime), 1)))
	case !wanted && running:
		r.wake(n, timerConfig, time.Time{})
	}
}

// configured ends one run of CFS on a node; after a failure it tries again
// until it gives up.
func (r *Room) configured(n *node, at time.Time) {
	r.wake(n, timerConfig, time.Time{})
	l := layerOf(n.configuring)
	l.Status, l.LastUpdated = layerApplied, at.UTC().Format(time.RFC3339)
	n.configs++
	if r.failsConfig(n, at) {
		l.Status = layerFailed
		n.cfs.ErrorCount++
	}
	n.cfs.put(l)
	r.configure(n, at)
}
