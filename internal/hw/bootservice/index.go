package bootservice

import (
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// roster finds nodes by their ids, in the form in which this service has them, and the
// ids of those that have a number.
type roster struct {
	byID  map[string][]node
	byNID map[int32][]string
}

func (r room) roster() roster {
	found := roster{make(map[string][]node, len(r.nodes)), make(map[int32][]string, len(r.nodes))}
	for _, n := range r.nodes {
		id := bos.CanonicalXname(n.XName)
		found.byID[id] = append(found.byID[id], n)
		if n.NID > 0 { // 0 is none
			found.byNID[n.NID] = append(found.byNID[n.NID], id)
		}
	}
	return found
}

// choices are configurations, found by what they name: there may be one for each of
// 10,000 nodes, and a node is a matter of one or two.
type choices struct {
	all                 []configuration
	hosts, macs, groups map[string][]int
	nids                map[int32][]int
	// everyone has those that may be for any node.
	everyone []int
}

func choicesOf(all []configuration) choices {
	c := choices{all: all, hosts: make(map[string][]int), macs: make(map[string][]int), groups: make(map[string][]int), nids: make(map[int32][]int)}
	for i := range all {
		s := all[i].Spec
		if !s.targets() || slices.Contains(s.Hosts, wildcard) {
			c.everyone = append(c.everyone, i)
		}
		for _, host := range s.Hosts {
			c.hosts[host] = append(c.hosts[host], i)
		}
		for _, mac := range s.MACs {
			mac = strings.ToLower(mac)
			c.macs[mac] = append(c.macs[mac], i)
		}
		for _, group := range s.Groups {
			c.groups[group] = append(c.groups[group], i)
		}
		for _, nid := range s.NIDs {
			c.nids[nid] = append(c.nids[nid], i)
		}
	}
	return c
}

// of are the configurations that may be for a node, in their order.
func (c choices) of(n node) []*configuration {
	places := slices.Concat(c.everyone, c.hosts[n.XName], c.hosts[n.Hostname], c.macs[strings.ToLower(n.BootMAC)], c.nids[n.NID])
	for _, group := range n.Groups {
		places = append(places, c.groups[group]...)
	}
	found := make([]*configuration, 0, len(places))
	for _, i := range sorted(places) {
		found = append(found, &c.all[i])
	}
	return found
}
