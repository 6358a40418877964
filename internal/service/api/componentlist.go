package api

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
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
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	if !reach.Whole() {
		filter.IDs = narrow(reach, filter.IDs)
		if len(filter.IDs) == 0 {
			return answerList(s, w, []bos.Record{}, view)
		}
	}
	return s.answerDocuments(w, r, filter)
}

// answerDocuments streams the components as the store has them. An error after
// the first of them has left cuts the answer off, so that no client takes a
// part for the whole.
func (s *server) answerDocuments(w http.ResponseWriter, r *http.Request, filter bos.ComponentFilter) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	var sendFailed error
	separator := byte('[')
	err := s.Store.ComponentDocuments(r.Context(), filter, func(document []byte) error {
		if separator == '[' {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusOK)
		}
		// Flush returns the error of each write before it.
		_ = buffered.WriteByte(separator)
		_, sendFailed = buffered.Write(document)
		separator = ','
		return sendFailed
	})
	switch {
	case separator == '[' && err != nil:
		return err
	case separator == '[':
		return answerList(s, w, []bos.Record{}, view)
	case sendFailed != nil:
		s.sent(0, sendFailed)
		return nil //nolint:nilerr // the client has left; there is nobody to answer
	case err != nil:
		s.Log.Error("the database failed in the middle of an answer", "path", r.URL.Path, "error", err)
		panic(http.ErrAbortHandler)
	}
	_, _ = buffered.WriteString("]\n") // Flush returns the error
	s.sent(0, buffered.Flush())
	return nil
}

// answerComponent writes one record as the API shows it.
func (s *server) answerComponent(w http.ResponseWriter, record bos.Record) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	view := record.View()
	text := texts.Get().(*[]byte) //nolint:forcetypeassert // it holds nothing else
	*text = append(document.AppendComponent((*text)[:0], &view, nil), '\n')
	s.sent(w.Write(*text))
	texts.Put(text)
	return nil
}

// texts are used again: thousands of nodes report at once, and each is answered.
var texts = sync.Pool{New: func() any { return &[]byte{} }}

// answerComponents writes records as the API shows them.
func (s *server) answerComponents(w http.ResponseWriter, records []bos.Record) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	buffered := bufio.NewWriterSize(w, 64<<10)
	separator := byte('[')
	var text []byte
	artifacts := likeTheLast()
	for i := range records {
		view := records[i].View()
		text = document.AppendComponent(append(text[:0], separator), &view, artifacts)
		separator = ','
		if _, err := buffered.Write(text); err != nil {
			break // the client has left; Flush returns the same error
		}
	}
	if len(records) == 0 {
		_ = buffered.WriteByte(separator) // Flush returns the error
	}
	_, _ = buffered.WriteString("]\n") // Flush returns the error
	s.sent(0, buffered.Flush())
	return nil
}

// likeTheLast writes boot artifacts, of which most are the same as those before.
func likeTheLast() func(to []byte, a bos.BootArtifacts) []byte {
	var last bos.BootArtifacts
	text := document.AppendArtifacts(nil, last)
	return func(to []byte, a bos.BootArtifacts) []byte {
		if a != last {
			last, text = a, document.AppendArtifacts(text[:0], a)
		}
		return append(to, text...)
	}
}

// narrow keeps the ids that a tenant has; no ids are all of them.
func narrow(reach bos.Reach, ids []string) []string {
	if len(ids) == 0 {
		return reach.Nodes()
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !reach.Has(id) })
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
		f.IDs = bos.CanonicalIDs(strings.Split(ids, ","))
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
	if q.Get("status") != "" { // alone among the filters it may be empty
		status, err := queryText(q, "status", maxStatusQuery)
		if err != nil {
			return f, err
		}
		f.Status = strings.Split(status, ",")
	}
	if f.After, err = queryText(q, "start_after_id", bos.MaxComponentID); err != nil {
		return f, err
	}
	f.Limit, err = queryInt(q, "page_size", 0, 0, maxPageSize)
	return f, err
}
