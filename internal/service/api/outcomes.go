package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	defaultOutcomes = 1000
	maxOutcomes     = 10000
)

// listOutcomes says what became of each node that the session still owns, a
// page at a time; a node that a newer session has taken over is that session's.
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
	records, err := s.ownedAfter(r, rec.Session, after, size+1)
	if err != nil {
		return err
	}
	page := bos.NodeOutcomes{Components: make([]bos.NodeOutcome, 0, min(size, len(records)))}
	if len(records) > size {
		records = records[:size]
		page.Next = records[size-1].ID
	}
	for _, c := range records {
		page.Components = append(page.Components, bos.NodeOutcome{
			ID: c.ID, Status: c.DeriveStatus(), Phase: c.Status.Phase, Error: c.Error,
			Cause: c.Work.Cause, Sentence: c.Work.Cause.Sentence(),
		})
	}
	return s.answer(w, http.StatusOK, page)
}

// ownedAfter lists the session's components after an id, at most limit: those
// of another tenant's session of that name are left out.
func (s *server) ownedAfter(r *http.Request, session bos.Session, after string, limit int) ([]bos.Record, error) {
	var owned []bos.Record
	for {
		page, err := s.Store.Components(r.Context(), bos.ComponentFilter{Session: session.Name, After: after, Limit: limit})
		if err != nil {
			return nil, err
		}
		last := len(page) < limit
		if !last {
			after = page[len(page)-1].ID
		}
		owned = append(owned, session.Own(page)...)
		if last || len(owned) >= limit {
			return owned[:min(limit, len(owned))], nil
		}
	}
}
