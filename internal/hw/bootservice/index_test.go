package bootservice

import (
	"fmt"
	"testing"
)

// large is a room of so many nodes, each with a configuration of its own, as after
// reboots of one node at a time.
func large(count int) room {
	var r room
	for i := range count {
		n := node{
			XName: fmt.Sprintf("x%dc%ds%db0n0", 1000+i/64, i/8%8, i%8), NID: int32(i + 1),
			BootMAC: fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8, i&0xff),
		}
		r.nodes = append(r.nodes, n)
		r.configurations = append(r.configurations, configuration{Name: fmt.Sprintf("bos-%d", i), UID: fmt.Sprintf("u%d", i), Own: true, Spec: spec{
			Hosts: []string{n.XName}, MACs: []string{n.BootMAC}, NIDs: []int32{n.NID}, Kernel: "k", Priority: ownPriority,
		}})
	}
	return r
}

func TestANodeIsComparedWithThoseConfigurationsThatMayBeForIt(t *testing.T) {
	r := large(500)
	r.nodes[7].Groups, r.nodes[7].Hostname = []string{"compute"}, "nid0008"
	for _, s := range []spec{
		{Groups: []string{"compute"}},
		{Hosts: []string{wildcard}},
		{Kernel: "for all"},
		{Hosts: []string{"nid0008"}},
		{MACs: []string{"02:00:00:00:00:07"}},
		{MACs: []string{"02:00:00:00:00:FF"}},
		{NIDs: []int32{8}},
		{Hosts: []string{"x9"}},
	} {
		r.configurations = append(r.configurations, configuration{Name: "theirs", UID: fmt.Sprintf("t%d", len(r.configurations)), Spec: s})
	}
	all := choicesOf(r.configurations)
	for _, n := range r.nodes {
		var want, got []string
		for i := range r.configurations {
			if c := &r.configurations[i]; c.points(n) > 0 {
				want = append(want, c.UID)
			}
		}
		for _, c := range all.of(n) {
			got = append(got, c.UID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s is compared with %v, want those that give it points: %v", n.XName, got, want)
		}
	}
}

// Where each node is compared with each configuration, this does not end.
func TestAWriteIsPlannedInARoomWithAConfigurationForEachNode(t *testing.T) {
	r := large(10_000)
	ids := make([]string, len(r.nodes))
	for i, n := range r.nodes {
		ids[i] = n.XName
	}
	for _, of := range [][]string{ids[5:6], ids} {
		p := r.plan(of, "bos-new", spec{Kernel: "k2"})
		if len(p.ids) != len(of) || len(p.rest) != len(of) || len(p.refused) > 0 {
			t.Errorf("of %d nodes %d are written, %d configurations lose theirs, %d are refused", len(of), len(p.ids), len(p.rest), len(p.refused))
		}
		if len(p.made.Spec.Hosts) != len(of) || len(p.made.Spec.MACs) != len(of) || len(p.made.Spec.NIDs) != len(of) {
			t.Errorf("of %d nodes %d hosts, %d MACs and %d NIDs are named", len(of), len(p.made.Spec.Hosts), len(p.made.Spec.MACs), len(p.made.Spec.NIDs))
		}
	}
}
