package edge

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Problem is an error answer (RFC 9457).
type Problem struct {
	Status int
	Detail string
	// RetryAfter is the header of that name; empty for none.
	RetryAfter string
	// Challenge is the header WWW-Authenticate; empty for none.
	Challenge string
}

// Problemf makes a problem.
func Problemf(status int, format string, args ...any) *Problem {
	return &Problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	if p.RetryAfter != "" {
		w.Header().Set("Retry-After", p.RetryAfter)
	}
	if p.Challenge != "" {
		w.Header().Set("WWW-Authenticate", p.Challenge)
	}
	w.WriteHeader(p.Status)
	body := map[string]any{"type": "about:blank", "title": http.StatusText(p.Status), "status": p.Status, "detail": p.Detail}
	if id := w.Header().Get(RequestIDHeader); id != "" {
		body["request_id"] = id
	}
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}
