package api

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	defaultOutcomes = 1000
	maxOutcomes     = 10000
)

// listOutcomes says what became of each node that the session still owns, a
// page at a time, and which ones wait for what it has staged; a node that a
// newer session has taken over is that session's.
func (s *server) listOutcomes(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	size, err := queryInt(q, "page_size", defaultOutcomes, 1, maxOutcomes)
	if err != nil {
		return err
	}
	after, err := queryText(q, "start_after_id", bos.MaxComponentID)
	if err != nil {
		return err
	}
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	records, err := s.managedAfter(r, rec.Session, after, size+1)
	if err != nil {
		return err
	}
	page := bos.NodeOutcomes{Components: make([]bos.NodeOutcome, 0, min(size, len(records)))}
	if len(records) > size {
		records = records[:size]
		page.Next = records[size-1].ID
	}
	for i := range records {
		page.Components = append(page.Components, outcomeOf(&records[i], rec.Name))
	}
	return s.answer(w, http.StatusOK, page)
}

// outcomeOf is what became of a node. What one that only waits for its stage is
// doing, is another session's.
func outcomeOf(c *bos.Record, session string) bos.NodeOutcome {
	if c.Session != session {
		return bos.NodeOutcome{ID: c.ID, Status: bos.StatusStaged}
	}
	return bos.NodeOutcome{
		ID: c.ID, Status: c.DeriveStatus(), Phase: c.Status.Phase, Error: c.Error,
		Cause: c.Work.Cause, Sentence: c.Work.Cause.Sentence(),
	}
}

// managedAfter lists the components after an id that the session owns or that
// wait for what it has staged, ordered by id, at most limit.
func (s *server) managedAfter(r *http.Request, session bos.Session, after string, limit int) ([]bos.Record, error) {
	owned, err := s.ownAfter(r, session, bos.ComponentFilter{Session: session.Name, After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	staged, err := s.ownAfter(r, session, bos.ComponentFilter{StagedSession: session.Name, After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(owned, staged)
	slices.SortFunc(all, func(a, b bos.Record) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(limit, len(all))], nil
}

// ownAfter lists the components of a filter, of which it fills its limit if
// there are as many: those of another tenant's session of that name are left
// out, and of those with its stage the ones that are owned or have applied it.
func (s *server) ownAfter(r *http.Request, session bos.Session, f bos.ComponentFilter) ([]bos.Record, error) {
	var own []bos.Record
	for {
		page, err := s.Store.Components(r.Context(), f)
		if err != nil {
			return nil, err
		}
		last := len(page) < f.Limit
		if !last {
			f.After = page[len(page)-1].ID
		}
		for _, c := range session.Own(page) {
			if f.Session != "" || c.Session != session.Name && c.StageWaits(session.Name) {
				own = append(own, c)
			}
		}
		if last || len(own) >= f.Limit {
			return own[:min(f.Limit, len(own))], nil
		}
	}
}
