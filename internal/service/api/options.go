package api

import (
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxOptions bounds the members of a PATCH of options.
const maxOptions = 1024

// optionsBody is the one object that the contract leaves open: options of
// other versions are accepted and have no effect.
type optionsBody struct {
	Known   bos.OptionsPatch          `json:",embed"`
	Unknown map[string]jsontext.Value `json:",embed"`
}

func (s *server) getOptions(w http.ResponseWriter, r *http.Request) error {
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, options)
}

func (s *server) patchOptions(w http.ResponseWriter, r *http.Request) error {
	body, err := decodeOptions(w, r)
	if err != nil {
		return err
	}
	if len(body.Unknown) > 0 {
		s.Log.Warn("a client set options that this service does not have; they are ignored",
			"options", slices.Sorted(maps.Keys(body.Unknown)))
	}
	options, err := s.Store.MutateOptions(r.Context(), func(o *bos.Options) error {
		body.Known.Apply(o)
		return nil
	}, s.noteOptions(r, body.Known))
	if err != nil {
		return err
	}
	s.Changed(Change{Options: true})
	return s.answer(w, http.StatusOK, options)
}

func decodeOptions(w http.ResponseWriter, r *http.Request) (optionsBody, error) {
	var body optionsBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return body, err
	}
	if body.Known == (bos.OptionsPatch{}) && len(body.Unknown) == 0 {
		return body, badRequest("the body names no option")
	}
	if len(body.Unknown) > maxOptions {
		return body, badRequest("the body names more than %d options", maxOptions)
	}
	return body, body.Known.Validate()
}
