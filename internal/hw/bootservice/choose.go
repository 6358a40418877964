package bootservice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// node is one as boot-service knows it. It finds who asks by bootMac.
type node struct {
	XName    string   `json:"xname"`
	NID      int32    `json:"nid"`
	BootMAC  string   `json:"bootMac"`
	Hostname string   `json:"hostname"`
	Groups   []string `json:"groups"`
}

// spec is what a boot configuration says: which nodes it is for, and what they boot.
type spec struct {
	Hosts    []string `json:"hosts,omitempty"`
	MACs     []string `json:"macs,omitempty"`
	NIDs     []int32  `json:"nids,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Profile  string   `json:"profile,omitempty"`
	Kernel   string   `json:"kernel"`
	Initrd   string   `json:"initrd,omitempty"`
	Params   string   `json:"params,omitempty"`
	Priority int      `json:"priority,omitempty"`
}

// targets reports whether it names any node. One that names none is for all.
func (s spec) targets() bool { return len(s.Hosts)+len(s.MACs)+len(s.NIDs)+len(s.Groups) > 0 }

// configuration is a stored one.
type configuration struct {
	Name, UID string
	Own       bool
	Spec      spec
	// names is how often each of the names is in the spec; nil until it is asked.
	names *names
}

// names counts the entries of a spec, as sets of nodes are large.
type names struct {
	hosts, macs, groups map[string]int
	nids                map[int32]int
}

func count[T comparable](list []T) map[T]int {
	of := make(map[T]int, len(list))
	for _, one := range list {
		of[one]++
	}
	return of
}

// The points by which boot-service chooses: for each entry that matches a node.
const (
	pointsMAC    = 100
	pointsNID    = 75
	pointsHost   = 50
	pointsGroup  = 25
	pointsForAll = 1
	ownPriority  = 100 // the highest that there is
	wildcard     = "*"
)

// points are those of a configuration for a node, 0 if it is not for it.
func (c *configuration) points(n node) int {
	if !c.Spec.targets() {
		return pointsForAll
	}
	if c.names == nil {
		macs := make([]string, len(c.Spec.MACs))
		for i, mac := range c.Spec.MACs {
			macs[i] = strings.ToLower(mac)
		}
		c.names = &names{count(c.Spec.Hosts), count(macs), count(c.Spec.Groups), count(c.Spec.NIDs)}
	}
	hosts := c.names.hosts[wildcard] + c.names.hosts[n.XName]
	if n.Hostname != n.XName {
		hosts += c.names.hosts[n.Hostname]
	}
	sum := hosts*pointsHost + c.names.macs[strings.ToLower(n.BootMAC)]*pointsMAC + c.names.nids[n.NID]*pointsNID
	for _, group := range n.Groups {
		sum += c.names.groups[group] * pointsGroup
	}
	return sum
}

// before is negative if a node boots the first of two configurations, and 0 if nobody
// knows which.
func before(a, b *configuration, n node) int {
	return cmp.Or(cmp.Compare(b.points(n), a.points(n)), cmp.Compare(b.Spec.Priority, a.Spec.Priority), strings.Compare(a.Name, b.Name))
}

// rival is who keeps a node from what it is to boot, nil for nobody.
func rival(all choices, ours *configuration, n node) *configuration {
	for _, c := range all.of(n) {
		if c.UID != ours.UID && c.points(n) > 0 && before(ours, c, n) >= 0 {
			return c
		}
	}
	return nil
}

// room is what boot-service knows.
type room struct {
	nodes          []node
	configurations []configuration
}

// of are the nodes of an id, of which there may be several in boot-service.
func (r room) of(id string) (found []node) {
	for _, n := range r.nodes {
		if bos.CanonicalXname(n.XName) == id {
			found = append(found, n)
		}
	}
	return found
}

// aim makes a configuration for nodes: by all that only they are known by.
func (r roster) aim(s spec, ids map[string]bool) spec {
	s.Hosts, s.MACs, s.NIDs, s.Groups = nil, nil, nil, nil
	another := func(id string) bool { return !ids[id] }
	for id := range ids {
		for _, n := range r.byID[id] {
			s.Hosts = append(s.Hosts, n.XName)
			if n.BootMAC != "" {
				s.MACs = append(s.MACs, n.BootMAC)
			}
			if n.NID > 0 && !slices.ContainsFunc(r.byNID[n.NID], another) {
				s.NIDs = append(s.NIDs, n.NID)
			}
		}
	}
	s.Hosts, s.MACs, s.NIDs = sorted(s.Hosts), sorted(s.MACs), sorted(s.NIDs)
	return s
}

func sorted[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// plan is what a write makes of the room.
type plan struct {
	// made is the configuration of the nodes; its UID is not known yet.
	made configuration
	ids  []string
	// rest are those of this service that lose nodes to it, with what is left.
	rest []configuration
	// refused are the nodes that cannot have it, and why.
	refused map[string]string
}

// newUID stands for that of a configuration which is not stored yet.
const newUID = "\x00new"

// plan works out a write: no node but those named may boot what is written, and a
// node that would boot something else is refused.
func (r room) plan(ids []string, name string, s spec) plan {
	p := plan{refused: make(map[string]string)}
	wanted, known, now := make(map[string]bool, len(ids)), r.roster(), choicesOf(r.configurations)
	for _, id := range ids {
		if why := unusable(id, known.byID[id]); why != "" {
			p.refused[id] = why
			continue
		}
		wanted[id] = true
	}
	s.Priority = ownPriority
	for len(wanted) > 0 {
		p.made = configuration{Name: name, UID: newUID, Own: true, Spec: known.aim(s, wanted)}
		p.rest = r.without(known, wanted)
		then := choicesOf(after(r.configurations, p.rest, p.made))
		lost := r.check(then, p.made, wanted)
		if len(lost) == 0 {
			lost = r.disturbed(now, then, wanted)
		}
		if len(lost) == 0 {
			break
		}
		for id, why := range lost {
			p.refused[id] = why
			delete(wanted, id)
		}
	}
	for _, id := range ids {
		if wanted[id] {
			p.ids = append(p.ids, id)
		}
	}
	return p
}

func unusable(id string, found []node) string {
	switch {
	case len(found) == 0:
		return fmt.Sprintf("boot-service has no node %s, so it would boot nothing; add it to /nodes there, or have boot-service take its nodes from the inventory", id)
	case !slices.ContainsFunc(found, func(n node) bool { return n.BootMAC != "" }):
		return fmt.Sprintf("boot-service has no bootMac of %s, by which a node asks, so it would boot nothing; add it to the node there, or correct its interface in the inventory", id)
	}
	return ""
}

// without are the configurations of this service that lose nodes, with what is left
// of them.
func (r room) without(known roster, ids map[string]bool) (rest []configuration) {
	for _, c := range r.configurations {
		if !c.Own {
			continue
		}
		left := make(map[string]bool)
		for _, host := range c.Spec.Hosts {
			if id := bos.CanonicalXname(host); !ids[id] {
				left[id] = true
			}
		}
		if len(left) == len(sorted(slices.Clone(c.Spec.Hosts))) && len(left) > 0 {
			continue
		}
		c.Spec, c.names = known.shrink(c.Spec, left), nil
		rest = append(rest, c)
	}
	return rest
}

// shrink is a configuration for the nodes that are left. One that boot-service knows
// no more keeps its name alone.
func (r roster) shrink(s spec, left map[string]bool) spec {
	hosts := s.Hosts
	s = r.aim(s, left)
	for _, host := range hosts {
		if left[bos.CanonicalXname(host)] {
			s.Hosts = append(s.Hosts, host)
		}
	}
	s.Hosts = sorted(s.Hosts)
	return s
}

// after are the configurations once a write is done.
func after(all, rest []configuration, made configuration) []configuration {
	list, smaller := make([]configuration, 0, len(all)+1), make(map[string]configuration, len(rest))
	for _, c := range rest {
		smaller[c.UID] = c
	}
	for _, c := range all {
		if shrunk, ok := smaller[c.UID]; ok {
			c = shrunk
		}
		if !c.Own || c.Spec.targets() {
			list = append(list, c)
		}
	}
	return append(list, made)
}

// check are the nodes, of those that are to boot ours, that would not, or whose name
// or address another node has that would then boot it too.
func (r room) check(all choices, ours configuration, ids map[string]bool) map[string]string {
	lost := make(map[string]string)
	for _, n := range r.nodes {
		id := bos.CanonicalXname(n.XName)
		switch by := rival(all, &ours, n); {
		case ids[id] && by != nil:
			lost[id] = fmt.Sprintf("boot-service would have %s boot configuration %q (uid %s, %d points, priority %d) in place of what is written; take the node out of it",
				n.XName, by.Name, by.UID, by.points(n), by.Spec.Priority)
		case !ids[id] && by == nil && ours.points(n) > 0:
			r.strays(n, ids, lost)
		}
	}
	r.twins(ids, lost)
	return lost
}

// twins notes the nodes whose MAC address another node has: who asks by it may be
// taken for the other.
func (r room) twins(ids map[string]bool, lost map[string]string) {
	owner := make(map[string]node)
	for _, n := range r.nodes {
		if !ids[bos.CanonicalXname(n.XName)] {
			owner[strings.ToLower(n.BootMAC)] = n
		}
	}
	for _, n := range r.nodes {
		id := bos.CanonicalXname(n.XName)
		if other, shared := owner[strings.ToLower(n.BootMAC)]; ids[id] && shared && n.BootMAC != "" {
			lost[id] = fmt.Sprintf("boot-service has the bootMac %s for %s and for %s, so it cannot tell which of them asks; correct the nodes there", n.BootMAC, n.XName, other.XName)
		}
	}
}

// disturbed are the nodes that cannot be written as another one, for which nothing is
// written, would then boot something else than now: all, as it is one configuration.
func (r room) disturbed(now, then choices, ids map[string]bool) map[string]string {
	for _, n := range r.nodes {
		if ids[bos.CanonicalXname(n.XName)] || chosen(now, n) == chosen(then, n) {
			continue
		}
		lost := make(map[string]string, len(ids))
		for id := range ids {
			lost[id] = fmt.Sprintf("%s, for which nothing is written, would boot another configuration once %s has one of its own; correct the nodes in boot-service, which has a name, MAC address or number twice", n.XName, id)
		}
		return lost
	}
	return nil
}

// chosen is the uid of what a node boots, empty for nothing.
func chosen(all choices, n node) string {
	uid, best := "", (*configuration)(nil)
	for _, c := range all.of(n) {
		if c.points(n) > 0 && (best == nil || before(c, best, n) < 0) {
			uid, best = c.UID, c
		}
	}
	return uid
}

// strays notes the nodes for which nothing can be written without another booting it
// too.
func (r room) strays(other node, ids map[string]bool, lost map[string]string) {
	found := false
	for _, n := range r.nodes {
		if id := bos.CanonicalXname(n.XName); ids[id] && mixedUp(n, other) {
			found = true
			lost[id] = fmt.Sprintf("in boot-service %s (hostname %q, bootMac %s) has the name or the MAC address of %s, so that both would boot what is written for one; correct the nodes there",
				other.XName, other.Hostname, other.BootMAC, n.XName)
		}
	}
	for id := range ids {
		if !found {
			lost[id] = fmt.Sprintf("%s, which is not to boot this, would boot what is written for %s; correct the nodes in boot-service", other.XName, id)
		}
	}
}

// mixedUp reports whether what is written for one node is for another as well.
func mixedUp(one, other node) bool {
	return strings.EqualFold(one.BootMAC, other.BootMAC) || other.Hostname == one.XName
}
