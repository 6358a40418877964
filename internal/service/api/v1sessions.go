package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// v1Session is a session as a client of BOS v1 asks for it. templateUuid is the older
// word for templateName, and of the two that is meant.
type v1Session struct {
	Operation    *string          `json:"operation"`
	TemplateName *string          `json:"templateName"`
	TemplateUUID *string          `json:"templateUuid"`
	Limit        nullable[string] `json:"limit"`
}

// v1Link is a link of BOS v1; jobId is what its clients know a session by.
type v1Link struct {
	Rel   string `json:"rel"`
	Href  string `json:"href"`
	JobID string `json:"jobId,omitempty"`
	Type  string `json:"type,omitempty"`
}

// v1Created answers that a session was created.
type v1Created struct {
	Operation    string   `json:"operation"`
	TemplateName string   `json:"templateName"`
	Job          string   `json:"job"`
	Links        []v1Link `json:"links"`
	Limit        *string  `json:"limit,omitempty"`
}

// v1Shown is a session as BOS v1 shows it.
type v1Shown struct {
	Operation    bos.Operation `json:"operation"`
	TemplateName string        `json:"templateName"`
	Job          string        `json:"job"`
	StatusLink   string        `json:"status_link"`
	v1Metadata
}

// v1Metadata is how far something is.
type v1Metadata struct {
	StartTime  string  `json:"start_time"`
	StopTime   *string `json:"stop_time"`
	Complete   bool    `json:"complete"`
	InProgress bool    `json:"in_progress"`
	ErrorCount int     `json:"error_count"`
}

// v1Job is the name of the job that there would have been.
func v1Job(session string) string { return "boa-" + session }

func v1StatusPath(parts ...string) string {
	path := "/v1/session/" + parts[0] + "/status"
	if len(parts) > 1 {
		path += "/" + strings.Join(parts[1:], "/")
	}
	return path
}

func (b v1Session) pinned() (pinnedBody, error) {
	name := b.TemplateName
	if name == nil {
		name = b.TemplateUUID
	}
	if b.Operation == nil {
		return pinnedBody{}, bos.Invalidf("operation", "is missing; use one of %q", bos.AllOperations())
	}
	operation := bos.Operation(strings.ToLower(*b.Operation))
	if err := checkOperation(&operation, bos.AllOperations()); err != nil {
		return pinnedBody{}, err
	}
	body := sessionBody{Operation: &operation, TemplateName: name, Limit: b.Limit}
	if name == nil {
		return pinnedBody{}, bos.Invalidf("templateName", "is missing; name the session template")
	}
	return pinnedBody{Session: body}, body.check()
}

// postV1Session creates a session. Errors that BOS v1 found in a body that was in order
// are answered as it did: a text in JSON, and no problem.
func (s *server) postV1Session(w http.ResponseWriter, r *http.Request) error {
	var sent v1Session
	if err := decode(w, r, maxBody, &sent); err != nil {
		return err
	}
	pinned, err := sent.pinned()
	if err != nil {
		return err
	}
	template := *pinned.Session.TemplateName
	if _, err := s.Store.Template(r.Context(), "", template); errors.Is(err, bos.ErrNotFound) {
		return s.answer(w, http.StatusNotFound, "Session Template ID invalid: "+template)
	}
	rec, _, err := s.newSession(r, pinned)
	if err != nil {
		return err
	}
	answer := v1Created{
		Operation: *sent.Operation, TemplateName: template, Job: v1Job(rec.Name), Limit: sent.Limit.value,
		Links: []v1Link{
			{Rel: "session", Href: "/v1/session/" + rec.Name, JobID: v1Job(rec.Name), Type: http.MethodGet},
			{Rel: "status", Href: v1StatusPath(rec.Name), Type: http.MethodGet},
		},
	}
	return s.answer(w, http.StatusCreated, answer)
}

// listV1Sessions lists names and nothing else.
func (s *server) listV1Sessions(w http.ResponseWriter, r *http.Request) error {
	sessions, err := s.Store.Sessions(r.Context(), bos.SessionFilter{Of: bos.OneTenant("")}, s.Now())
	if err != nil {
		return err
	}
	return answerList(s, w, sessions, func(rec bos.SessionRecord) string { return rec.Name })
}

func (s *server) getV1Session(w http.ResponseWriter, r *http.Request) error {
	rec, found, err := s.sessionWithSteps(r)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, v1Shown{
		Operation: rec.Operation, TemplateName: rec.TemplateName, Job: v1Job(rec.Name), StatusLink: v1StatusPath(rec.Name),
		v1Metadata: v1SessionMetadata(rec, found),
	})
}

func v1SessionMetadata(rec bos.SessionRecord, found stepsOf) v1Metadata {
	complete := rec.Status.Status == bos.SessionComplete
	m := v1Metadata{StartTime: v1Time(rec.Status.StartTime), Complete: complete, InProgress: !complete, ErrorCount: found.view.ErrorCount}
	if stop := v1Time(rec.Status.EndTime); stop != "" {
		m.StopTime = &stop
	}
	return m
}
