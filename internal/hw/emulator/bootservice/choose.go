package bootservice

import (
	"cmp"
	"slices"
	"strings"
)

// Node is a node as boot-service has it.
type Node struct {
	XName    string   `json:"xname"`
	NID      int32    `json:"nid,omitempty"`
	BootMAC  string   `json:"bootMac,omitempty"`
	Role     string   `json:"role,omitempty"`
	Hostname string   `json:"hostname,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// Spec is what a configuration says: which nodes it is for, and what they boot.
type Spec struct {
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

// Configuration is a stored one.
type Configuration struct {
	Name, UID string
	Labels    map[string]string
	Spec      Spec
}

// points are what each kind of match counts.
const (
	pointsMAC   = 100
	pointsNID   = 75
	pointsHost  = 50
	pointsGroup = 25
	pointsAll   = 1
)

// points say how well a configuration is meant for a node; each entry that matches
// counts, and 0 is not at all. One that names nobody is for all.
func (s Spec) points(n Node) int {
	if len(s.Hosts)+len(s.MACs)+len(s.NIDs)+len(s.Groups) == 0 {
		return pointsAll
	}
	sum := 0
	for _, host := range s.Hosts {
		if host == "*" || host == n.XName || host == n.Hostname {
			sum += pointsHost
		}
	}
	for _, mac := range s.MACs {
		if strings.EqualFold(mac, n.BootMAC) {
			sum += pointsMAC
		}
	}
	for _, nid := range s.NIDs {
		if nid == n.NID {
			sum += pointsNID
		}
	}
	for _, group := range s.Groups {
		for _, of := range n.Groups {
			if group == of {
				sum += pointsGroup
			}
		}
	}
	return sum
}

// choose is the configuration that a node boots, nil for none.
func choose(all []*Configuration, n Node) *Configuration {
	ranked := slices.DeleteFunc(slices.Clone(all), func(c *Configuration) bool { return c.Spec.points(n) == 0 })
	if len(ranked) == 0 {
		return nil
	}
	return slices.MinFunc(ranked, func(a, b *Configuration) int {
		return cmp.Or(cmp.Compare(b.Spec.points(n), a.Spec.points(n)), cmp.Compare(b.Spec.Priority, a.Spec.Priority), strings.Compare(a.Name, b.Name))
	})
}
