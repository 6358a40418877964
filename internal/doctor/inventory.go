package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/inventoryfile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// inventory reads the nodes, and by what they are known when they boot.
func (d *doctor) inventory(ctx context.Context, s *section) {
	what, value := "inventory.file", d.Inventory.File
	if hsm := d.Inventory.HSM; hsm != nil {
		what, value = "inventory.hsm", transport.Address(hsm.URL)
	}
	if of := d.Inventory.InventoryService; of != nil {
		what, value = "inventory.inventory_service", transport.Address(of.URL)
	}
	if err := d.parts.Faults["inventory"]; err != nil {
		s.failed(what, value, err)
		return
	}
	source := d.parts.Inventory
	if source == nil {
		s.warn("inventory", "", "none is configured, so no node is known", "name inventory.hsm, inventory.inventory_service or inventory.file")
		return
	}
	if file, ok := source.(*inventoryfile.File); ok {
		for _, fault := range file.Faults() {
			s.failed(what, value, fault)
		}
	}
	inv, err := source.Inventory(ctx)
	if err != nil {
		s.failed(what, value, err)
		return
	}
	d.site.nodes = inv.Nodes
	defer d.oddities(s, source, what, value)
	if len(inv.Nodes) == 0 {
		s.bad(what, value, "it answers, and lists no node", "discover the nodes, or post them to it (type Node)")
		return
	}
	text, left := describe(inv)
	if left == 0 {
		s.bad(what, value, text+": no session finds a node", "enable or unlock the nodes that shall boot, correct their entries, or end the reservation, in the inventory")
	} else {
		s.ok(what, value, "%s", text)
	}
	source2, ok := source.(bos.NodeNames)
	if !ok {
		return
	}
	if d.site.names, err = source2.NodeNames(ctx); err != nil {
		s.failed(what+" (names)", value, err)
		return
	}
	d.nodeNames(s, what, value)
}

// oddities names the entries of an inventory that cannot be used. Their nodes are left
// out of every session.
func (d *doctor) oddities(s *section, source bos.InventorySource, what, value string) {
	of, ok := source.(interface{ Oddities() map[string][]string })
	if !ok {
		return
	}
	lists := of.Oddities()
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		if entries := lists[list]; len(entries) > 0 {
			text := fmt.Sprintf("of %s entries cannot be used (%d), and their nodes are left out: %s", list, len(entries), strings.Join(entries[:min(len(entries), maxTold)], "; "))
			if more := len(entries) - maxTold; more > 0 {
				text += fmt.Sprintf("; and %d more", more)
			}
			s.warn(what, value, text, "correct them there, or delete them")
		}
	}
}

// describe says what an inventory has, and how many of its nodes sessions act on.
func describe(inv bos.Inventory) (text string, usable int) {
	roles := make(map[string]int)
	var left []string
	odd, disabled, locked, reserved, empty := 0, 0, 0, 0, 0
	usable = len(inv.Nodes)
	for _, n := range inv.Nodes {
		role := n.Role
		if role == "" {
			role = "without role"
		}
		roles[role]++
		switch {
		case n.Empty:
			empty++
		case n.Odd:
			odd++
		case !n.Enabled:
			disabled++
		case n.Locked || n.BMCHeld:
			locked++
		case n.Reserved:
			reserved++
		}
	}
	var parts []string
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		parts = append(parts, fmt.Sprintf("%d %s", roles[role], role))
	}
	for _, of := range []struct {
		n    int
		word string
	}{{empty, "empty"}, {odd, "with entries that cannot be read, or that contradict each other"}, {disabled, "disabled"}, {locked, "locked, or with a BMC that is"}, {reserved, "reserved"}} {
		usable -= of.n
		if of.n > 0 {
			left = append(left, fmt.Sprintf("%d %s", of.n, of.word))
		}
	}
	text = fmt.Sprintf("%d nodes (%s), %d groups, %d partitions", len(inv.Nodes), strings.Join(parts, ", "), len(inv.Groups), len(inv.Partitions))
	if len(left) > 0 {
		text += "; sessions leave out: " + strings.Join(left, ", ")
	}
	return text, usable
}

// nodeNames judges by what nodes are known when they ask for a boot script.
func (d *doctor) nodeNames(s *section, what, value string) {
	byMAC, byIP := 0, 0
	for _, n := range d.site.names {
		if len(n.MACs) > 0 {
			byMAC++
		}
		if len(n.Addresses) > 0 {
			byIP++
		}
	}
	all := len(d.site.nodes)
	switch {
	case d.BootParameters.Builtin == nil && d.BootParameters.BSS == nil && d.BootParameters.BootService == nil:
		return
	case byMAC == 0:
		s.warn(what, value, fmt.Sprintf("it has the MAC address of none of %d nodes, so one that asks for its boot script by that (mac=), as DHCP servers have nodes do, is not known", all),
			"give the inventory the nodes' interfaces (EthernetInterfaces of HSM, macs of an inventory file), or have nodes ask by name= or nid=")
	case byMAC < all:
		s.warn(what, value, fmt.Sprintf("it has the MAC address of %d of %d nodes only", byMAC, all), "give the inventory the interfaces of the others as well")
	default:
		s.ok(what, value, "it has the MAC addresses of all nodes")
	}
	if b := d.BootParameters.Builtin; b != nil && !b.AnySource && byIP < all {
		s.warn("boot_parameters.builtin", "", fmt.Sprintf("the inventory has the IP address of %d of %d nodes, so whoever guesses the name of another one gets its script, its links and its token", byIP, all),
			"give the inventory the addresses (IPAddresses of EthernetInterfaces, ips of an inventory file)")
	}
}
