package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// maxSessions bounds the sessions of one run.
const maxSessions = 6

// request is what a client wants of a new session.
type request struct {
	op     bos.Operation
	limit  string
	stage  bool
	tenant string
}

// createSession stores a session as POST /v2/sessions does.
func (w *World) createSession(r request) bos.SessionKey {
	cfs := w.config.CFS
	w.sessions++
	name := fmt.Sprintf("sim-%d", w.sessions)
	rec := bos.SessionRecord{
		Session: bos.Session{
			Name: name, Operation: r.op, TemplateName: "t", Limit: r.limit, Stage: r.stage, Tenant: bos.TenantRef(r.tenant),
			Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(w.wall())},
		},
		Template: bos.SessionTemplate{Name: "t", EnableCFS: &cfs, BootSets: map[string]bos.BootSet{
			"compute": {Path: fmt.Sprintf("s3://images/%d/manifest.json", w.sessions), Type: "s3", NodeRolesGroups: []string{"Compute"}},
		}},
		Created: w.wall(),
	}
	if cfs {
		rec.Template.CFS = &bos.CFS{Configuration: "conf"}
	}
	if err := w.store.CreateSession(w.ctx, rec); err != nil {
		w.violated("create the session: %s", err)
	}
	w.open[rec.Key()] = true
	w.check.sessions = append(w.check.sessions, rec.Key())
	w.check.requests = append(w.check.requests, r)
	w.wrote(shell.Change{Sessions: []bos.SessionKey{rec.Key()}})
	return rec.Key()
}

// write is something that a client does by chance.
func (w *World) write() {
	if !w.faulty || w.serving() == nil {
		return
	}
	switch w.rng.IntN(14) {
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
	ids := []string{"x9999c0s0b0n0"}
	for _, n := range w.room.Inventory().Nodes {
		if w.rng.IntN(2) == 0 {
			ids = append(ids, n.ID)
		}
	}
	if p := w.serving(); p != nil {
		p.shell.Hint(ids...)
	}
}

// Strangers are the last nodes of a room, which the clients of write leave alone.
const Strangers = 2

func (w *World) cancel() {
	keys := slices.SortedFunc(maps.Keys(w.open), func(a, b bos.SessionKey) int { return bos.CompareXnames(a.Name, b.Name) })
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
	id := nodes[w.rng.IntN(len(nodes)-Strangers)].ID
	kind, retries := w.rng.IntN(4), 1+w.rng.IntN(4)
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
