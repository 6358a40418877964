package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// SetupRound gathers the facts of sessions, one after the other, and calls each
// with those of each. What they have in common is asked for once: the inventory,
// their tenants, their images and the tags of these. read are the inventories that
// sessions were accepted by; they need not be read again.
func (p Ports) SetupRound(ctx context.Context, sessions []bos.SessionRecord, read map[bos.SessionKey]bos.Inventory, each func(engine.SetupFacts)) {
	p = p.remembering()
	for _, s := range sessions {
		ports := p
		if inventory, ok := read[s.Key()]; ok {
			ports.Inventory = asRead{inventory}
		}
		each(ports.SetupFacts(ctx, s))
	}
}

// asRead is an inventory that was read already.
type asRead struct{ inventory bos.Inventory }

// Inventory is what was read.
func (a asRead) Inventory(context.Context) (bos.Inventory, error) { return a.inventory, nil }

// remembering are the ports with what they answered kept, errors too, for a round.
func (p Ports) remembering() Ports {
	if p.Inventory != nil {
		p.Inventory = &inventoryOnce{from: p.Inventory}
	}
	if p.Tenants != nil {
		p.Tenants = tenantsOnce{p.Tenants, make(answers[string, []string])}
	}
	if p.Artifacts != nil {
		p.Artifacts = artifactsOnce{p.Artifacts, make(answers[string, bos.Image])}
	}
	if p.Registry != nil {
		p.Registry = tagsOnce{p.Registry, make(answers[[3]string, struct{}])}
	}
	return p
}

// answers are those that were given, by what was asked.
type answers[Q comparable, A any] map[Q]answer[A]

type answer[A any] struct {
	is  A
	err error
}

func (known answers[Q, A]) once(question Q, ask func() (A, error)) (A, error) {
	got, ok := known[question]
	if !ok {
		got.is, got.err = ask()
		known[question] = got
	}
	return got.is, got.err
}

type inventoryOnce struct {
	from  bos.InventorySource
	known answers[struct{}, bos.Inventory]
}

func (o *inventoryOnce) Inventory(ctx context.Context) (bos.Inventory, error) {
	if o.known == nil {
		o.known = make(answers[struct{}, bos.Inventory])
	}
	return o.known.once(struct{}{}, func() (bos.Inventory, error) { return o.from.Inventory(ctx) })
}

type tenantsOnce struct {
	from  bos.Tenants
	known answers[string, []string]
}

func (o tenantsOnce) TenantNodes(ctx context.Context, tenant string) ([]string, error) {
	return o.known.once(tenant, func() ([]string, error) { return o.from.TenantNodes(ctx, tenant) })
}

type artifactsOnce struct {
	from  bos.Artifacts
	known answers[string, bos.Image]
}

func (o artifactsOnce) Image(ctx context.Context, path string) (bos.Image, error) {
	return o.known.once(path, func() (bos.Image, error) { return o.from.Image(ctx, path) })
}

type tagsOnce struct {
	bos.Images
	known answers[[3]string, struct{}]
}

func (o tagsOnce) Tag(ctx context.Context, id, key, value string) error {
	_, err := o.known.once([3]string{id, key, value}, func() (struct{}, error) { return struct{}{}, o.Images.Tag(ctx, id, key, value) })
	return err
}

// SetupFacts gathers what setting a session up depends on: one inventory read and
// one read per image.
func (p Ports) SetupFacts(ctx context.Context, s bos.SessionRecord) engine.SetupFacts {
	facts := engine.SetupFacts{Key: s.Key(), Revision: s.Revision}
	if p.Inventory == nil {
		facts.Invalid = errors.New("this service has no inventory; configure inventory.hsm or inventory.file and create the session again")
		return facts
	}
	facts.Inventory, facts.Err = p.Inventory.Inventory(ctx)
	if facts.Err != nil {
		return facts
	}
	if facts.Reach, facts.Invalid, facts.Err = p.reach(ctx, s); facts.Err != nil || facts.Invalid != nil {
		return facts
	}
	if facts.Images, facts.Invalid, facts.Err = p.Images(ctx, s.Template, s.Operation); facts.Err != nil || facts.Invalid != nil {
		return facts
	}
	if names := decide.LimitNames(s.Limit, facts.Inventory); len(names) > 0 {
		if facts.Components, facts.Err = p.Store.ComponentIDs(ctx, bos.ComponentFilter{IDs: names}); facts.Err != nil {
			return facts
		}
	}
	held, err := p.Store.Components(ctx, bos.ComponentFilter{Held: true, Readable: true})
	if err != nil {
		facts.Err = err
		return facts
	}
	facts.Held = decide.HeldBy(held)
	req := engine.RequestOf(s)
	req.Reach, req.Components, req.Held = facts.Reach, facts.Components, facts.Held
	// A selection that fails is met again by Step, which ends the session with it.
	if sel, err := decide.Select(req, facts.Inventory); err == nil {
		facts.Warnings, facts.Invalid, facts.Err = p.tagImages(ctx, s, sel)
	}
	return facts
}

// tagImages marks in the image registry the images that nodes are to take their
// rootfs from by sbps: without the tag nobody offers it to them, and they would
// hang in their boot. It is repeated until it succeeds, as all facts are.
func (p Ports) tagImages(ctx context.Context, s bos.SessionRecord, sel decide.Selection) (warnings []string, invalid, err error) {
	if !s.Operation.NeedsImage() {
		return nil, nil, nil
	}
	tagged := make(map[string]bool)
	for _, set := range sel.BootSets {
		spec := s.Template.BootSets[set.Name]
		id := bos.ImageID(spec.Path)
		if !bos.NeedsTag(spec) || tagged[id] {
			continue
		}
		tagged[id] = true
		switch {
		case p.Registry == nil:
			warnings = append(warnings, fmt.Sprintf("boot set %q: its rootfs provider sbps needs the image tagged %s=%s, and this service has no image registry; configure images.ims, or tag it by hand", set.Name, bos.SBPSTag, bos.SBPSTagValue))
			continue
		case id == "":
			warnings = append(warnings, fmt.Sprintf("boot set %q: %s is not where the image registry keeps images, so it is not tagged %s=%s; tag it by hand", set.Name, spec.Path, bos.SBPSTag, bos.SBPSTagValue))
			continue
		}
		err := p.Registry.Tag(ctx, id, bos.SBPSTag, bos.SBPSTagValue)
		switch {
		case errors.Is(err, bos.ErrNotFound):
			return nil, fmt.Errorf("boot set %q: its rootfs provider sbps needs image %q tagged %s=%s, and the image registry has no such image; name an image that it has", set.Name, id, bos.SBPSTag, bos.SBPSTagValue), nil
		case err != nil:
			return nil, nil, fmt.Errorf("boot set %q: cannot tag image %q with %s=%s: %w", set.Name, id, bos.SBPSTag, bos.SBPSTagValue, err)
		}
	}
	return warnings, nil, nil
}

// reach is what the tenant of a session has now, of one without a tenant the whole site.
func (p Ports) reach(ctx context.Context, s bos.SessionRecord) (reach bos.Reach, invalid, err error) {
	tenant := bos.TenantOf(s.Tenant)
	if tenant == "" {
		return bos.WholeSite(), nil, nil
	}
	if p.Tenants == nil {
		return reach, fmt.Errorf("tenant %q: this service has no tenants configured", tenant), nil
	}
	nodes, err := p.Tenants.TenantNodes(ctx, tenant)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		return reach, fmt.Errorf("tenant %q does not exist", tenant), nil
	case err != nil:
		return reach, nil, err
	}
	return bos.TenantReach(tenant, nodes), nil, nil
}

// Images reads each image of the template once; a shutdown needs none.
func (p Ports) Images(ctx context.Context, t bos.SessionTemplate, op bos.Operation) (images map[string]bos.Image, invalid, err error) {
	images = make(map[string]bos.Image)
	if !op.NeedsImage() {
		return images, nil, nil
	}
	if p.Artifacts == nil {
		return nil, errors.New("this service reads no images; configure artifacts.s3, artifacts.http or artifacts.files"), nil
	}
	for name, set := range t.BootSets {
		if _, have := images[set.Path]; have {
			continue
		}
		image, err := p.Artifacts.Image(ctx, set.Path)
		switch {
		case errors.Is(err, bos.ErrImage):
			return nil, fmt.Errorf("boot set %q: %w", name, err), nil
		case err != nil:
			return nil, nil, fmt.Errorf("boot set %q: %w", name, err)
		}
		images[set.Path] = image
	}
	return images, nil, nil
}
