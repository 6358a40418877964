package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxIDs bounds the ids of a bulk patch by filter, in characters.
const maxIDs = 65535

// bulk is a write to many components: the patch of each, by id.
type bulk struct {
	// ids are in the order of the request, each once.
	ids     []string
	patches map[string]bos.ComponentPatch
	// session, if it is not empty, is the session that must still own a
	// component when it is written.
	session string
	// checked says that every id had a record a moment ago.
	checked bool
	// kind is the event that each write leaves.
	kind string
}

func (s *server) putComponents(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	if err := checkMedia(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	b, err := bulkOf(http.MaxBytesReader(w, r.Body, maxBulkBody))
	if err != nil {
		return drained(w, r, err)
	}
	for _, id := range b.ids {
		if !reach.Has(id) {
			return missing(kindComponent, "", id)
		}
	}
	b.kind = eventComponentPut
	return s.writeComponents(w, r, b, func(rec *bos.Record, _ bool, patch bos.ComponentPatch, booted *bos.BootArtifacts) (bool, error) {
		patch.Replace(rec, booted, s.Now())
		return true, nil
	})
}

func (s *server) patchComponents(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return untitled(err)
	}
	skip, err := queryBool(r.URL.Query(), "skip_bad_ids")
	if err != nil {
		return err
	}
	body, err := decodeBulkPatch(w, r)
	if err != nil {
		return err
	}
	b, err := s.bulkPatch(r, body, reach)
	if err != nil {
		return err
	}
	if orZero(skip) {
		if err := s.dropUnknown(r, &b, reach); err != nil {
			return err
		}
	}
	b.kind = eventComponentPatched
	return s.writeComponents(w, r, b, func(rec *bos.Record, exists bool, patch bos.ComponentPatch, booted *bos.BootArtifacts) (bool, error) {
		switch {
		case !exists && b.checked:
			return false, unavailable("component '%s' was deleted while this request was under way; nothing was written, try again", rec.ID)
		case !exists || !reach.Has(rec.ID):
			return false, missing(kindComponent, "", rec.ID)
		case b.session != "" && rec.Session != b.session:
			return false, nil
		}
		patch.Apply(rec, booted, s.Now())
		return true, nil
	})
}

// bulkPatchBody is one of the forms of a bulk patch: a list with ids, or one
// patch for the components that a filter names.
type bulkPatchBody struct {
	list  *bulk
	patch *bos.ComponentPatch
	// ids or session is not empty where patch is set.
	ids     []string
	session string
}

type filteredPatch struct {
	Patch   *bos.ComponentPatch `json:"patch"`
	Filters *struct {
		IDs     nullable[string] `json:"ids"`
		Session nullable[string] `json:"session"`
	} `json:"filters"`
}

func decodeBulkPatch(w http.ResponseWriter, r *http.Request) (bulkPatchBody, error) {
	if err := checkMedia(r.Header.Get("Content-Type")); err != nil {
		return bulkPatchBody{}, err
	}
	body, err := bulkPatchFrom(http.MaxBytesReader(w, r.Body, maxBulkBody))
	return body, drained(w, r, err)
}

func bulkPatchFrom(body io.Reader) (bulkPatchBody, error) {
	first, body, err := firstByte(body)
	if err != nil {
		return bulkPatchBody{}, explain(err)
	}
	if first == '[' {
		list, err := bulkOf(body)
		return bulkPatchBody{list: &list}, err
	}
	var form filteredPatch
	if err := decodeFrom(&portions{from: body, left: maxBody}, &form); err != nil {
		return bulkPatchBody{}, err
	}
	return form.check()
}

// firstByte is the first byte of a body that is no white space, with the body from
// there on.
func firstByte(body io.Reader) (byte, io.Reader, error) {
	buffered := bufio.NewReader(body)
	for {
		first, err := buffered.ReadByte()
		switch {
		case err != nil:
			return 0, nil, err
		case !strings.ContainsRune(" \t\r\n", rune(first)):
			return first, buffered, buffered.UnreadByte()
		}
	}
}

func (f filteredPatch) check() (bulkPatchBody, error) {
	if f.Patch == nil {
		return bulkPatchBody{}, bos.Invalidf("patch", "is missing; send a list of components with their ids, or {\"patch\": ..., \"filters\": ...}")
	}
	if err := f.Patch.Validate(); err != nil {
		return bulkPatchBody{}, within("patch", err)
	}
	if f.Filters == nil {
		return bulkPatchBody{}, bos.Invalidf("filters", "is missing; name the components with ids or with session")
	}
	ids, session := f.Filters.IDs.orZero(), f.Filters.Session.orZero()
	switch {
	case (ids == "") == (session == ""):
		return bulkPatchBody{}, bos.Invalidf("filters", "needs either ids or session, and not both")
	case utf8.RuneCountInString(ids) > maxIDs:
		return bulkPatchBody{}, bos.Invalidf("filters.ids", "has more than %d characters; send several requests, or a list of components", maxIDs)
	case session != "" && !bos.ValidName(session):
		return bulkPatchBody{}, bos.Invalidf("filters.session", "%q cannot name a session; use %s", clip(session), bos.NameRule)
	case session != "":
		return bulkPatchBody{patch: f.Patch, session: session}, nil
	default:
		return bulkPatchBody{patch: f.Patch, ids: bos.CanonicalIDs(strings.Split(ids, ","))}, nil
	}
}

// within puts a field in front of the one that an error names.
func within(field string, err error) error {
	var invalid *bos.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	if invalid.Field != "" {
		field += "." + invalid.Field
	}
	return &bos.Invalid{Field: field, Detail: invalid.Detail}
}

// bulkOf reads a list of components with ids and checks each as it comes; of
// several with one id the last counts.
func bulkOf(body io.Reader) (bulk, error) {
	b := bulk{patches: make(map[string]bos.ComponentPatch)}
	i := 0
	err := decodeEach(body, maxBulk, func(patch bos.ComponentPatch) error {
		field := fmt.Sprintf("[%d]", i)
		i++
		if patch.ID == nil {
			return bos.Invalidf(field+".id", "is missing; each component of a list needs its id")
		}
		if err := patch.Validate(); err != nil {
			return within(field, err)
		}
		b.add(bos.CanonicalXname(*patch.ID), patch)
		return nil
	})
	return b, err
}

// onlyReports reports whether it writes nothing but what nodes run.
func (b *bulk) onlyReports() bool {
	for _, patch := range b.patches {
		if !patch.OnlyReports() {
			return false
		}
	}
	return true
}

func (b *bulk) add(id string, patch bos.ComponentPatch) {
	if _, again := b.patches[id]; !again {
		b.ids = append(b.ids, id)
	}
	b.patches[id] = patch
}

func (s *server) bulkPatch(r *http.Request, body bulkPatchBody, reach bos.Reach) (bulk, error) {
	if body.patch == nil {
		return *body.list, nil
	}
	ids := body.ids
	if body.session != "" {
		owned, err := s.Store.ComponentIDs(r.Context(), bos.ComponentFilter{Session: body.session})
		if err != nil {
			return bulk{}, err
		}
		ids = slices.DeleteFunc(owned, func(id string) bool { return !reach.Has(id) })
	}
	b := bulk{patches: make(map[string]bos.ComponentPatch, len(ids)), session: body.session, checked: body.session != ""}
	for _, id := range ids {
		b.add(id, *body.patch)
	}
	return b, nil
}

// dropUnknown leaves out the ids without a record and those of other tenants.
func (s *server) dropUnknown(r *http.Request, b *bulk, reach bos.Reach) error {
	var found []string
	if len(b.ids) > 0 {
		var err error
		if found, err = s.Store.ComponentIDs(r.Context(), bos.ComponentFilter{IDs: b.ids}); err != nil {
			return err
		}
	}
	known := make(map[string]bool, len(found))
	for _, id := range found {
		known[id] = reach.Has(id)
	}
	b.ids = slices.DeleteFunc(b.ids, func(id string) bool { return !known[id] })
	b.checked = true
	return nil
}

// writeComponents writes all components of a bulk in one transaction, or none,
// and answers those that were written. write says whether it wrote.
func (s *server) writeComponents(w http.ResponseWriter, r *http.Request, b bulk,
	write func(rec *bos.Record, exists bool, patch bos.ComponentPatch, booted *bos.BootArtifacts) (bool, error),
) error {
	if len(b.ids) == 0 {
		return answerList(s, w, []bos.Record{}, view)
	}
	written := make(map[string]bool, len(b.ids))
	records, err := s.Store.MutateReported(r.Context(), b.ids, reported(maps.Values(b.patches)), func(rec *bos.Record, exists bool, booted map[string]bos.BootArtifacts) error {
		patch := b.patches[rec.ID]
		wrote, err := write(rec, exists, patch, bootedBy(patch, booted))
		written[rec.ID] = wrote
		return err
	}, s.notePatch(r, b.kind, maps.Values(b.patches)))
	if err != nil {
		return err
	}
	changed := make([]bos.Record, 0, len(records))
	for _, rec := range records {
		if written[rec.ID] {
			changed = append(changed, rec)
		}
	}
	if change := (Change{Records: changed}); b.onlyReports() {
		s.Changed(change)
	} else if err := s.settle(r, change); err != nil {
		return err
	}
	return s.answerComponents(w, changed)
}
