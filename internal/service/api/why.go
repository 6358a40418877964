package api

import (
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// getWhy says what a component waits for, since when, and what happens next: GET
// /x/v1/components/{id}/why.
func (s *server) getWhy(w http.ResponseWriter, r *http.Request) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	if !reach.Has(id) {
		return missing(kindComponent, "", id)
	}
	records, err := s.Store.Components(r.Context(), bos.ComponentFilter{IDs: []string{id}})
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return missing(kindComponent, "", id)
	}
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	why := decide.Explain(records[0], options.Policy())
	glimpses, err := s.Store.Glimpses(r.Context(), []string{id})
	if err != nil {
		return err
	}
	if len(glimpses) > 0 && !glimpses[0].Since.IsZero() {
		why.Since = &glimpses[0].Since
	}
	if why.WaitsFor.Since, err = s.waitsSince(r, reach, records[0], why); err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, why)
}

// waitsSince is when a wait began, as the history has it, of one that has a reason; else
// its status is what it waits in.
func (s *server) waitsSince(r *http.Request, reach bos.Reach, rec bos.Record, why bos.Why) (*time.Time, error) {
	switch {
	case rec.Held.On() && why.WaitsFor.Reason == bos.WaitHeld:
		return &rec.Held.Since, nil
	case why.WaitsFor.Reason == bos.WaitNone || !rec.Enabled:
		return why.Since, nil
	}
	begins := []string{string(decide.ReasonHold), string(decide.ReasonGateWait), string(decide.ReasonPutOff), string(decide.ReasonPowerOn), string(decide.ReasonPowerOff), string(decide.ReasonPowerOffForce)}
	events, err := s.Store.Events(r.Context(), bos.EventFilter{Seen: reach, Component: rec.ID, Kinds: begins, Newest: true, Limit: 1})
	if err != nil || len(events) == 0 {
		return why.Since, err
	}
	return &events[0].Time, nil
}
