package api

import (
	"encoding/json"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// v1ShownTemplate is a template with what version 2 does not show of it.
type v1ShownTemplate struct {
	bos.SessionTemplate
	Sequence  *struct{}             `json:"sequence,omitempty"`
	Partition string                `json:"partition,omitempty"`
	BootSets  map[string]v1ShownSet `json:"boot_sets"`
}

type v1ShownSet struct {
	bos.BootSet
	BootOrdinal     *int
	ShutdownOrdinal *int
}

// MarshalJSON adds the ordinals to the boot set as version 2 shows it.
func (b v1ShownSet) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(b.BootSet)
	if err != nil || b.BootOrdinal == nil && b.ShutdownOrdinal == nil {
		return text, err
	}
	more, err := json.Marshal(struct {
		BootOrdinal     *int `json:"boot_ordinal,omitempty"`
		ShutdownOrdinal *int `json:"shutdown_ordinal,omitempty"`
	}{b.BootOrdinal, b.ShutdownOrdinal})
	// Both are objects with a member at least.
	return append(append(text[:len(text)-1], ','), more[1:]...), err
}

func asVersion1(t bos.SessionTemplate) v1ShownTemplate {
	shown := v1ShownTemplate{SessionTemplate: t, BootSets: make(map[string]v1ShownSet, len(t.BootSets))}
	sequence := bos.Sequence{}
	if t.Sequence != nil {
		sequence = *t.Sequence
	}
	shown.Partition = sequence.Partition
	given := func(ordinals map[string]int, name string) *int {
		if at, ok := ordinals[name]; ok {
			return &at
		}
		return nil
	}
	for name, set := range t.BootSets {
		shown.BootSets[name] = v1ShownSet{set, given(sequence.BootOrdinal, name), given(sequence.ShutdownOrdinal, name)}
	}
	return shown
}

func (s *server) listV1Templates(w http.ResponseWriter, r *http.Request) error {
	templates, err := s.readTemplates(r)
	if err != nil {
		return err
	}
	return answerList(s, w, templates, asVersion1)
}

func (s *server) getV1Template(w http.ResponseWriter, r *http.Request) error {
	t, err := s.readTemplate(r)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, asVersion1(t))
}
