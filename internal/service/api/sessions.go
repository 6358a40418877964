package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func splitIDs(s string) []string { return strings.Split(s, ",") }

func noSession(key bos.SessionKey) error {
	if key.Tenant != "" {
		return notFound("Session for tenant '%s' '%s' does not exist", key.Tenant, key.Name)
	}
	return notFound("Session '%s' does not exist", key.Name)
}

func keyOf(r *http.Request) bos.SessionKey {
	return bos.SessionKey{Tenant: tenantOf(r), Name: r.PathValue("name")}
}

func (s *server) session(r *http.Request) (bos.SessionRecord, error) {
	rec, err := s.Store.Session(r.Context(), keyOf(r))
	if isNotFound(err) {
		return rec, noSession(keyOf(r))
	}
	return rec, err
}

func (s *server) filter(r *http.Request) (bos.SessionFilter, error) {
	q := r.URL.Query()
	f := bos.SessionFilter{Status: bos.SessionPhase(q.Get("status"))}
	if t := tenantOf(r); t != "" {
		f.Tenant = &t
	}
	for name, to := range map[string]*time.Duration{"min_age": &f.MinAge, "max_age": &f.MaxAge} {
		if text := q.Get(name); text != "" {
			age, err := bos.ParseAge(text)
			if err != nil {
				return f, badRequest("query parameter %s: %s", name, err)
			}
			*to = age
		}
	}
	return f, nil
}

func (s *server) listSessions(r *http.Request) (*response, error) {
	f, err := s.filter(r)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.Sessions(r.Context(), f, s.Now())
	if err != nil {
		return nil, err
	}
	list := make([]bos.Session, len(records))
	for i, rec := range records {
		list[i] = rec.Session
	}
	return ok(list)
}

func (s *server) postSession(r *http.Request) (*response, error) {
	var body bos.SessionCreate
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	return s.create(r, body, "")
}

// create accepts a session: everything that can be known to be wrong is
// refused now, and the template is kept as it is now.
func (s *server) create(r *http.Request, body bos.SessionCreate, pin string) (*response, error) {
	if body.Name == "" {
		body.Name = uuid.NewString()
	}
	if !bos.ValidName(body.Name) {
		return nil, badRequest("name %q cannot name a session; use %s", body.Name, bos.NameRule)
	}
	if body.TemplateName == "" {
		return nil, badRequest("template_name is missing")
	}
	asked, err := s.ask(r, bos.PreviewRequest{
		TemplateName: body.TemplateName, Operation: body.Operation, Limit: value(body.Limit), Stage: body.Stage, IncludeDisabled: body.IncludeDisabled,
	})
	if err != nil {
		return nil, err
	}
	if asked.request.Limit == "" && asked.options.SessionLimitRequired {
		return nil, badRequest("this service requires a limit for every session (session_limit_required); give limit, or * for all nodes")
	}
	if err := s.compare(r, asked, pin); err != nil {
		return nil, err
	}
	now := s.Now()
	rec := bos.SessionRecord{
		Session: bos.Session{
			Name: body.Name, Tenant: bos.TenantRef(tenantOf(r)), Operation: body.Operation, TemplateName: body.TemplateName,
			Limit: value(body.Limit), Stage: body.Stage, IncludeDisabled: body.IncludeDisabled,
			Status: bos.SessionStatus{StartTime: bos.At(now), Status: bos.SessionPending},
		},
		Template: asked.request.Template, Pin: pin, Created: now.UTC(),
	}
	err = s.Store.CreateSession(r.Context(), rec)
	if errors.Is(err, bos.ErrExists) {
		return nil, problem(http.StatusConflict, "The resource to be created already exists", "Session '%s' already exists", body.Name)
	}
	if err != nil {
		return nil, err
	}
	s.Changed(Change{Sessions: []bos.SessionKey{rec.Key()}})
	return &response{http.StatusCreated, rec.Session}, nil
}

func (s *server) getSession(r *http.Request) (*response, error) {
	rec, err := s.session(r)
	if err != nil {
		return nil, err
	}
	return ok(rec.Session)
}

// sessionPatch is what a client may change: the operators' own fields.
type sessionPatch struct {
	Components *string `json:"components"`
	Status     *struct {
		StartTime *bos.Time         `json:"start_time"`
		EndTime   *bos.Time         `json:"end_time"`
		Status    *bos.SessionPhase `json:"status"`
		Error     *string           `json:"error"`
	} `json:"status"`
}

func (s *server) patchSession(r *http.Request) (*response, error) {
	var patch sessionPatch
	if err := decode(r, &patch); err != nil {
		return nil, err
	}
	key := keyOf(r)
	rec, err := s.Store.MutateSession(r.Context(), key, func(rec *bos.SessionRecord) error {
		if patch.Components != nil {
			rec.Components = *patch.Components
		}
		if st := patch.Status; st != nil {
			setTo(&rec.Status.StartTime, st.StartTime)
			setTo(&rec.Status.EndTime, st.EndTime)
			setTo(&rec.Status.Status, st.Status)
			if st.Error != nil {
				rec.Status.Error = st.Error
			}
		}
		return nil
	})
	if isNotFound(err) {
		return nil, noSession(key)
	}
	if err != nil {
		return nil, err
	}
	s.Changed(Change{Sessions: []bos.SessionKey{key}})
	return ok(rec.Session)
}

func setTo[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *server) deleteSession(r *http.Request) (*response, error) {
	key := keyOf(r)
	err := s.Store.DeleteSession(r.Context(), key)
	if isNotFound(err) {
		return nil, noSession(key)
	}
	if err != nil {
		return nil, err
	}
	s.Changed(Change{Sessions: []bos.SessionKey{key}})
	return noContent()
}

// deleteSessions removes complete sessions, unless status says otherwise; an
// untenanted request removes untenanted ones.
func (s *server) deleteSessions(r *http.Request) (*response, error) {
	f, err := s.filter(r)
	if err != nil {
		return nil, err
	}
	if f.Status == "" {
		f.Status = bos.SessionComplete
	}
	tenant := tenantOf(r)
	f.Tenant = &tenant
	records, err := s.Store.Sessions(r.Context(), f, s.Now())
	if err != nil {
		return nil, err
	}
	var keys []bos.SessionKey
	for _, rec := range records {
		if err := s.Store.DeleteSession(r.Context(), rec.Key()); err != nil && !isNotFound(err) {
			return nil, err
		}
		keys = append(keys, rec.Key())
	}
	s.Changed(Change{Sessions: keys})
	return noContent()
}

func (s *server) getStatus(r *http.Request) (*response, error) {
	rec, err := s.session(r)
	if err != nil {
		return nil, err
	}
	if rec.Extended != nil {
		return ok(rec.Extended)
	}
	status, err := s.extended(r, rec)
	if err != nil {
		return nil, err
	}
	return ok(status)
}

func (s *server) extended(r *http.Request, rec bos.SessionRecord) (bos.ExtendedStatus, error) {
	managed, err := s.managed(r, rec.Name)
	if err != nil {
		return bos.ExtendedStatus{}, err
	}
	return bos.Extended(rec, managed, s.Now()), nil
}

// managed lists the components a session owns or has staged, each once.
func (s *server) managed(r *http.Request, name string) ([]bos.Record, error) {
	owned, err := s.Store.Components(r.Context(), bos.ComponentFilter{Session: name})
	if err != nil {
		return nil, err
	}
	staged, err := s.Store.Components(r.Context(), bos.ComponentFilter{StagedSession: name})
	if err != nil {
		return nil, err
	}
	for _, rec := range staged {
		if rec.Session != name {
			owned = append(owned, rec)
		}
	}
	return owned, nil
}

func (s *server) saveStatus(r *http.Request) (*response, error) {
	rec, err := s.session(r)
	if err != nil {
		return nil, err
	}
	status, err := s.extended(r, rec)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.MutateSession(r.Context(), rec.Key(), func(rec *bos.SessionRecord) error {
		if rec.Status.Status == bos.SessionComplete {
			rec.Extended = &status
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Changed(Change{Sessions: []bos.SessionKey{rec.Key()}})
	return ok(status)
}

// maxOutcomes is the largest page of outcomes.
const maxOutcomes = 10_000

func (s *server) sessionComponents(r *http.Request) (*response, error) {
	rec, err := s.session(r)
	if err != nil {
		return nil, err
	}
	size, err := queryInt(r, "page_size", 1000, maxOutcomes)
	if err != nil {
		return nil, err
	}
	size = max(size, 1)
	records, err := s.Store.Components(r.Context(), bos.ComponentFilter{
		Session: rec.Name, After: r.URL.Query().Get("start_after_id"), Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	page := bos.NodeOutcomes{Components: []bos.NodeOutcome{}}
	for i, c := range records {
		if i == size {
			page.Next = records[i-1].ID
			break
		}
		page.Components = append(page.Components, bos.NodeOutcome{
			ID: c.ID, Status: c.DeriveStatus(), Phase: c.Status.Phase, Error: c.Error, Cause: c.Work.Cause, Sentence: c.Work.Cause.Sentence(),
		})
	}
	return ok(page)
}
