package api

import (
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

const kindComponent = "Component"

func view(r bos.Record) bos.Component { return r.View() }

// componentKey is the component that a request is about, and what its tenant
// may touch.
func (s *server) componentKey(r *http.Request) (string, bos.Reach, error) {
	id := r.PathValue("id")
	if !bos.ValidComponentID(id) {
		return "", bos.Reach{}, bos.Invalidf("id", "%q cannot be a component's id; use 1 to %d characters", clip(id), bos.MaxComponentID)
	}
	reach, err := s.reachOf(r)
	return bos.CanonicalXname(id), reach, err
}

// componentOf is the record of the component that a request is about.
func (s *server) componentOf(r *http.Request) (rec bos.Record, reach bos.Reach, err error) {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return rec, reach, err
	}
	if !reach.Has(id) {
		return rec, reach, missing(kindComponent, "", id)
	}
	records, err := s.Store.Components(r.Context(), bos.ComponentFilter{IDs: []string{id}})
	if err != nil {
		return rec, reach, err
	}
	if len(records) == 0 {
		return rec, reach, missing(kindComponent, "", id)
	}
	return records[0], reach, nil
}

func (s *server) getComponent(w http.ResponseWriter, r *http.Request) error {
	rec, _, err := s.componentOf(r)
	if err != nil {
		return err
	}
	return s.answerComponent(w, rec)
}

func (s *server) deleteComponent(w http.ResponseWriter, r *http.Request) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	if !reach.Has(id) {
		return missing(kindComponent, "", id)
	}
	if err := s.Store.DeleteComponent(r.Context(), id, s.note(r, eventComponentDeleted, "")); err != nil {
		return orMissing(err, kindComponent, "", id)
	}
	if err := s.settle(r, Change{Components: []string{id}}); err != nil {
		return err
	}
	return s.noContent(w)
}

func (s *server) putComponent(w http.ResponseWriter, r *http.Request) error {
	return s.writeComponent(w, r, eventComponentPut, func(patch bos.ComponentPatch, rec *bos.Record, _ bool, booted *bos.BootArtifacts) error {
		patch.Replace(rec, booted, s.Now())
		return nil
	})
}

// patchComponent is also how thousands of nodes report at once what they
// booted: one write, which looks the token up, and no more.
func (s *server) patchComponent(w http.ResponseWriter, r *http.Request) error {
	return s.writeComponent(w, r, eventComponentPatched, func(patch bos.ComponentPatch, rec *bos.Record, exists bool, booted *bos.BootArtifacts) error {
		if !exists {
			return bos.ErrNotFound
		}
		if err := patch.CheckReport(rec.Component); err != nil {
			return err
		}
		patch.Apply(rec, booted, s.Now())
		return nil
	})
}

type componentWrite func(patch bos.ComponentPatch, rec *bos.Record, exists bool, booted *bos.BootArtifacts) error

func (s *server) writeComponent(w http.ResponseWriter, r *http.Request, kind string, write componentWrite) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	if !reach.Has(id) {
		return missing(kindComponent, "", id)
	}
	if err := checkMedia(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	patch, err := componentFrom(http.MaxBytesReader(w, r.Body, maxBody), id)
	if err != nil {
		return drained(w, r, err)
	}
	if err := mayWrite(r, id, patch); err != nil {
		return err
	}
	patches := slices.Values([]bos.ComponentPatch{patch})
	records, err := s.Store.MutateReported(r.Context(), []string{id}, reported(patches), func(rec *bos.Record, exists bool, booted map[string]bos.BootArtifacts) error {
		return write(patch, rec, exists, bootedBy(patch, booted))
	}, s.notePatch(r, kind, patches))
	if errors.Is(err, bos.ErrReportRefused) {
		return problemf(http.StatusConflict, titleReportRefused, "component '%s': %s", id, bos.ErrReportRefused)
	}
	if err != nil {
		return orMissing(err, kindComponent, "", id)
	}
	if change := (Change{Records: records}); patch.OnlyReports() {
		s.Changed(change)
	} else if err := s.settle(r, change); err != nil {
		return err
	}
	return s.answerComponent(w, records[0])
}

// mayWrite is nil if who asks may write this of a component: whoever may only report
// writes what it booted, and of its own alone.
func mayWrite(r *http.Request, id string, patch bos.ComponentPatch) error {
	caller := access.Of(r.Context())
	if patch.OnlyReports() {
		return caller.MayReport(id)
	}
	return caller.May(access.ChangeComponents)
}

// componentFrom reads the body of a write to one component.
func componentFrom(body io.Reader, id string) (bos.ComponentPatch, error) {
	var patch bos.ComponentPatch
	if err := decodeFrom(body, &patch); err != nil {
		return patch, err
	}
	if err := patch.Validate(); err != nil {
		return patch, err
	}
	if patch.ID != nil && bos.CanonicalXname(*patch.ID) != id {
		return patch, bos.Invalidf("id", "%q is not the component of the path, %q; leave it out or make it the same", clip(*patch.ID), id)
	}
	return patch, nil
}

// reported are the tokens of patches, each once.
func reported(patches iter.Seq[bos.ComponentPatch]) []string {
	var tokens []string
	seen := make(map[string]bool)
	for patch := range patches {
		if token := patch.Token(); token != "" && !seen[token] {
			seen[token] = true
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// bootedBy is what the token of a patch stands for, nil if that is not known.
func bootedBy(patch bos.ComponentPatch, booted map[string]bos.BootArtifacts) *bos.BootArtifacts {
	if artifacts, known := booted[patch.Token()]; known {
		return &artifacts
	}
	return nil
}
