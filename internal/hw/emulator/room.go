// Package emulator is a machine room without machines: nodes with BMCs, HSM,
// BSS and S3, in the wire formats of the real ones.
//
// Room is the model, free of sockets, goroutines and clocks, so that a
// simulation can drive it in virtual time; Server puts it on real sockets.
package emulator

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Config is what a room is made of; zero values are the defaults.
type Config struct {
	// Nodes is how many to invent, two per BMC; ignored with a Dump.
	Nodes int
	Seed  uint64
	// PowerTime is how long power takes to change, BootTime how long a
	// node takes from power to its report. Each node has its own pace, up
	// to a tenth faster or slower.
	PowerTime time.Duration
	BootTime  time.Duration
	// Dead names nodes or BMCs whose BMC does not answer.
	Dead []string
	Dump *Dump
}

// The pace of nodes that are not told another.
const (
	DefaultPowerTime = time.Second
	DefaultBootTime  = 3 * time.Second
)

// The reset types BMCs may offer.
const (
	resetOn       = "On"
	resetForceOff = "ForceOff"
	resetGraceful = "GracefulShutdown"
)

// Room is the state of all nodes. It is safe for concurrent use.
type Room struct {
	config Config
	mu     sync.Mutex
	nodes  map[string]*node
	order  []string
	silent map[string]bool
	outage bool
	groups map[string][]string
}

type node struct {
	bos.Node
	endpoint Endpoint
	pace     float64
	power    bos.PowerState
	// until is when a transition ends.
	until time.Time
	// reportAt is when the booted node reports; zero if it does not boot.
	reportAt  time.Time
	artifacts bos.BootArtifacts
	token     string
	booted    string // the token it booted with
	resets    []ResetRecord
}

// Endpoint is what HSM knows about the BMC of a node.
type Endpoint struct {
	BMC        string
	System     string
	ResetTypes []string
}

// ResetRecord is one reset that was accepted and changed something.
type ResetRecord struct {
	Time      time.Time
	Type      string
	Before    bos.PowerState
	Artifacts bos.BootArtifacts
}

// Report is a node telling BOS what it booted.
type Report struct {
	Node  string
	Token string
}

// NewRoom builds a room; all invented nodes are off.
func NewRoom(c Config) (*Room, error) {
	c.PowerTime, c.BootTime = cmp.Or(c.PowerTime, DefaultPowerTime), cmp.Or(c.BootTime, DefaultBootTime)
	r := &Room{config: c, nodes: make(map[string]*node), silent: make(map[string]bool), groups: make(map[string][]string)}
	if c.Dump != nil {
		r.load(c.Dump)
	} else {
		r.invent(c.Nodes)
	}
	for _, id := range c.Dead {
		bmc := bos.BMCOf(bos.CanonicalXname(id))
		if !slices.ContainsFunc(r.order, func(id string) bool { return bos.BMCOf(id) == bmc }) {
			return nil, fmt.Errorf("--dead names %q, which is no node or BMC of this room", id)
		}
		r.silent[bmc] = true
	}
	return r, nil
}

// invent fills cabinets from x1000: 8 chassis of 8 slots with 2 BMCs of 2 nodes.
func (r *Room) invent(count int) {
	for i := range count {
		bmc := i / 2
		id := fmt.Sprintf("x%dc%ds%db%dn%d", 1000+bmc/128, bmc/16%8, bmc/2%8, bmc%2, i%2)
		r.add(bos.Node{ID: id, Role: "Compute", Arch: "X86", Enabled: true}, Endpoint{
			BMC: bos.BMCOf(id), System: fmt.Sprintf("/redfish/v1/Systems/Node%d", i%2),
			ResetTypes: []string{resetOn, resetForceOff, resetGraceful},
		}, bos.PowerStateOff)
	}
}

func (r *Room) add(n bos.Node, e Endpoint, power bos.PowerState) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", r.config.Seed, n.ID)
	pace := 0.9 + float64(h.Sum64()%2001)/10000
	r.nodes[n.ID] = &node{Node: n, endpoint: e, pace: pace, power: power}
	r.order = append(r.order, n.ID)
}

// Inventory is what HSM would say.
func (r *Room) Inventory() bos.Inventory {
	r.mu.Lock()
	defer r.mu.Unlock()
	inv := bos.Inventory{Groups: make(map[string][]string), Partitions: make(map[string][]string)}
	for _, id := range r.order {
		inv.Nodes = append(inv.Nodes, r.nodes[id].Node)
	}
	for name, ids := range r.groups {
		inv.Groups[name] = slices.Clone(ids)
	}
	return inv
}

// AddToGroup puts nodes into an HSM group.
func (r *Room) AddToGroup(group string, ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups[group] = append(r.groups[group], ids...)
}

// SetSilent makes a BMC stop answering, or answer again.
func (r *Room) SetSilent(bmc string, silent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent[bmc] = silent
}

// SetOutage makes all BMCs stop answering, or answer again, except those that
// are silent for themselves.
func (r *Room) SetOutage(outage bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outage = outage
}

// Silent reports whether a BMC does not answer.
func (r *Room) Silent(bmc string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outage || r.silent[bmc]
}

// Power is the power state of a node now; ok is false for an unknown node.
func (r *Room) Power(id string, now time.Time) (state bos.PowerState, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok {
		return bos.PowerStateUnknown, false
	}
	n.advance(now)
	return n.power, true
}

// advance ends a transition whose time has come.
func (n *node) advance(now time.Time) {
	if n.until.IsZero() || now.Before(n.until) {
		return
	}
	switch n.power {
	case bos.PowerStatePoweringOn:
		n.power = bos.PowerStateOn
	case bos.PowerStatePoweringOff:
		n.power = bos.PowerStateOff
	default:
	}
	n.until = time.Time{}
}

// Reset asks a node's BMC for a reset and returns the HTTP status it answers:
// 200 accepted, 400 a type it does not offer, 409 while power is changing.
func (r *Room) Reset(id, kind string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok {
		return 404
	}
	n.advance(now)
	if !slices.Contains(n.endpoint.ResetTypes, kind) {
		return 400
	}
	if !n.until.IsZero() && kind != resetForceOff {
		return 409
	}
	on := n.power == bos.PowerStateOn || n.power == bos.PowerStatePoweringOn
	record := ResetRecord{now, kind, n.power, n.artifacts}
	switch {
	case kind == resetOn && !on:
		n.power = bos.PowerStatePoweringOn
		n.until = now.Add(n.takes(r.config.PowerTime))
		n.reportAt = n.until.Add(n.takes(r.config.BootTime))
		n.booted = n.token
	case kind != resetOn && on:
		n.power = bos.PowerStatePoweringOff
		n.until = now.Add(n.takes(r.config.PowerTime))
		n.reportAt = time.Time{}
		n.booted = ""
	default:
		return 200 // already there
	}
	n.resets = append(n.resets, record)
	return 200
}

func (n *node) takes(d time.Duration) time.Duration { return time.Duration(float64(d) * n.pace) }

// SetBootParameters is a write to BSS.
func (r *Room) SetBootParameters(hosts []string, a bos.BootArtifacts, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range hosts {
		if n, ok := r.nodes[id]; ok {
			n.artifacts, n.token = a, token
		}
	}
}

// BootParameters is what BSS has for a node.
func (r *Room) BootParameters(id string) (bos.BootArtifacts, string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok || n.token == "" {
		return bos.BootArtifacts{}, "", false
	}
	return n.artifacts, n.token, true
}

// Next is when the next node reports; ok is false if none will.
func (r *Room) Next() (at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if !n.reportAt.IsZero() && (!ok || n.reportAt.Before(at)) {
			at, ok = n.reportAt, true
		}
	}
	return at, ok
}

// Advance brings the room to now and returns the nodes that report, in order.
// A node that found no boot script never reports.
func (r *Room) Advance(now time.Time) []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	var reports []Report
	for _, id := range r.order {
		n := r.nodes[id]
		n.advance(now)
		if n.reportAt.IsZero() || now.Before(n.reportAt) {
			continue
		}
		n.reportAt = time.Time{}
		if n.booted != "" {
			reports = append(reports, Report{id, n.booted})
		}
	}
	return reports
}

// Resets lists the accepted resets of a node that changed something.
func (r *Room) Resets(id string) []ResetRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.nodes[id].resets)
}

// Reporting is whether a node still runs what it booted with the token.
func (r *Room) Reporting(rep Report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[rep.Node]
	return ok && n.booted == rep.Token
}
