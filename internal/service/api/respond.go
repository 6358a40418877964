package api

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
)

// answer writes v as JSON.
func (s *server) answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.sent(0, encode(w, v))
	return nil
}

// answerList writes the items as a JSON array, one at a time: a list of ten
// thousand components never is in memory as text.
func answerList[T, S any](s *server, w http.ResponseWriter, items []T, show func(T) S) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	buffered := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	separator := "["
	for _, item := range items {
		if _, err := buffered.WriteString(separator); err != nil {
			break // the client has left; Flush returns the same error
		}
		separator = ","
		if err := encoder.Encode(show(item)); err != nil {
			break
		}
	}
	if len(items) == 0 {
		_, _ = buffered.WriteString("[") // Flush returns the error
	}
	_, _ = buffered.WriteString("]\n") // Flush returns the error
	s.sent(0, buffered.Flush())
	return nil
}

func encode(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// sent notes an answer that could not be sent. The client has left; there is
// nobody to tell.
func (s *server) sent(_ int, err error) {
	if err != nil {
		s.Log.Debug("an answer could not be sent", "error", err)
	}
}

func (s *server) noContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
