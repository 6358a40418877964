package bootscript

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// refusal is an error of the request, answered as a problem (RFC 9457).
type refusal struct {
	status int
	detail string
}

// Error is the detail.
func (r *refusal) Error() string { return r.detail }

func refusef(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func (r *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	if r.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client is gone if this fails
		"type": "about:blank", "title": http.StatusText(r.status), "status": r.status, "detail": r.detail,
	})
}

func answer(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
	}
	return nil
}

// clip shortens a value that goes into an error text.
func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
