package sim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// nobody is the name of no node.
const nobody = "x9999c0s0b0n0"

// maxSessions bounds the sessions of one run.
const maxSessions = 8

// request is what a client wants of a new session.
type request struct {
	op    bos.Operation
	limit string
	stage bool
	// stagedBoot has the boot service given what is staged.
	stagedBoot bool
	tenant     string
	// misspelt says that the limit leaves out a name that nobody knows.
	misspelt bool
	rollout  *bos.Rollout
	// overlap and replaces say whom it waits for, and whose place it takes.
	overlap  bos.Overlap
	replaces []string
}

// createSession stores a session as POST /v2/sessions does.
func (w *World) createSession(r request) bos.SessionKey {
	w.sessions++
	return w.createNamed(fmt.Sprintf("sim-%d", w.sessions), r)
}

func (w *World) createNamed(name string, r request) bos.SessionKey {
	cfs := w.config.CFS
	rec := bos.SessionRecord{
		Session: bos.Session{
			Name: name, Operation: r.op, TemplateName: "t", Limit: r.limit, Stage: r.stage, Tenant: bos.TenantRef(r.tenant),
			Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(w.wall())},
		},
		Template: bos.SessionTemplate{Name: "t", EnableCFS: &cfs, BootSets: map[string]bos.BootSet{
			"compute": {Path: fmt.Sprintf("s3://images/%d/manifest.json", w.sessions), Type: "s3", NodeRolesGroups: []string{"Compute"}},
		}},
		Created: w.wall(), Asked: bos.Asked{StagedBoot: r.stagedBoot, Overlap: r.overlap, Replaces: r.replaces},
	}
	if r.rollout != nil {
		rec.Rollout = bos.NewRollout(*r.rollout)
	}
	if cfs {
		rec.Template.CFS = &bos.CFS{Configuration: "conf"}
	}
	if err := w.store.CreateSession(w.ctx, rec); err != nil {
		w.violated("create the session: %s", err)
	}
	w.open[rec.Key()] = true
	delete(w.check.gone, rec.Key())
	delete(w.check.old, rec.Key())
	w.check.sessions = append(w.check.sessions, rec.Key())
	w.check.requests = append(w.check.requests, r)
	w.told(shell.Change{Sessions: []bos.SessionKey{rec.Key()}})
	return rec.Key()
}

// write is something that a client does by chance.
func (w *World) write() {
	if !w.faulty || w.serving() == nil {
		return
	}
	switch w.rng.IntN(19) {
	case 0:
		w.stealNodes("")
	case 1:
		w.stealNodes(tenant)
	case 2:
		w.stage()
	case 3, 4:
		w.applyStaged(w.someNodes())
	case 5:
		w.cancel()
	case 6:
		w.deleteComponent()
	case 7:
		w.deleteSession()
	case 8, 9:
		w.brake()
	case 10, 11, 12:
		w.patch()
	case 13:
		w.remakeComponent()
	case 14:
		w.misspell()
	case 15, 16:
		w.queueSession()
	case 17:
		w.replaceSession()
	default:
		w.setOptions()
	}
}

// stealNodes creates a session on some nodes, of which another may have some.
func (w *World) stealNodes(of string) {
	if w.sessions < maxSessions {
		w.createSession(request{op: bos.Operations()[w.rng.IntN(3)], limit: strings.Join(w.someNodes(), ","), tenant: of})
	}
}

// misspell creates a session whose limit leaves out a node that nobody knows: nobody
// can say whom its author meant.
func (w *World) misspell() {
	if w.sessions < maxSessions+2 { // which end at once
		w.createSession(request{op: bos.OperationReboot, limit: strings.Join(w.someNodes(), ",") + ",!" + nobody, misspelt: true})
		w.happened(UnknownName)
	}
}

// someNodes are the first and any others, but no strangers.
func (w *World) someNodes() []string {
	var ids []string
	nodes := w.room.Inventory().Nodes
	for i, n := range nodes[:len(nodes)-Strangers] {
		if i == 0 || w.rng.IntN(2) == 0 {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// hint is HSM saying of some nodes, one of them unknown to everybody, that their
// power may have changed.
func (w *World) hint() {
	ids := []string{nobody}
	for _, n := range w.room.Inventory().Nodes {
		if w.rng.IntN(2) == 0 {
			ids = append(ids, n.ID)
		}
	}
	if p := w.through(); p != nil {
		p.shell.Hint(ids...)
	}
}

// Strangers are the last nodes of a room, which the clients of write leave alone.
const Strangers = 2

// openSessions are those that are not over, sorted.
func (w *World) openSessions() []bos.SessionKey {
	return slices.SortedFunc(maps.Keys(w.open), func(a, b bos.SessionKey) int {
		return cmp.Or(bos.CompareXnames(a.Name, b.Name), cmp.Compare(a.Tenant, b.Tenant))
	})
}

func (w *World) cancel() {
	keys := w.openSessions()
	if len(keys) == 0 {
		return
	}
	key := keys[w.rng.IntN(len(keys))]
	_, written, err := w.store.MutateOwned(w.ctx, key, func(s *bos.SessionRecord, owned []bos.Record, left bos.Tally) error {
		return bos.Cancel(s, owned, left, "by chance", w.wall())
	})
	if err != nil && !errors.Is(err, bos.ErrSkip) {
		w.violated("cancel: %s", err)
	}
	delete(w.open, key)
	w.check.cancelled[key] = true
	w.wrote(shell.Change{Records: written, Sessions: []bos.SessionKey{key}})
}

// patch disables, enables, or sets the retry policy of a node that a session has,
// or has it run something else.
func (w *World) patch() {
	if !w.faulty || w.serving() == nil {
		return
	}
	nodes := w.room.Inventory().Nodes
	w.patchNode(nodes[w.rng.IntN(len(nodes)-Strangers)].ID)
}

// meddle has a client write to a node whose call has just begun, by chance.
func (w *World) meddle(id string) {
	if !w.chance(w.config.Meddle) {
		return
	}
	write := []func(string){w.patchNode, w.patchNode, w.remake, func(id string) { w.deleteOne(id) }}[w.rng.IntN(4)]
	w.after(w.delay(), func() {
		if w.faulty && w.serving() != nil {
			write(id)
		}
	})
}

// patchNode patches one node.
func (w *World) patchNode(id string) {
	kind, retries := w.rng.IntN(4), 1+w.rng.IntN(4)
	switch flying := w.check.flying[id] != bos.EffectNone; {
	case flying && kind == 1:
		w.happened(DisabledInFlight)
	case flying && kind == 3:
		w.happened(DesiredInFlight)
	default:
	}
	written, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, exists bool) error {
		if !exists || r.Session == "" {
			return bos.ErrSkip
		}
		enabled := kind == 0
		patch := bos.ComponentPatch{Enabled: &enabled}
		if kind == 2 {
			patch = bos.ComponentPatch{RetryPolicy: &retries}
		}
		if kind == 3 {
			w.desireAnother(r)
			return nil
		}
		patch.Apply(r, nil, w.wall())
		return nil
	})
	if err != nil {
		w.violated("patch: %s", err)
	}
	w.check.armed(id)
	if kind == 0 && len(written) > 0 { // also one that only a stage had, which came to nothing
		w.check.member[id] = true
	}
	w.wrote(shell.Change{Records: written})
}

// desireAnother has a node boot another kernel than its session said, without
// arming it anew. It stays with its session.
func (w *World) desireAnother(r *bos.Record) {
	w.kernels++
	kernel := fmt.Sprintf("s3://images/by-hand/%d/kernel", w.kernels)
	desired := &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &kernel}}
	session := r.Session
	bos.ComponentPatch{DesiredState: desired, Session: &session}.Apply(r, nil, w.wall())
}

// setOptions changes options that bear on what is under way.
func (w *World) setOptions() {
	retries, wait := 1+w.rng.IntN(w.check.mostRetries()), 60+w.rng.IntN(120)
	_, err := w.store.MutateOptions(w.ctx, func(o *bos.Options) error {
		o.DefaultRetryPolicy, o.MaxPowerOffWaitTime = retries, wait
		return nil
	})
	if err != nil {
		w.violated("options: %s", err)
	}
	w.wrote(shell.Change{})
}
