package api

import (
	"encoding/json"
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
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	if tenant != "" {
		return problemf(http.StatusForbidden, "Forbidden", "options hold for all tenants, so tenant %q may not change them; leave out the header %s, or ask who runs the site", clip(tenant), tenantHeader)
	}
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
	if err := s.settle(r, Change{Options: true}); err != nil {
		return err
	}
	// What this service does not have is shown once, as the client sent it: it
	// compares the answer with what it asked for.
	return s.answer(w, http.StatusOK, optionsAnswer{options, body.Unknown})
}

// optionsAnswer is the options with those of the request that are not kept.
type optionsAnswer struct {
	Options bos.Options
	Unknown map[string]jsontext.Value
}

// MarshalJSON writes both as one object.
func (a optionsAnswer) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(a.Options)
	if err != nil || len(a.Unknown) == 0 {
		return text, err
	}
	all := make(map[string]json.RawMessage)
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	for name, value := range a.Unknown {
		all[name] = json.RawMessage(value)
	}
	return json.Marshal(all)
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
