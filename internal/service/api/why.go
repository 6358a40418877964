package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// getWhy says what a component waits for, since when, and what happens next: GET
// /x/v1/components/{id}/why.
func (s *server) getWhy(w http.ResponseWriter, r *http.Request) error {
	rec, reach, err := s.componentOf(r)
	if err != nil {
		return err
	}
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	why := decide.Explain(rec, s.Policy(options))
	glimpses, err := s.Store.Glimpses(r.Context(), []string{rec.ID})
	if err != nil {
		return err
	}
	if len(glimpses) > 0 && !glimpses[0].Since.IsZero() {
		why.Since = &glimpses[0].Since
	}
	if why.WaitsFor.Since, err = s.waitsSince(r, reach, rec, why); err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, why)
}

// waitsSince is when the wait of a component in work began, as the history of its session
// has it, and for a brake not before that was put on; else since when its status is what
// it is.
func (s *server) waitsSince(r *http.Request, reach bos.Reach, rec bos.Record, why bos.Why) (*time.Time, error) {
	reason := why.WaitsFor.Reason
	brake, err := s.brakeOf(r, rec, reason)
	switch {
	case err != nil:
		return nil, err
	case !rec.Enabled && brake.On():
		return &brake.Since, nil
	case !rec.Enabled, reason == bos.WaitNone:
		return why.Since, nil
	}
	begins := []string{string(decide.ReasonHold), string(decide.ReasonPutOff), string(decide.ReasonPowerOn), string(decide.ReasonPowerOff), string(decide.ReasonPowerOffForce)}
	if reason.AtGate() {
		begins = []string{string(decide.ReasonGateWait)}
	}
	events, err := s.Store.Events(r.Context(), bos.EventFilter{Seen: reach, Component: rec.ID, Session: rec.Session, Kinds: begins, Newest: true, Limit: 1})
	switch {
	case err != nil:
		return nil, err
	case len(events) > 0 && !events[0].Time.Before(brake.Since):
		return &events[0].Time, nil
	case brake.On():
		return &brake.Since, nil
	default:
		return why.Since, nil
	}
}

// brakeOf is the brake that a component waits for, none if it waits for something else.
func (s *server) brakeOf(r *http.Request, rec bos.Record, reason bos.WaitReason) (bos.Brake, error) {
	switch reason {
	case bos.WaitHeld:
		return rec.Held, nil
	case bos.WaitSitePaused:
		pause, err := s.Store.SitePause(r.Context())
		return pause.Brake, err
	case bos.WaitSessionPaused:
		session, err := s.Store.Session(r.Context(), rec.Key())
		if errors.Is(err, bos.ErrNotFound) { // deleted a moment ago
			return bos.Brake{}, nil
		}
		return session.Paused, err
	default:
		return bos.Brake{}, nil
	}
}
