package api

import (
	_ "embed"
	"net/http"
	"sync"

	"github.com/goccy/go-yaml"
)

// openAPI describes every route; tests hold the service to it.
//
//go:embed openapi.yaml
var openAPI []byte

// documentJSON is the same as JSON, made when somebody first asks for it.
var documentJSON = sync.OnceValues(func() ([]byte, error) { return yaml.YAMLToJSON(openAPI) })

func (s *server) getDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.WriteHeader(http.StatusOK)
	s.sent(w.Write(openAPI))
	return nil
}

func (s *server) getDocumentJSON(w http.ResponseWriter, _ *http.Request) error {
	text, err := documentJSON()
	if err != nil {
		return problemf(http.StatusInternalServerError, titleInternal, "the description of this API cannot be written as JSON; GET /openapi.yaml has it: %v", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	s.sent(w.Write(text))
	return nil
}
