package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// problem is an error answer (RFC 9457); type, title, status and detail are
// always there.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// RequestID is the id of the request in the log of the service.
	RequestID string `json:"request_id,omitempty"`
}

// The titles that clients know (bos-contract sections 2 and 10).
const (
	titleBadRequest    = "Bad Request"
	titleInvalidTenant = "Invalid tenant"
	titleNotFound      = "The resource was not found"
	titleExists        = "The resource to be created already exists"
	titleReportRefused = "Actual state can not be updated."
	titlePlanOutdated  = "Plan is out of date"
	titleGuarded       = "Beyond a guard"
	titleCarriedOut    = "Carried out already"
	titleConflict      = "Conflict"
	titleBusy          = "Nodes are busy with another session"
	titleInternal      = "An Internal Server Error occurred handling the request"
	titleUnavailable   = "Service Unavailable"
)

// retryUnavailable is when to come again where nothing says more, in seconds.
const retryUnavailable = "2"

// Error is the detail.
func (p *problem) Error() string { return p.Detail }

func problemf(status int, title, format string, args ...any) error {
	return &problem{Type: "about:blank", Title: title, Status: status, Detail: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return problemf(http.StatusBadRequest, titleBadRequest, format, args...)
}

func notFound(format string, args ...any) error {
	return problemf(http.StatusNotFound, titleNotFound, format, args...)
}

func unavailable(format string, args ...any) error {
	return problemf(http.StatusServiceUnavailable, titleUnavailable, format, args...)
}

// missing is the 404 for a record; kind is a word such as Session. Components
// are nobody's, so it names no tenant for them.
func missing(kind, tenant, name string) error {
	if tenant != "" {
		return notFound("%s for tenant '%s' '%s' does not exist", kind, clip(tenant), clip(name))
	}
	return notFound("%s '%s' does not exist", kind, clip(name))
}

// orMissing turns ErrNotFound into the 404 for the record.
func orMissing(err error, kind, tenant, name string) error {
	if errors.Is(err, bos.ErrNotFound) {
		return missing(kind, tenant, name)
	}
	return err
}

// fail answers err: problems as they are, bad input with 400, and all else
// with 503, because all else is the database not working.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		p       *problem
		invalid *bos.Invalid
		denied  *access.Refused
	)
	switch {
	case errors.As(err, &p):
		s.refusals.Take(r, p.Status, p.Detail)
	case errors.As(err, &denied):
		s.refusals.Take(r, denied.Status, denied.Detail)
		denied.Write(w)
		return
	case errors.As(err, &invalid):
		p = &problem{Type: "about:blank", Title: titleBadRequest, Status: http.StatusBadRequest, Detail: invalid.Error()}
	default:
		level := slog.LevelError
		if r.Context().Err() != nil {
			level = slog.LevelDebug // the client has left, which fails its queries
		}
		s.Log.Log(r.Context(), level, "the database failed a request", "method", r.Method, "path", r.URL.Path, "error", err)
		p = &problem{
			Type: "about:blank", Title: titleUnavailable, Status: http.StatusServiceUnavailable,
			Detail: "the database cannot be used now; try again, and see the log of the service if it stays so",
		}
	}
	said := *p
	said.RequestID = w.Header().Get(edge.RequestIDHeader)
	body, err := json.Marshal(said)
	if err != nil {
		body = []byte(`{"type":"about:blank","title":"` + titleInternal + `","status":500,"detail":"the problem itself cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", retryUnavailable)
	}
	w.WriteHeader(p.Status)
	s.sent(w.Write(append(body, '\n')))
}
