package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// holdBody is the body of PUT /x/v1/components/{id}/hold, holdsBody that of POST
// /x/v1/holds, and without a reason that of POST /x/v1/holds/release.
type holdBody struct {
	Reason string `json:"reason"`
}

type holdsBody struct {
	IDs    []string `json:"ids"`
	Reason string   `json:"reason"`
}

type releaseBody struct {
	IDs []string `json:"ids"`
}

// checkReason wants one: whoever finds a hold must know whether to lift it.
func checkReason(reason *string) error {
	*reason = strings.TrimSpace(*reason)
	if *reason == "" {
		return bos.Invalidf("reason", "is missing; say why the node is not to be touched, for whoever finds the hold")
	}
	return checkText("reason", reason, bos.MaxReason)
}

// holdComponent puts a hold on a component: PUT /x/v1/components/{id}/hold with
// {"reason": text}. Sessions leave the node out, and from the answer on nothing new is
// sent to it, until the hold is lifted.
func (s *server) holdComponent(w http.ResponseWriter, r *http.Request) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	var body holdBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if err := checkReason(&body.Reason); err != nil {
		return err
	}
	records, err := s.hold(r, reach, []string{id}, body.Reason)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, bos.HeldComponent{ID: id, Brake: records[0].Held})
}

// releaseComponent lifts the hold of a component: DELETE /x/v1/components/{id}/hold.
// One without a hold is left as it is.
func (s *server) releaseComponent(w http.ResponseWriter, r *http.Request) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	if _, err := s.release(r, reach, []string{id}); err != nil {
		return err
	}
	return s.noContent(w)
}

// postHolds puts a hold on many components: POST /x/v1/holds with {"ids": [xname,
// ...], "reason": text}; on all of them, or on none.
func (s *server) postHolds(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	var body holdsBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	ids, err := heldIDs(body.IDs)
	if err != nil {
		return err
	}
	if err := checkReason(&body.Reason); err != nil {
		return err
	}
	records, err := s.hold(r, reach, ids, body.Reason)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, holdsOf(records))
}

// releaseHolds lifts the holds of many components: POST /x/v1/holds/release with
// {"ids": [xname, ...]}.
func (s *server) releaseHolds(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	var body releaseBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	ids, err := heldIDs(body.IDs)
	if err != nil {
		return err
	}
	if _, err := s.release(r, reach, ids); err != nil {
		return err
	}
	return s.noContent(w)
}

func heldIDs(ids []string) ([]string, error) {
	if n := len(ids); n == 0 || n > maxBulk {
		return nil, bos.Invalidf("ids", "has %d entries; name 1 to %d components", n, maxBulk)
	}
	for _, id := range ids {
		if !bos.ValidComponentID(id) {
			return nil, bos.Invalidf("ids", "%q cannot be a component's id; use 1 to %d characters", clip(id), bos.MaxComponentID)
		}
	}
	return bos.Distinct(bos.CanonicalIDs(ids)), nil
}

// checkPlannedHolds checks the holds that a preview is to go by.
func checkPlannedHolds(holds map[string]string) error {
	if n := len(holds); n > maxBulk {
		return bos.Invalidf("holds", "has %d entries; name at most %d components", n, maxBulk)
	}
	for id, reason := range holds {
		if !bos.ValidComponentID(id) {
			return bos.Invalidf("holds", "%q cannot be a component's id; use 1 to %d characters", clip(id), bos.MaxComponentID)
		}
		if err := checkText("holds."+id, &reason, bos.MaxReason); err != nil {
			return err
		}
	}
	return nil
}

func canonicalHolds(holds map[string]string) map[string]string {
	canonical := make(map[string]string, len(holds))
	for id, reason := range holds {
		canonical[bos.CanonicalXname(id)] = strings.TrimSpace(reason)
	}
	return canonical
}

// listHolds lists who is held, with the reasons: GET /x/v1/holds. A tenant is told of
// its own nodes.
func (s *server) listHolds(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	records, err := s.Store.Components(r.Context(), bos.ComponentFilter{Held: true, Readable: true})
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(rec bos.Record) bool { return !reach.Has(rec.ID) })
	return s.answer(w, http.StatusOK, holdsOf(records))
}

func holdsOf(records []bos.Record) bos.Holds {
	holds := bos.Holds{Holds: make([]bos.HeldComponent, 0, len(records))}
	for i := range records {
		holds.Holds = append(holds.Holds, bos.HeldComponent{ID: records[i].ID, Brake: records[i].Held})
	}
	return holds
}

func (s *server) hold(r *http.Request, reach bos.Reach, ids []string, reason string) ([]bos.Record, error) {
	next := s.brake(r, reason)
	return s.mutateHolds(r, reach, ids, eventComponentHeld, reason, func(b *bos.Brake) error {
		if b.On() && b.Reason == reason {
			b.Again = next.Since // somebody else may be about to rely on it
			return nil
		}
		b.Again = time.Time{}
		return putOn(b, reason, next)
	})
}

func (s *server) release(r *http.Request, reach bos.Reach, ids []string) ([]bos.Record, error) {
	return s.mutateHolds(r, reach, ids, eventComponentReleased, "", takeOff)
}

// mutateHolds changes the holds of components, all that are named or none.
func (s *server) mutateHolds(r *http.Request, reach bos.Reach, ids []string, kind, detail string, change func(*bos.Brake) error) ([]bos.Record, error) {
	for _, id := range ids {
		if !reach.Has(id) {
			return nil, missing(kindComponent, "", id)
		}
	}
	records, err := s.Store.MutateComponents(r.Context(), ids, func(rec *bos.Record, exists bool) error {
		if !exists {
			return missing(kindComponent, "", rec.ID)
		}
		if err := change(&rec.Held); err != nil && !errors.Is(err, bos.ErrSkip) {
			return err
		}
		return nil // one that is as it should be is answered as it is
	}, s.note(r, kind, detail))
	if err != nil {
		return nil, err
	}
	if err := s.settle(r, Change{Records: records}); err != nil {
		return nil, err
	}
	return records, nil
}
