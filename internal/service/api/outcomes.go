package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	defaultOutcomes = 1000
	maxOutcomes     = 10000
)

// listOutcomes says what became of each node of the session, a page at a time: of
// one that another session has taken over since, how this one left it.
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
	nodes, err := s.Store.SessionNodes(r.Context(), rec.Key(), after, size+1)
	if err != nil {
		return err
	}
	page := bos.NodeOutcomes{Components: nodes[:min(size, len(nodes))]}
	if len(nodes) > size {
		page.Next = nodes[size-1].ID
	}
	if len(nodes) == 0 {
		page.Components = []bos.NodeOutcome{}
	}
	return s.answer(w, http.StatusOK, page)
}
