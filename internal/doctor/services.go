package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bootservice"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// manyNodes is about how many nodes PCS is asked.
const manyNodes = 200

// power tries whoever controls power.
func (d *doctor) power(ctx context.Context, s *section) {
	switch {
	case d.Power.PCS != nil:
		what, value := "power.pcs", transport.Address(d.Power.PCS.URL)
		if err := d.parts.Faults["power"]; err != nil {
			s.failed(what, value, err)
			return
		}
		d.pcs(ctx, s, what, value)
	case d.Power.Redfish != nil:
		if err := d.parts.Faults["power"]; err != nil {
			s.failed("power.redfish", "", err)
			return
		}
		if bmcs, ok := d.parts.Power.(*redfish.Client); ok {
			d.redfish(ctx, s, bmcs)
		}
	default:
		s.warn("power", "", "none is configured, so nodes are neither powered on nor off", "name power.redfish or power.pcs")
	}
}

func (d *doctor) pcs(ctx context.Context, s *section, what, value string) {
	if len(d.site.nodes) == 0 {
		s.warn(what, value, "not tried, as no node is known to ask about", "mend the inventory first")
		return
	}
	var ids []string
	for _, n := range sample(d.site.nodes, manyNodes) {
		ids = append(ids, n.ID)
	}
	known, strangers, silent, refusing := 0, 0, 0, 0
	var first bos.PowerReading
	d.parts.Power.Probe(ctx, ids, func(r bos.PowerReading) {
		switch {
		case r.State != bos.PowerStateUnknown || r.Symptom == bos.SymptomChanging:
			known++
			return
		case r.Cause == bos.CauseUnknownToPower:
			strangers++
		case r.Symptom == bos.SymptomSilent:
			silent++
		default:
			refusing++
		}
		if first.ID == "" || r.Cause == bos.CauseUpstreamOutage {
			first = r
		}
	})
	switch {
	case first.Cause == bos.CauseUpstreamOutage:
		s.told(LevelError, what, value, first.Detail)
	case known == len(ids):
		s.ok(what, value, "it knows the power of all %d nodes that it was asked about", len(ids))
	case strangers == len(ids):
		s.bad(what, value, fmt.Sprintf("it answers, and knows none of the %d nodes that it was asked about, the first with %q: its list of components is empty", len(ids), first.Detail),
			"wait a minute if it has just started; else see in its log whether it reads HSM, and has the credentials of BMCs (its vault)")
	case known == 0:
		s.told(LevelError, what, value, fmt.Sprintf("it knows the power of none of %d nodes (%d silent, %d with errors, %d unknown to it); the first, %s: %s", len(ids), silent, refusing, strangers, first.ID, first.Detail))
	default:
		s.told(LevelWarning, what, value, fmt.Sprintf("it knows the power of %d of %d nodes (%d silent, %d with errors, %d unknown to it); the first, %s: %s", known, len(ids), silent, refusing, strangers, first.ID, first.Detail))
	}
}

// boot tries BSS.
func (d *doctor) boot(ctx context.Context, s *section) {
	if b := d.BootParameters.BootService; b != nil {
		d.bootService(ctx, s, transport.Address(b.URL))
		return
	}
	if d.BootParameters.BSS == nil {
		if d.BootParameters.Builtin == nil {
			s.warn("boot_parameters", "", "none is configured, so nodes are told nothing to boot", "name boot_parameters.builtin or boot_parameters.bss")
		}
		return
	}
	what, value := "boot_parameters.bss", transport.Address(d.BootParameters.BSS.URL)
	if err := d.parts.Faults["boot_parameters"]; err != nil {
		s.failed(what, value, err)
		return
	}
	client, ok := d.parts.Boot.(*bss.Client)
	if !ok {
		return
	}
	id, mac := d.someNode()
	x, err := client.Examine(ctx, id, mac)
	switch {
	case err != nil:
		s.failed(what, value, err)
	case x.Make == bss.MakeBootService:
		s.bad(what, value, "this is OpenCHAMI's boot-service and no BSS: to write boot parameters there takes those of other nodes away",
			"set boot_parameters.bootservice.url in place of boot_parameters.bss.url, or use boot_parameters.builtin")
	case x.ByHost && mac != "" && !x.ByMAC:
		s.ok(what, value, "it has boot parameters of %s under its name and none under its address %s, as BSS on PostgreSQL does; they are written under both from now on", id, mac)
	case mac == "":
		s.ok(what, value, "it answers; whether it finds nodes by their MAC addresses cannot be told, as the inventory has none")
	default:
		s.ok(what, value, "it answers; whether it lets this service write is seen when the first session is set up")
	}
}

func (d *doctor) bootService(ctx context.Context, s *section, value string) {
	const what = "boot_parameters.bootservice"
	err := d.parts.Faults["boot_parameters"]
	if client, ok := d.parts.Boot.(*bootservice.Client); ok && err == nil {
		err = client.Examine(ctx)
	}
	if err != nil {
		s.failed(what, value, err)
		return
	}
	s.ok(what, value, "it lists its nodes and boot configurations; whether it lets this service write is seen when the first session is set up")
}

// someNode is a node to ask about, one with a MAC address if there is any.
func (d *doctor) someNode() (id, mac string) {
	if i := slices.IndexFunc(d.site.names, func(n bos.NodeName) bool { return len(n.MACs) > 0 }); i >= 0 {
		return d.site.names[i].ID, d.site.names[i].MACs[0]
	}
	if len(d.site.nodes) > 0 {
		return d.site.nodes[0].ID, ""
	}
	return "x0c0s0b0n0", ""
}

// configuration tries CFS.
func (d *doctor) configuration(ctx context.Context, s *section) {
	if d.Configuration.CFS == nil {
		return
	}
	what, value := "configuration.cfs", transport.Address(d.Configuration.CFS.URL)
	if err := d.parts.Faults["configuration"]; err != nil {
		s.failed(what, value, err)
		return
	}
	id, _ := d.someNode()
	d.parts.Configuration.Probe(ctx, []string{id}, func(r bos.ConfigurationReading) {
		switch {
		case r.Symptom != bos.SymptomNone:
			s.told(LevelError, what, value, r.Detail)
		case r.Missing && len(d.site.nodes) > 0:
			s.warn(what, value, fmt.Sprintf("it answers, and does not know the node %s", id), "see whether CFS reads this inventory; a session with enable_cfs would wait for the node")
		default:
			s.ok(what, value, "it answers")
		}
	})
}

// nobody is the id of an image, and the name of a tenant, that there is none of.
const (
	nobodysImage  = "00000000-0000-4000-8000-0000000b05cc"
	nobodysTenant = "bos-check"
)

// images tries IMS.
func (d *doctor) images(ctx context.Context, s *section) {
	if d.Config.Images.IMS == nil {
		return
	}
	what, value := "images.ims", transport.Address(d.Config.Images.IMS.URL)
	err := d.parts.Faults["images"]
	if err == nil {
		_, err = d.parts.Images.ImageRecord(ctx, nobodysImage)
	}
	d.asked(s, what, value, err)
}

// tenants tries TAPMS, or reads the file.
func (d *doctor) tenants(ctx context.Context, s *section) {
	what, value := "tenants.file", d.Tenants.File
	switch {
	case d.Tenants.TAPMS != nil:
		what, value = "tenants.tapms", transport.Address(d.Tenants.TAPMS.URL)
	case value == "":
		return
	}
	err := d.parts.Faults["tenants"]
	if err == nil {
		_, err = d.parts.Tenants.TenantNodes(ctx, nobodysTenant)
	}
	d.asked(s, what, value, err)
}

// asked judges the answer to a question for what there is not.
func (d *doctor) asked(s *section, what, value string, err error) {
	if err != nil && !errors.Is(err, bos.ErrNotFound) {
		s.failed(what, value, err)
		return
	}
	s.ok(what, value, "it answers")
}
