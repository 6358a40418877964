package sim

import (
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// report applies what booted nodes tell, as the API does.
func (w *World) report(rep machineroom.Report) {
	if w.mute(rep.Node) {
		w.phoneHome(rep, 0)
		return
	}
	if !w.room.Reporting(rep) {
		delete(w.check.unheard, rep.Node)
		return
	}
	if w.serving() == nil {
		w.check.unheard[rep.Node] = true
		w.after(awayRetry, func() { w.report(rep) })
		return
	}
	delete(w.check.unheard, rep.Node)
	patch := bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &rep.Token}}
	unknown := false
	written, err := w.store.MutateReported(w.ctx, []string{rep.Node}, []string{rep.Token}, func(r *bos.Record, exists bool, tokens map[string]bos.BootArtifacts) error {
		booted, known := tokens[rep.Token]
		if unknown = !known; unknown || !exists {
			return bos.ErrSkip // the API answers 404 where there is no such node
		}
		if err := patch.CheckReport(r.Component); err != nil {
			return err
		}
		patch.Apply(r, &booted, w.wall())
		return nil
	})
	// The commit that follows the write may have been lost with a crash: the node was not
	// powered on for it.
	if unknown && !w.check.crashed {
		w.violated("node %s reports a token that is not stored: power came before the token", rep.Node)
	}
	if unknown {
		return
	}
	w.written++
	if errors.Is(err, bos.ErrReportRefused) {
		w.after(reportRetry, func() { w.report(rep) })
		return
	}
	if err != nil {
		w.violated("report of %s: %s", rep.Node, err)
	}
	w.told(shell.Change{Records: written})
}

// expectReports makes the room's next report an event.
func (w *World) expectReports() {
	at, ok := w.room.Next()
	if !ok || !w.reportsAt.IsZero() && !at.Before(w.reportsAt) {
		return
	}
	at = later(at, w.Now)
	w.reportsAt = at
	w.at(at, func() {
		if w.reportsAt.Equal(at) {
			w.reportsAt = time.Time{}
		}
		for _, rep := range w.room.Advance(w.Now) {
			w.report(rep)
		}
		w.expectReports()
	})
}
