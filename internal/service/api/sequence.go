package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// keptSequence is what the stored template of that name says of the order of the boot sets
// that the new one has: a client of version 2 cannot send it, and does not know that it
// would be lost.
func (s *server) keptSequence(ctx context.Context, t bos.SessionTemplate) (*bos.Sequence, error) {
	stored, err := s.Store.Template(ctx, bos.TenantOf(t.Tenant), t.Name)
	if errors.Is(err, bos.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	return stored.Sequence.Among(t.BootSets), err
}

// getSequence answers the partition of a template and the order of its boot sets.
func (s *server) getSequence(w http.ResponseWriter, r *http.Request) error {
	t, err := s.readTemplate(r)
	if err != nil {
		return err
	}
	return s.answerSequence(w, t)
}

func (s *server) answerSequence(w http.ResponseWriter, t bos.SessionTemplate) error {
	if t.Sequence == nil {
		t.Sequence = &bos.Sequence{}
	}
	return s.answer(w, http.StatusOK, t.Sequence)
}

// putSequence writes them; an empty object takes them away. Sessions that exist keep the
// template that they were created with.
func (s *server) putSequence(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	var sequence bos.Sequence
	if err := decode(w, r, maxBody, &sequence); err != nil {
		return err
	}
	t, err := s.Store.MutateTemplate(r.Context(), tenant, name, func(t *bos.SessionTemplate, exists bool) error {
		if !exists {
			return bos.ErrNotFound
		}
		if err := bos.ValidateSequence(sequence, *t); err != nil {
			return err
		}
		if t.Sequence = &sequence; sequence.Empty() {
			t.Sequence = nil
		}
		return nil
	}, s.noteTemplate(r, eventTemplateStored, tenant, name))
	if err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	return s.answerSequence(w, t)
}
