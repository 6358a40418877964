package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// Ports is everything outside that a shell needs to carry out what Step says.
// Inventory, Configuration, Artifacts, Tenants and Registry may be nil where a site has
// none.
type Ports struct {
	Store         bos.Store
	Inventory     bos.InventorySource
	Power         bos.Power
	Boot          bos.BootParameters
	Configuration bos.Configuration
	Artifacts     bos.Artifacts
	Tenants       bos.Tenants
	// Registry is the image registry. Without one, images are not tagged.
	Registry bos.Images
}

// Load is the inputs of a cold start: the options, all enabled components, all
// sessions that are not complete and, where power is limited, when power was last
// touched.
func (p Ports) Load(ctx context.Context, limits bos.PowerLimits, now time.Time) (Inputs, error) {
	options, err := p.Store.Options(ctx)
	if err != nil {
		return Inputs{}, fmt.Errorf("load options: %w", err)
	}
	enabled := true
	records, err := p.Store.Components(ctx, bos.ComponentFilter{Enabled: &enabled})
	if err != nil {
		return Inputs{}, fmt.Errorf("load components: %w", err)
	}
	in := Inputs{Options: &options, Records: records}
	if in.Sessions, err = p.OpenSessions(ctx, now); err != nil || !limits.Any() {
		return in, err
	}
	window := cmp.Or(limits.Window, bos.DefaultPowerWindow)
	in.LastAction, err = p.lastAction(ctx, now.Add(-window-CallTimeout))
	return in, err
}

// How far back the history is read for the last power action, in events.
const (
	actionsPage = 5_000
	actionsMost = 200_000
)

// lastAction is when the newest power action since a time was started, by the
// history: each leaves an event in the commit that comes before its call. Where
// that cannot be found out it is as if it had been just now.
func (p Ports) lastAction(ctx context.Context, since time.Time) (time.Time, error) {
	last, err := p.Store.LastEvent(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the last power action: %w", err)
	}
	newest := time.Time{}
	for after := last; after > 0; {
		upTo := after
		after = max(after-actionsPage, 0)
		if last-after > actionsMost {
			return since.Add(CallTimeout), nil
		}
		events, err := p.Store.Events(ctx, bos.EventFilter{After: after, Limit: int(upTo - after)})
		if err != nil {
			return time.Time{}, fmt.Errorf("look for the last power action: %w", err)
		}
		for _, e := range events {
			if decide.Reason(e.Kind).Acts() && e.Time.After(newest) {
				newest = e.Time
			}
		}
		if !newest.IsZero() || len(events) > 0 && events[0].Time.Before(since) {
			return newest, nil
		}
	}
	return newest, nil
}

// OpenSessions are the sessions that are pending or running.
func (p Ports) OpenSessions(ctx context.Context, now time.Time) ([]bos.SessionRecord, error) {
	var open []bos.SessionRecord
	for _, status := range []bos.SessionPhase{bos.SessionPending, bos.SessionRunning} {
		some, err := p.Store.Sessions(ctx, bos.SessionFilter{Status: status}, now)
		if err != nil {
			return nil, fmt.Errorf("load %s sessions: %w", status, err)
		}
		open = append(open, some...)
	}
	return open, nil
}

// SetupFacts gathers what setting a session up depends on: one inventory read,
// one read per image, one query for the records.
func (p Ports) SetupFacts(ctx context.Context, s bos.SessionRecord) SetupFacts {
	facts := SetupFacts{Key: s.Key()}
	if p.Inventory == nil {
		facts.Invalid = errors.New("this service has no inventory; configure inventory.hsm or inventory.file and create the session again")
		return facts
	}
	facts.Inventory, facts.Err = p.Inventory.Inventory(ctx)
	if facts.Err != nil {
		return facts
	}
	if facts.TenantNodes, facts.Invalid, facts.Err = p.tenantNodes(ctx, s); facts.Err != nil || facts.Invalid != nil {
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
	var sel decide.Selection
	if sel, facts.Records, facts.Err = p.selected(ctx, s, facts); facts.Err != nil {
		return facts
	}
	facts.Warnings, facts.Invalid, facts.Err = p.tagImages(ctx, s, sel)
	return facts
}

// tagImages marks in the image registry the images that nodes are to take their
// rootfs from by sbps: without the tag nobody offers it to them, and they would
// hang in their boot. It is repeated until it succeeds, as all facts are.
func (p Ports) tagImages(ctx context.Context, s bos.SessionRecord, sel decide.Selection) (warnings []string, invalid, err error) {
	if s.Operation == bos.OperationShutdown {
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

func (p Ports) tenantNodes(ctx context.Context, s bos.SessionRecord) (nodes []string, invalid, err error) {
	tenant := bos.TenantOf(s.Tenant)
	if tenant == "" {
		return nil, nil, nil
	}
	if p.Tenants == nil {
		return nil, fmt.Errorf("tenant %q: this service has no tenants configured", tenant), nil
	}
	nodes, err = p.Tenants.TenantNodes(ctx, tenant)
	if errors.Is(err, bos.ErrNotFound) {
		return nil, fmt.Errorf("tenant %q does not exist", tenant), nil
	}
	if nodes == nil {
		nodes = []string{}
	}
	return nodes, nil, err
}

// Images reads each image of the template once; a shutdown needs none.
func (p Ports) Images(ctx context.Context, t bos.SessionTemplate, op bos.Operation) (images map[string]bos.Image, invalid, err error) {
	images = make(map[string]bos.Image)
	if op == bos.OperationShutdown {
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

// selected loads the records of the nodes that the session selects.
func (p Ports) selected(ctx context.Context, s bos.SessionRecord, facts SetupFacts) (decide.Selection, map[string]bos.Record, error) {
	req := RequestOf(s)
	req.TenantNodes, req.Components = facts.TenantNodes, facts.Components
	records := make(map[string]bos.Record)
	sel, err := decide.Select(req, facts.Inventory)
	if err != nil || len(sel.BootSets) == 0 {
		return decide.Selection{}, records, nil //nolint:nilerr // Step meets the same error and ends the session with it
	}
	list, err := p.Store.Components(ctx, bos.ComponentFilter{IDs: sel.Nodes()})
	if err != nil {
		return decide.Selection{}, nil, fmt.Errorf("load the selected components: %w", err)
	}
	for _, r := range list {
		records[r.ID] = r
	}
	return sel, records, nil
}

// CompletionFacts counts the components a session manages.
func (p Ports) CompletionFacts(ctx context.Context, s bos.SessionRecord) CompletionFacts {
	facts := CompletionFacts{Key: s.Key()}
	facts.Tally, facts.Err = p.Store.SessionTally(ctx, s.Session)
	return facts
}

// DiscoveryFacts reads the inventory and the ids BOS has.
func (p Ports) DiscoveryFacts(ctx context.Context) *DiscoveryFacts {
	facts := &DiscoveryFacts{}
	facts.Inventory, facts.Err = p.Inventory.Inventory(ctx)
	if facts.Err != nil {
		return facts
	}
	facts.Known, facts.Err = p.Store.ComponentIDs(ctx, bos.ComponentFilter{})
	return facts
}

// noAnswer is said of a node that an adapter has left out of its answers: a node
// without an answer would wait for ever.
const noAnswer = "the question was lost in this service; report it as a bug"

// unanswered are the ids that were not answered.
func unanswered(ids []string, answered map[string]bool) []string {
	var left []string
	for _, id := range bos.Distinct(ids) {
		if !answered[id] {
			left = append(left, id)
		}
	}
	return left
}

// Look asks for the power of nodes and calls each once per node, never concurrently.
func (p Ports) Look(ctx context.Context, ids []string, each func(bos.PowerReading)) {
	answered := make(map[string]bool, len(ids))
	p.Power.Look(ctx, ids, func(r bos.PowerReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: noAnswer})
	}
}

// LookConfiguration asks for the configuration of nodes likewise.
func (p Ports) LookConfiguration(ctx context.Context, ids []string, each func(bos.ConfigurationReading)) {
	answered := make(map[string]bool, len(ids))
	p.Configuration.Look(ctx, ids, func(r bos.ConfigurationReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.ConfigurationReading{ID: id, Symptom: bos.SymptomSilent, Detail: noAnswer})
	}
}

// Run carries a batch out and calls each once per node, never concurrently.
func (p Ports) Run(ctx context.Context, b decide.Batch, each func(Result)) {
	answered := make(map[string]bool, len(b.IDs))
	result := func(res bos.CallResult) {
		answered[res.ID] = true
		each(Result{Effect: b.Effect, CallResult: res})
	}
	defer func() {
		for _, id := range unanswered(b.IDs, answered) {
			each(Result{Effect: b.Effect, CallResult: bos.CallResult{ID: id, Outcome: bos.CallUnknown, Detail: noAnswer}})
		}
	}()
	switch b.Effect.Kind {
	case bos.EffectWriteBoot:
		p.writeBoot(ctx, b, answered, each)
	case bos.EffectConfigure:
		p.Configuration.Set(ctx, b.Effect.Configuration, b.IDs, result)
	default:
		p.Power.Apply(ctx, b.Effect.Kind.PowerOp(), b.IDs, result)
	}
}

func (p Ports) writeBoot(ctx context.Context, b decide.Batch, answered map[string]bool, each func(Result)) {
	ids, denied := bos.Permitted(ctx, b.IDs)
	for _, id := range denied {
		answered[id] = true
		each(Result{Effect: b.Effect, CallResult: bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}})
	}
	if len(ids) == 0 {
		return
	}
	token, err := p.Boot.Write(ctx, ids, b.Effect.Artifacts)
	res := bootResult(err)
	for _, id := range ids {
		res.ID = id
		answered[id] = true
		each(Result{Effect: b.Effect, Token: token, CallResult: res})
	}
}

func bootResult(err error) bos.CallResult {
	var call *bos.CallError
	switch {
	case err == nil:
		return bos.CallResult{Outcome: bos.CallDone}
	case errors.As(err, &call):
		return bos.CallResult{Outcome: call.Outcome, Cause: call.Cause, Detail: call.Detail}
	default:
		return bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	}
}
