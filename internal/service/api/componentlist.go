package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// maxPageSize bounds page_size; 0 is no limit.
	maxPageSize = 1048576
	// maxIDsQuery bounds the ids of a query, in characters: what fits into
	// the header of a request anyway.
	maxIDsQuery = 1 << 20
	// maxStatusQuery bounds the status words of a query, in characters.
	maxStatusQuery = 512
)

func (s *server) listComponents(w http.ResponseWriter, r *http.Request) error {
	filter, err := componentFilter(r.URL.Query())
	if err != nil {
		return err
	}
	sc, err := s.scopeOf(r)
	if err != nil {
		return err
	}
	if sc.only != nil {
		filter.IDs = sc.narrow(filter.IDs)
		if len(filter.IDs) == 0 {
			return answerList(s, w, []bos.Record{}, shown)
		}
	}
	records, err := s.Store.Components(r.Context(), filter)
	if err != nil {
		return err
	}
	return answerList(s, w, records, shown)
}

// narrow keeps the ids that a tenant has; no ids are all of them.
func (sc scope) narrow(ids []string) []string {
	if len(ids) == 0 {
		return sc.nodes
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !sc.has(id) })
}

// componentFilter reads the filters of a list. A phase of "" asks for the
// components without a phase.
func componentFilter(q url.Values) (bos.ComponentFilter, error) {
	var f bos.ComponentFilter
	ids, err := queryText(q, "ids", maxIDsQuery)
	if err != nil {
		return f, err
	}
	if ids != "" {
		f.IDs = strings.Split(ids, ",")
	}
	if f.Session, err = queryName(q, "session"); err != nil {
		return f, err
	}
	if f.StagedSession, err = queryName(q, "staged_session"); err != nil {
		return f, err
	}
	if f.Enabled, err = queryBool(q, "enabled"); err != nil {
		return f, err
	}
	if q.Has("phase") {
		phase := bos.Phase(q.Get("phase"))
		if !slices.Contains(bos.Phases(), phase) {
			return f, bos.Invalidf("query parameter phase", "%q is no phase; use one of %q", clip(string(phase)), bos.Phases())
		}
		f.Phase = &phase
	}
	status, err := queryText(q, "status", maxStatusQuery)
	if err != nil {
		return f, err
	}
	if status != "" {
		f.Status = strings.Split(status, ",")
	}
	if f.After, err = queryText(q, "start_after_id", bos.MaxComponentID); err != nil {
		return f, err
	}
	f.Limit, err = queryInt(q, "page_size", 0, 0, maxPageSize)
	return f, err
}
