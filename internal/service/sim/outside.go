package sim

import (
	"container/heap"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// Outside counts what came of reboots from outside.
type Outside struct {
	// Reboots are those made, Booted those after which the node ran what was staged,
	// Resets the power actions of the service since it was staged.
	Reboots, Booted, Resets int
}

// Add adds another run.
func (o *Outside) Add(other Outside) {
	o.Reboots += other.Reboots
	o.Booted += other.Booted
	o.Resets += other.Resets
}

// RebootFromOutside boots all nodes that the limit keeps, stages another image on them with
// boot parameters, has each node rebooted from outside at some time after the service has
// said that they are written, and holds what is recorded against the room.
func (w *World) RebootFromOutside(limit string, spread time.Duration) (Outside, error) {
	w.Start()
	if _, err := w.RunSession(bos.OperationBoot, limit); err != nil {
		return Outside{}, err
	}
	before := w.powerActions
	var key bos.SessionKey
	w.whenServed(w.Now.Add(time.Second), func() {
		key = w.createSession(request{op: bos.OperationReboot, limit: limit, stage: true, stagedBoot: true})
	})
	written := make(map[string]bool)
	var look func()
	look = func() {
		for _, r := range w.records() {
			if !written[r.ID] && r.StagedBootWritten() {
				written[r.ID] = true
				w.after(time.Duration(w.rng.Int64N(int64(spread))), func() { w.restart(r.ID) })
			}
		}
		w.after(time.Second, look)
	}
	w.after(time.Second, look)
	if err := w.until(func() bool { return key.Name != "" && !w.open[key] && w.idle() }); err != nil {
		return Outside{}, fmt.Errorf("%w: %d nodes had their staged boot parameters written", err, len(written))
	}
	return w.heldAgainst(key, written, w.powerActions-before), nil
}

// until lets time pass until something is so.
func (w *World) until(is func() bool) error {
	end := w.Now.Add(defaultSpan)
	for len(w.queue) > 0 {
		next := heap.Pop(&w.queue).(event) //nolint:forcetypeassert // only events are pushed
		if next.at.After(end) {
			break
		}
		w.Now = next.at
		next.run()
		if is() {
			return nil
		}
	}
	return errors.New("what was waited for did not come")
}

// restart is what a scheduler, a person or a watchdog does.
func (w *World) restart(id string) {
	if w.room.Reset(id, machineroom.ResetForceRestart, w.Now) != machineroom.AnswerAccepted {
		w.after(time.Second, func() { w.restart(id) })
		return
	}
	w.outside++
	w.expectReports()
}

func (w *World) records() []bos.Record {
	list, err := w.store.Components(w.ctx, bos.ComponentFilter{})
	if err != nil {
		w.violated("load: %s", err)
	}
	return list
}

// heldAgainst holds the nodes of a session that was staged, and all of which were rebooted
// from outside, against the room and the history.
func (w *World) heldAgainst(key bos.SessionKey, nodes map[string]bool, resets int) Outside {
	told := make(map[string]int)
	events, err := w.store.Events(w.ctx, bos.EventFilter{Seen: bos.WholeSite(), Limit: 1 << 20})
	if err != nil {
		w.violated("read the history: %s", err)
	}
	for _, e := range events {
		if e.Kind == string(decide.ReasonStagedBooted) {
			told[e.Component]++
		}
	}
	o := Outside{Reboots: w.outside, Resets: resets}
	for _, r := range w.records() {
		if !nodes[r.ID] {
			continue
		}
		truth, _ := w.room.Node(r.ID, w.Now)
		switch {
		case !truth.Booted || !decide.Matches(truth.Artifacts, r.DesiredState.BootArtifacts):
			w.violated("%s was rebooted from outside, runs %+v, and its record desires %+v", r.ID, truth.Artifacts, r.DesiredState.BootArtifacts)
		case !decide.Matches(truth.Artifacts, r.ActualState.BootArtifacts):
			w.violated("%s runs %+v, and its record says %+v", r.ID, truth.Artifacts, r.ActualState.BootArtifacts)
		case r.Session != key.Name || r.Enabled || r.StageWaits(key.Name) || r.Work.StagedBoot != (bos.StagedBoot{}):
			w.violated("%s has booted what was staged, and is left to session %q, enabled %t, with %+v staged: %+v", r.ID, r.Session, r.Enabled, r.StagedState, r.Work)
		case told[r.ID] != 1:
			w.violated("the staged state of %s is taken %d times", r.ID, told[r.ID])
		default:
			o.Booted++
		}
	}
	if s, err := w.store.Session(w.ctx, key); err != nil || s.Extended == nil || s.Extended.PercentSuccessful != 100 {
		w.violated("session %s ends with %+v (%v)", key.Name, s.Extended, err)
	}
	return o
}

// UnstageFromOutside boots nodes, stages another image with boot parameters, and cancels
// that when they are written: the boot service then has the desired ones again.
func (w *World) UnstageFromOutside(nodes []string) error {
	w.Start()
	limit := strings.Join(nodes, ",")
	if _, err := w.RunSession(bos.OperationBoot, limit); err != nil {
		return err
	}
	before := w.powerActions
	var key bos.SessionKey
	w.whenServed(w.Now.Add(time.Second), func() {
		key = w.createSession(request{op: bos.OperationReboot, limit: limit, stage: true, stagedBoot: true})
	})
	all := func(is func(*bos.Record) bool) bool {
		count := 0
		for _, r := range w.records() {
			if is(&r) {
				count++
			}
		}
		return count >= len(nodes)
	}
	if err := w.until(func() bool { return all((*bos.Record).StagedBootWritten) }); err != nil {
		return err
	}
	w.whenServed(w.Now, func() {
		_, written, err := w.store.MutateOwned(w.ctx, key, func(s *bos.SessionRecord, owned []bos.Record, left bos.Tally) error {
			return bos.Cancel(s, owned, left, "no longer wanted", w.wall())
		})
		if err != nil {
			w.violated("cancel: %s", err)
		}
		delete(w.open, key)
		w.check.cancelled[key] = true
		w.wrote(shell.Change{Records: written, Sessions: []bos.SessionKey{key}})
	})
	back := func(r *bos.Record) bool {
		has, token, ok := w.room.BootParameters(r.ID)
		return ok && r.Session != "" && r.StagedState.Session == "" && r.Work.StagedBoot == bos.StagedBoot{} && has == r.DesiredState.BootArtifacts && token == r.DesiredState.BSSToken
	}
	if err := w.until(func() bool { return all(back) }); err != nil {
		return err
	}
	if w.powerActions != before {
		w.violated("%d power actions came of what was only staged", w.powerActions-before)
	}
	return nil
}
