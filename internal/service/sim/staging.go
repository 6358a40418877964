package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// tenant is the one tenant of a simulation. It has every other node.
const tenant = "red"

// tenantNodes are the nodes of the tenant.
func (w *World) tenantNodes() []string {
	var ids []string
	for i, n := range w.room.Inventory().Nodes {
		if i%2 == 0 || w.config.Bug == BugAllTenants {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// TenantNodes are those of the one tenant.
func (w *World) TenantNodes(_ context.Context, name string) ([]string, error) {
	if name != tenant {
		return nil, bos.ErrNotFound
	}
	return w.tenantNodes(), nil
}

// stage creates a session that stages something on some nodes.
func (w *World) stage() {
	if w.sessions < maxSessions {
		w.createSession(request{op: bos.Operations()[w.rng.IntN(3)], limit: strings.Join(w.someNodes(), ","), stage: true})
	}
}

// applyStaged is POST /v2/applystaged.
func (w *World) applyStaged(ids []string) {
	records, err := w.store.Components(w.ctx, bos.ComponentFilter{IDs: ids})
	if err != nil {
		w.violated("apply: %s", err)
		return
	}
	by := make(map[string]*bos.Session)
	var staged []string
	for _, r := range records {
		if r.StagedState.Session == "" {
			continue
		}
		staged = append(staged, r.ID)
		for _, key := range w.check.sessions {
			if key.Name == r.StagedState.Session {
				if rec, err := w.store.Session(w.ctx, key); err == nil {
					by[key.Name] = &rec.Session
				}
			}
		}
	}
	if len(staged) == 0 {
		return
	}
	var applied []string
	_, err = w.store.MutateComponents(w.ctx, staged, func(r *bos.Record, exists bool) error {
		if !exists || r.StagedState.Session == "" {
			return bos.ErrSkip
		}
		if bos.ApplyStaged(r, by[r.StagedState.Session], true, w.wall()) {
			applied = append(applied, r.ID)
		}
		return nil
	})
	if err != nil {
		w.violated("apply: %s", err)
	}
	w.check.arm(applied)
	if len(applied) > 0 {
		w.happened(Applied)
	}
	w.wrote(shell.Change{Components: staged})
}

// applyTheRest has nothing wait for ever for its application, after the faults.
func (w *World) applyTheRest() {
	waits := false
	for i, r := range w.check.requests {
		waits = waits || r.stage && w.open[w.check.sessions[i]]
	}
	if !waits {
		return
	}
	if w.serving() != nil {
		var ids []string
		for _, n := range w.room.Inventory().Nodes {
			ids = append(ids, n.ID)
		}
		w.applyStaged(ids)
	}
	w.after(time.Minute, w.applyTheRest)
}

// deleteComponent is DELETE /v2/components/ID. Discovery finds the node again.
func (w *World) deleteComponent() {
	ids := w.someNodes()
	w.deleteOne(ids[w.rng.IntN(len(ids))])
}

// deleteOne deletes a component, if there is one.
func (w *World) deleteOne(id string) (deleted bool) {
	if w.check.flying[id] != bos.EffectNone {
		w.happened(DeletedInFlight)
	}
	w.forgetDeparted(id)
	err := w.store.DeleteComponent(w.ctx, id)
	if errors.Is(err, bos.ErrNotFound) {
		return false
	}
	if err != nil {
		w.violated("delete: %s", err)
	}
	w.check.deleted[id] = true
	w.check.armed(id)
	w.wrote(shell.Change{Components: []string{id}})
	return true
}

// remakeComponent deletes one and makes it anew, in work, before anybody has seen it.
func (w *World) remakeComponent() {
	ids := w.someNodes()
	w.remake(ids[w.rng.IntN(len(ids))])
}

func (w *World) remake(id string) {
	if !w.deleteOne(id) {
		return
	}
	w.kernels++
	image := fmt.Sprintf("s3://images/by-hand/%d", w.kernels)
	kernel, initrd, enabled := image+"/kernel", image+"/initrd", true
	put := bos.ComponentPatch{Enabled: &enabled, DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &kernel, Initrd: &initrd}}}
	written, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, _ bool) error {
		put.Replace(r, nil, w.wall())
		return nil
	})
	if err != nil {
		w.violated("put: %s", err)
	}
	w.check.arm([]string{id})
	w.check.byHand[id] = true
	w.happened(ComponentAnew)
	w.wrote(shell.Change{Records: written})
}

// deleteSession is DELETE /v2/sessions/NAME, of any but the one that is waited for, in
// one case of two followed by a POST of another one of that name.
func (w *World) deleteSession() {
	if len(w.check.sessions) == 0 {
		return
	}
	i := w.rng.IntN(len(w.check.sessions))
	key, r := w.check.sessions[i], w.check.requests[i]
	if key == w.awaited || w.awaited.Name == "" {
		return
	}
	err := w.store.DeleteSession(w.ctx, key)
	if err != nil && !errors.Is(err, bos.ErrNotFound) {
		w.violated("delete: %s", err)
	}
	delete(w.open, key)
	w.check.gone[key] = true
	w.wrote(shell.Change{Sessions: []bos.SessionKey{key}})
	w.happened(SessionDeleted)
	if w.rng.IntN(2) == 0 {
		w.happened(SessionAnew)
		w.check.anew[key] = true
		w.createNamed(key.Name, r)
	}
}
