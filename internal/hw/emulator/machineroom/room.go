package machineroom

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// Config is what a room is made of; zero values are the defaults.
type Config struct {
	// Nodes is how many to invent, at most MaxNodes; ignored with a Dump.
	Nodes int
	// NodesPerBMC is how many invented nodes share a BMC, at most 8; 2 by default.
	NodesPerBMC int
	// Seed sets the nodes' own pace and which calls the Faults hit.
	Seed uint64
	// PowerTime is how long power takes to change, BootTime how long a
	// node takes from power to its report. Each node has its own pace, up
	// to a tenth faster or slower.
	PowerTime time.Duration
	BootTime  time.Duration
	// ConfigTime is how long CFS takes to configure a node that has booted.
	ConfigTime time.Duration
	// OnePace takes the nodes' own pace away: what begins together ends together.
	OnePace bool
	// ReportEvery is how often a booted node repeats its report; 0 is never.
	ReportEvery time.Duration
	// Dead names nodes or BMCs whose BMC does not answer.
	Dead []string
	// Profiles make BMCs behave like those of a make.
	Profiles []ProfileOf
	// Dump is a real site to emulate instead of invented nodes.
	Dump *Dump
}

// The pace of nodes that are not told another, and the size of a room.
const (
	DefaultPowerTime   = time.Second
	DefaultBootTime    = 3 * time.Second
	DefaultConfigTime  = time.Second
	DefaultNodesPerBMC = 2
	MaxNodes           = bos.MaxExpand
	maxNodesPerBMC     = 8
)

// Errors of calls about one node.
var (
	ErrUnknownNode = errors.New("the room has no such node")
	ErrNoBMC       = errors.New("the node has no BMC")
)

// Room is the state of all nodes and of what HSM and BSS know about them. It is
// safe for concurrent use. Times passed to it may not run backwards for one
// node.
type Room struct {
	config Config
	mu     sync.Mutex
	nodes  map[string]*node
	order  []*node
	bmcs   map[string][]*node
	// systems are those of bmcs.
	systems map[string][]System
	// keys counts the reservations of services.
	keys int
	// reserved and lockedBMCs are locks in HSM, by node or BMC.
	reserved   map[string]reservation
	lockedBMCs map[string]bool
	elsewhere  bool
	groups     map[string][]string
	partitions map[string][]string
	schedule   schedule
	pending    []Report
	pcs        pcs
	// news is what Watch made the room note.
	watched bool
	news    []News
	// rules are those of fault scripts, ruled counts all there were; asked
	// counts the requests to BMCs and services while there are rules.
	rules []*rule
	ruled int
	asked map[string]uint64
	// now is the latest time that anybody has named.
	now time.Time
}

// Endpoint is what HSM knows about the BMC of a node; the zero value is none.
type Endpoint struct {
	// BMC is the xname of the BMC.
	BMC string
	// System is the path of the ComputerSystem, Target that of its reset
	// action and ActionInfo that of the list of reset types; where the
	// latter is empty the system lists them itself.
	System     string
	Target     string
	ActionInfo string
	// ResetTypes are those that work, Listed those that the BMC lists.
	ResetTypes []string
	Listed     []string
}

// New builds a room. Invented nodes are off, those of a dump are on if
// their HSM state is On or Ready.
func New(c Config) (*Room, error) {
	c.PowerTime, c.BootTime = cmp.Or(c.PowerTime, DefaultPowerTime), cmp.Or(c.BootTime, DefaultBootTime)
	c.ConfigTime = cmp.Or(c.ConfigTime, DefaultConfigTime)
	c.NodesPerBMC = cmp.Or(c.NodesPerBMC, DefaultNodesPerBMC)
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &Room{
		config: c, nodes: make(map[string]*node), bmcs: make(map[string][]*node),
		reserved: make(map[string]reservation), lockedBMCs: make(map[string]bool),
		asked: make(map[string]uint64), groups: make(map[string][]string), partitions: make(map[string][]string),
	}
	if c.Dump != nil {
		r.load(c.Dump)
	} else {
		r.invent(c.Nodes)
	}
	if err := r.setProfiles(c.Profiles); err != nil {
		return nil, err
	}
	r.systems = make(map[string][]System, len(r.bmcs))
	for bmc, nodes := range r.bmcs {
		for _, n := range nodes {
			r.systems[bmc] = append(r.systems[bmc], n.system())
		}
	}
	for _, id := range c.Dead {
		bmc := r.bmcOf(id)
		if _, ok := r.bmcs[bmc]; !ok {
			return nil, fmt.Errorf("the list of dead BMCs names %q, which is no node with a BMC and no BMC of this room; use an xname such as %s", id, r.example())
		}
		dead, err := r.newRule(fault.Rule{Name: string(fault.Dead), Fault: fault.Dead, Nodes: bmc}, 0, time.Time{})
		if err != nil {
			return nil, err
		}
		r.rules = append(r.rules, dead)
	}
	return r, nil
}

func (c Config) validate() error {
	count := c.Nodes
	if c.Dump != nil {
		count = len(c.Dump.Nodes)
	}
	switch {
	case count < 1 || count > MaxNodes:
		return fmt.Errorf("a room of %d nodes cannot be emulated; use 1 to %d", count, MaxNodes)
	case c.NodesPerBMC < 1 || c.NodesPerBMC > maxNodesPerBMC:
		return fmt.Errorf("%d nodes per BMC cannot be emulated; use 1 to %d", c.NodesPerBMC, maxNodesPerBMC)
	case c.PowerTime < 0 || c.BootTime < 0 || c.ConfigTime < 0 || c.ReportEvery < 0:
		return fmt.Errorf("power time %s, boot time %s, configuration time %s and report interval %s may not be negative", c.PowerTime, c.BootTime, c.ConfigTime, c.ReportEvery)
	}
	return nil
}

// invent fills cabinets from x1000: 8 chassis of 8 slots with 2 BMCs each.
func (r *Room) invent(count int) {
	for i := range count {
		bmc, n := i/r.config.NodesPerBMC, i%r.config.NodesPerBMC
		id := fmt.Sprintf("x%dc%ds%db%dn%d", 1000+bmc/128, bmc/16%8, bmc/2%8, bmc%2, n)
		system := fmt.Sprintf("/redfish/v1/Systems/Node%d", n)
		r.add(DumpNode{
			Node: bos.Node{ID: id, Role: "Compute", Arch: string(bos.ArchX86), Enabled: true}, NID: i + 1, Class: "Mountain",
			Endpoint: Endpoint{
				BMC: bos.BMCOf(id), System: system, Target: system + ResetPath, ActionInfo: system + "/ResetActionInfo",
				ResetTypes: []string{ResetOn, ResetForceOff, ResetGraceful, ResetForceRestart},
			},
		})
	}
}

func (r *Room) add(d DumpNode) {
	if _, twice := r.nodes[d.ID]; twice {
		return
	}
	n := &node{Node: d.Node, nid: d.NID, class: d.Class, endpoint: d.Endpoint, place: len(r.order), queued: -1}
	n.operations, n.profile, n.endpoint.Listed = transitionsOf(d.Endpoint.ResetTypes), &alike, d.Endpoint.ResetTypes
	n.pace = 0.9 + 0.2*r.draw(n.ID, saltPace)
	if r.config.OnePace {
		n.pace = 1
	}
	if d.On {
		n.phase = phaseUp
	}
	r.nodes[n.ID] = n
	r.order = append(r.order, n)
	if bmc := d.Endpoint.BMC; bmc != "" {
		r.bmcs[bmc] = append(r.bmcs[bmc], n)
	}
}

// bmcOf is the BMC of a node, or the name itself in its canonical form.
func (r *Room) bmcOf(name string) string {
	name = bos.CanonicalXname(name)
	if n, ok := r.nodes[name]; ok {
		return n.endpoint.BMC
	}
	return name
}

func (r *Room) example() string {
	for _, n := range r.order {
		if n.endpoint.BMC != "" {
			return n.endpoint.BMC
		}
	}
	return "x1000c0s0b0"
}

// Inventory is what HSM would say, in the order in which the room was filled.
func (r *Room) Inventory() bos.Inventory {
	r.mu.Lock()
	defer r.mu.Unlock()
	inv := bos.Inventory{Groups: cloneLists(r.groups), Partitions: cloneLists(r.partitions)}
	for _, n := range r.order {
		inv.Nodes = append(inv.Nodes, n.Node)
	}
	return inv
}

func cloneLists(lists map[string][]string) map[string][]string {
	c := make(map[string][]string, len(lists))
	for name, ids := range lists {
		c[name] = slices.Clone(ids)
	}
	return c
}

// AddToGroup puts nodes into an HSM group, which comes to be with the first.
func (r *Room) AddToGroup(group string, ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	addMembers(r.groups, group, ids)
}

// AddToPartition puts nodes into an HSM partition, which comes to be with the
// first.
func (r *Room) AddToPartition(partition string, ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	addMembers(r.partitions, partition, ids)
}

func addMembers(lists map[string][]string, name string, ids []string) {
	members := lists[name]
	if members == nil {
		members = []string{}
	}
	for _, id := range ids {
		if id = bos.CanonicalXname(id); !slices.Contains(members, id) {
			members = append(members, id)
		}
	}
	lists[name] = members
}

// RemoveFromGroup takes a node out of a group; it reports whether it was in it.
func (r *Room) RemoveFromGroup(group, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	members := r.groups[group]
	at := slices.Index(members, bos.CanonicalXname(id))
	if at < 0 {
		return false
	}
	r.groups[group] = slices.Delete(members, at, at+1)
	return true
}

// DeleteGroup removes a group; it reports whether there was one.
func (r *Room) DeleteGroup(group string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.groups[group]
	delete(r.groups, group)
	return ok
}

// SetEnabled enables or disables a node in HSM; it reports whether it exists.
func (r *Room) SetEnabled(id string, enabled bool) bool {
	return r.change(id, func(n *node) { n.Enabled = enabled })
}

func (r *Room) change(id string, fn func(*node)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.find(id)
	if ok {
		before := n.state()
		fn(n)
		if r.watched {
			r.note(n, before, r.now)
		}
	}
	return ok
}

// find is a node by its xname in any form; most come in the canonical one.
func (r *Room) find(id string) (*node, bool) {
	n, ok := r.nodes[id]
	if !ok {
		n, ok = r.nodes[bos.CanonicalXname(id)]
	}
	return n, ok
}

// SetBootParameters is a write to BSS. Hosts that the room does not have are
// left out, as they never fetch a boot script.
func (r *Room) SetBootParameters(hosts []string, a bos.BootArtifacts, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range hosts {
		if n, ok := r.find(id); ok {
			if n.script != (script{}) && n.script.artifacts != a {
				n.earlier = n.script
			}
			n.script = script{a, token}
		}
	}
}

// DeleteBootParameters removes what BSS has for the hosts.
func (r *Room) DeleteBootParameters(hosts []string) {
	r.SetBootParameters(hosts, bos.BootArtifacts{}, "")
}

// BootParameters is what BSS has for a node; ok is false for nothing.
func (r *Room) BootParameters(id string) (a bos.BootArtifacts, token string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.find(id)
	if !ok || n.script == (script{}) {
		return bos.BootArtifacts{}, "", false
	}
	return n.script.artifacts, n.script.token, true
}
