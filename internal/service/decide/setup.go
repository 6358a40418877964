package decide

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ErrQueued says that a setup is to wait, as another session has come to be at work on a
// node of it since it was planned.
var ErrQueued = errors.New("another session is at work on nodes of this one")

// NoNodes is the error of a session that selects nobody; clients compare it.
const NoNodes = "No nodes were found to act upon."

// SetupPlan is what setting a session up will write to the nodes it selects. It
// holds for whatever is stored of them when it is carried out.
type SetupPlan struct {
	// Nodes are the selected nodes, sorted.
	Nodes    []bos.SelectedNode
	Warnings []string
	// Excluded are those that are left out, and why.
	Excluded []bos.Exclusion

	session bos.Session
	asked   bos.Asked
	pinned  bool
	against func([]bos.Record) []string
	desired map[string]bos.DesiredState
}

// SetupResult is what setting a session up wrote.
type SetupResult struct {
	// Writes are those of the records that were armed, in place.
	Writes []*bos.Record
	// Nodes are the ids of those that become the session's.
	Nodes    []string
	Warnings []string
	// Unknown are selected nodes that BOS has no record of, sorted. They
	// are left out.
	Unknown []string
	// Excluded are all that are left out, also since the plan.
	Excluded []bos.Exclusion
}

// PlanSetup plans the setup of a session (bos-contract section 4). images are by
// path. The error is a *bos.Invalid, whose text is the sentence the session ends
// with; then nothing is written.
func PlanSetup(s bos.SessionRecord, sel Selection, images map[string]bos.Image, o bos.Options) (SetupPlan, error) {
	if len(sel.BootSets) == 0 {
		return SetupPlan{}, bos.Invalidf("", NoNodes)
	}
	if against := s.Asked.Guards.Selected(len(sel.Nodes()), previewRoles(sel)); len(against) > 0 {
		return SetupPlan{}, bos.Invalidf("", "nodes changed after the session was accepted, and it goes beyond a guard of whoever asked for it: %s; no node was touched", strings.Join(against, "; "))
	}
	plan := SetupPlan{session: s.Session, asked: s.Asked, pinned: s.Pin != "", Warnings: slices.Clone(sel.Warnings), desired: make(map[string]bos.DesiredState), Excluded: sel.Excluded()}
	for _, set := range sel.BootSets {
		spec := s.Template.BootSets[set.Name]
		desired, err := desiredState(s, set.Name, spec, images, o)
		if err != nil {
			return SetupPlan{}, err
		}
		if s.Operation.NeedsImage() {
			plan.Warnings = append(plan.Warnings, imageWarnings(set.Name, spec, images[spec.Path])...)
		}
		for _, id := range set.Nodes {
			plan.desired[id] = desired
			plan.Nodes = append(plan.Nodes, bos.SelectedNode{ID: id, BootSet: set.Name})
		}
	}
	slices.SortFunc(plan.Nodes, func(a, b bos.SelectedNode) int { return bos.CompareXnames(a.ID, b.ID) })
	return plan, nil
}

// Bounded is the plan, held to how many nodes may be taken down: by what is stored of
// the nodes when it is carried out, and by the power that the inventory says they have.
func (p SetupPlan) Bounded(g bos.Guards, req Request, sel Selection, inv bos.Inventory, images map[string]bos.Image, o bos.Options) SetupPlan {
	if g.MaxReboots == nil {
		return p
	}
	p.against = func(nodes []bos.Record) []string {
		records := make(map[string]bos.Record, len(nodes))
		for i := range nodes {
			if !nodes[i].Held.On() { // or it is left out
				records[nodes[i].ID] = nodes[i]
			}
		}
		return bos.Guards{MaxReboots: g.MaxReboots}.Against(bos.Preview{Effects: Effects(req, sel, inv, images, records, o)})
	}
	return p
}

// Arm arms those of the nodes in place that the plan selects; those of the plan
// that are not among them have no record. The error is as that of PlanSetup.
func (p SetupPlan) Arm(nodes []bos.Record, now time.Time) (SetupResult, error) {
	result := SetupResult{Warnings: slices.Clone(p.Warnings)}
	held := p.held(nodes)
	if len(held) > 0 && p.pinned {
		return SetupResult{}, bos.Invalidf("", "%s was held between the plan and the session's setup; no node was touched; plan again", short(slices.Sorted(maps.Keys(held))))
	}
	if p.against != nil {
		if against := p.against(nodes); len(against) > 0 {
			return SetupResult{}, bos.Invalidf("", "nodes changed after the session was accepted, and it goes beyond a guard of whoever asked for it: %s; no node was touched; plan again", strings.Join(against, "; "))
		}
	}
	if !p.session.Stage {
		switch taken, other := p.asked.Spared(p.session, p.of(nodes, held)); {
		case len(taken) > 0 && p.asked.Overlap == bos.OverlapQueue:
			return SetupResult{}, ErrQueued
		case len(taken) > 0:
			return SetupResult{}, bos.Invalidf("", "%s is being worked on, by %s at least, and overlap is reject; no node was touched; wait for that session or cancel it, and create this one again",
				short(taken), other.SaidTo(bos.TenantOf(p.session.Tenant), fmt.Sprintf("session %q", other.Name)))
		}
	}
	known := make(map[string]bool, len(nodes))
	result.Writes = make([]*bos.Record, 0, len(nodes))
	for i := range nodes {
		desired, selected := p.desired[nodes[i].ID]
		if !selected || held[nodes[i].ID] {
			continue
		}
		known[nodes[i].ID] = true
		nodes[i] = arm(nodes[i], p.session, desired, now)
		if p.asked.StagedBoot && p.session.Stage && p.session.Operation.NeedsImage() {
			nodes[i].Work.StagedBoot = nodes[i].Work.StagedBoot.For(p.session.Key())
		}
		result.Writes = append(result.Writes, &nodes[i])
	}
	ids := make([]string, 0, len(nodes))
	for _, node := range p.Nodes {
		switch {
		case known[node.ID]:
			ids = append(ids, node.ID)
		case !held[node.ID]:
			result.Unknown = append(result.Unknown, node.ID)
		}
	}
	if len(held) > 0 {
		if len(ids) == 0 && len(result.Unknown) == 0 {
			return SetupResult{}, bos.Invalidf("", NoNodes)
		}
		result.Warnings = append(result.Warnings, short(slices.Sorted(maps.Keys(held)))+": held; left out")
	}
	if len(ids) == 0 {
		return SetupResult{}, bos.Invalidf("", "none of the %d selected nodes has a BOS component yet (%s); wait for the next discovery and create the session again", len(result.Unknown), short(result.Unknown))
	}
	if len(result.Unknown) > 0 {
		result.Warnings = append(result.Warnings, fmt.Sprintf("%s: BOS has no component yet; left out", short(result.Unknown)))
	}
	result.Nodes, result.Excluded = ids, p.excluded(held, result.Unknown)
	return result, nil
}

// excluded are those of the plan, with those that were held since and those that BOS
// does not know.
func (p SetupPlan) excluded(held map[string]bool, unknown []string) []bos.Exclusion {
	all := slices.Clone(p.Excluded)
	if len(held)+len(unknown) == 0 {
		return all
	}
	missing := toSet(unknown)
	out := make(map[[2]string][]string)
	for _, node := range p.Nodes {
		if held[node.ID] {
			out[[2]string{node.BootSet, SkipHeld}] = append(out[[2]string{node.BootSet, SkipHeld}], node.ID)
		} else if missing[node.ID] {
			key := [2]string{node.BootSet, "BOS has no component of it yet"}
			out[key] = append(out[key], node.ID)
		}
	}
	for key, ids := range out {
		all = append(all, bos.Exclusion{BootSet: key[0], Reason: key[1], Count: len(ids), Nodes: bos.Fold(ids)})
	}
	slices.SortFunc(all, func(a, b bos.Exclusion) int {
		return cmp.Or(cmp.Compare(a.BootSet, b.BootSet), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}

// of are the records of the plan's nodes, without those that are held.
func (p SetupPlan) of(nodes []bos.Record, held map[string]bool) []bos.Record {
	if !p.asked.Overlap.Spares() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(r bos.Record) bool {
		_, selected := p.desired[r.ID]
		return !selected || held[r.ID]
	})
}

// held are the nodes of the plan that were held since the selection.
func (p SetupPlan) held(nodes []bos.Record) map[string]bool {
	held := make(map[string]bool)
	for i := range nodes {
		if _, selected := p.desired[nodes[i].ID]; selected && nodes[i].Held.On() {
			held[nodes[i].ID] = true
		}
	}
	return held
}

// desiredState is what the nodes of a boot set shall run: nothing after a
// shutdown, what they do in a configure session.
func desiredState(s bos.SessionRecord, name string, set bos.BootSet, images map[string]bos.Image, o bos.Options) (bos.DesiredState, error) {
	switch s.Operation.Goal() {
	case bos.GoalOff:
		return bos.DesiredState{}, nil
	case bos.GoalConfigure:
		return bos.DesiredState{Configuration: s.Template.Configuration(set)}, nil
	case bos.GoalBoot, bos.GoalNone:
	}
	field := "boot_sets." + name
	if set.Type != "" && !bos.BootableType(set.Type) {
		return bos.DesiredState{}, bos.Invalidf(field+".type", "%q cannot be booted; images are of type s3, http or file", set.Type)
	}
	image, ok := images[set.Path]
	if !ok {
		return bos.DesiredState{}, bos.Invalidf(field+".path", "the image at %q was not read; create the session again", set.Path)
	}
	if image.Fault != "" {
		return bos.DesiredState{}, bos.Invalidf(field+".path", "%s", image.Fault)
	}
	// No kernel means off: an image without one would turn a boot into a shutdown.
	for _, file := range []struct{ kind, path string }{{"kernel", image.Kernel.Path}, {"initrd", image.Initrd.Path}} {
		if file.path == "" {
			return bos.DesiredState{}, bos.Invalidf(field+".path", "the image at %q has no %s; build the image again or name another one", set.Path, file.kind)
		}
	}
	params, err := KernelParameters(set, image, o)
	var invalid *bos.Invalid
	if errors.As(err, &invalid) {
		return bos.DesiredState{}, &bos.Invalid{Field: field + "." + invalid.Field, Detail: invalid.Detail}
	}
	if err := CheckBootLine(set, image, params); err != nil {
		return bos.DesiredState{}, bos.Invalidf(field+".kernel_parameters", "%s", err)
	}
	return bos.DesiredState{
		BootArtifacts: bos.BootArtifacts{Kernel: image.Kernel.Path, Initrd: image.Initrd.Path, KernelParameters: params},
		Configuration: s.Template.Configuration(set),
	}, nil
}

// CheckBootLine refuses effective kernel parameters with which no node could boot,
// and says what takes the room.
func CheckBootLine(set bos.BootSet, image bos.Image, params string) error {
	err := bos.CheckBootLine(params)
	if err == nil {
		return nil
	}
	own := len(strings.Join(strings.Fields(image.Parameters), " "))
	return fmt.Errorf("%w (%d bytes are of the image at %s, %d of the boot set, the rest are added)", err, own, set.Path, len(set.KernelParameters))
}

// KernelParameters joins, in this order, the image's own parameters, the boot
// set's, root= and nmd_data= of the rootfs provider, and how often the node
// shall report. The image's own are normalised to single spaces, the boot
// set's are taken as they are. The error is a *bos.Invalid.
func KernelParameters(set bos.BootSet, image bos.Image, o bos.Options) (string, error) {
	root, nmd, err := rootParameters(set, image)
	if err != nil {
		return "", err
	}
	parts := []string{
		strings.Join(strings.Fields(image.Parameters), " "),
		set.KernelParameters,
		root,
		nmd,
		"bos_update_frequency=" + o.ComponentActualStateTTL,
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, " "), nil
}

// The rootfs providers; their names are compared without regard to case.
const (
	rootfsSBPS  = "sbps"
	rootfsCPSS3 = "cpss3"
)

// rootScheme is what root= begins with for each provider, empty for an unknown one.
func rootScheme(provider string) string {
	switch strings.ToLower(provider) {
	case rootfsSBPS:
		return "sbps-s3"
	case rootfsCPSS3:
		return "craycps-s3"
	default:
		return ""
	}
}

func rootParameters(set bos.BootSet, image bos.Image) (root, nmd string, err error) {
	passthrough := set.RootfsProviderPassthrough
	if set.RootfsProvider == "" {
		if passthrough == "" {
			return "", "", nil
		}
		return "root=::" + passthrough, "", nil
	}
	scheme := rootScheme(set.RootfsProvider)
	if scheme == "" {
		return "", "", bos.Invalidf("rootfs_provider", "%q is not supported; use sbps, or leave it out", set.RootfsProvider)
	}
	if image.Rootfs.Path == "" {
		return "", "", bos.Invalidf("rootfs_provider", "%q needs a rootfs and the image at %q has none; leave the provider out or name another image", set.RootfsProvider, set.Path)
	}
	root = fmt.Sprintf("root=%s:%s:%s", scheme, image.Rootfs.Path, image.Rootfs.ETag)
	if passthrough != "" {
		root += ":" + passthrough
	}
	return root, fmt.Sprintf("nmd_data=url=%s,etag=%s", image.Rootfs.Path, image.Rootfs.ETag), nil
}

// ImageWarnings is what a reviewer of a boot should know of a boot set and its
// image although it does not keep it from booting, or keeps only its setup.
func ImageWarnings(set bos.BootSet, image bos.Image) []string {
	var warnings []string
	if set.ETag != "" && image.ETag != "" && set.ETag != image.ETag {
		warnings = append(warnings, fmt.Sprintf("the image at %s has etag %s, the template says %s; the image is booted as it is now", set.Path, image.ETag, set.ETag))
	}
	if image.Fault != "" {
		warnings = append(warnings, "the session's setup will fail: "+image.Fault)
	}
	switch {
	case set.RootfsProvider == "":
	case strings.EqualFold(set.RootfsProvider, rootfsCPSS3):
		warnings = append(warnings, "rootfs provider cpss3 is of older CSM releases; use sbps where the system has it")
	case rootScheme(set.RootfsProvider) == "":
		warnings = append(warnings, fmt.Sprintf("rootfs provider %q is not supported and the session's setup will fail; use sbps, or leave it out", set.RootfsProvider))
	}
	if set.RootfsProvider != "" && image.Rootfs.Path == "" {
		warnings = append(warnings, fmt.Sprintf("rootfs provider %q needs a rootfs and the image at %s has none, so the session's setup will fail; leave the provider out, or name another image", set.RootfsProvider, set.Path))
	}
	return warnings
}

// imageWarnings is ImageWarnings with the boot set's name in front.
func imageWarnings(name string, set bos.BootSet, image bos.Image) []string {
	warnings := ImageWarnings(set, image)
	for i := range warnings {
		warnings[i] = fmt.Sprintf("boot set %q: %s", name, warnings[i])
	}
	return warnings
}

// arm writes a session's wish into a component. A staged session only stages
// it. An enabled component is on hold until its state has been observed, and
// what was remembered of an earlier wish is forgotten, except for what is in
// flight: its answer is still to come.
func arm(r bos.Record, s bos.Session, desired bos.DesiredState, now time.Time) bos.Record {
	at := bos.At(now)
	r.SetError("")
	if s.Stage {
		r.StagedState = bos.StagedState{
			BootArtifacts: desired.BootArtifacts, Configuration: desired.Configuration,
			Session: s.Name, LastUpdated: at,
		}.Written(bos.StagedArtifacts | bos.StagedConfiguration)
		r.Work.Applied = ""
		return r
	}
	desired.LastUpdated = at
	r.Goal = s.Operation.Goal()
	if r.Goal == bos.GoalConfigure {
		desired.BootArtifacts, desired.BSSToken = r.DesiredState.BootArtifacts, r.DesiredState.BSSToken
	}
	r.DesiredState = desired
	work := r.Rearmed()
	r.Session, r.Tenant = s.Name, bos.TenantOf(s.Tenant)
	r.Enabled = true
	r.LastAction = bos.LastAction{Action: bos.ActionSessionSetup, LastUpdated: at}
	r.EventStats = bos.EventStats{}
	r.Status = bos.ComponentStatus{StatusOverride: bos.StatusOnHold}
	r.Work = work
	if s.Operation == bos.OperationReboot {
		r.EndBoot(now)
	}
	return r
}
