package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// audited are the lines of an export.
func (s *site) audited(query string, headers ...string) (events []bos.Event, text string) {
	s.t.Helper()
	got := s.do("GET", "/x/v1/audit"+query, nil, headers...)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/x-ndjson" {
		s.t.Fatalf("%d %v: %s", got.status, got.header, got.body)
	}
	lines := bufio.NewScanner(strings.NewReader(got.body))
	for lines.Scan() {
		var e bos.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			s.t.Fatalf("%q: %v", lines.Text(), err)
		}
		events = append(events, e)
	}
	return events, got.body
}

func auditedKinds(events []bos.Event) (kinds []string) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// without is a store in which somebody has removed events.
type without struct {
	Store
	gone func(id int64) bool
	// last is the newest event that there was.
	last int64
}

func (w *without) LastEvent(context.Context) (int64, error) { return w.last, nil }

func (w *without) Events(ctx context.Context, f bos.EventFilter) ([]bos.Event, error) {
	limit := f.Limit
	f.Limit = 0
	events, err := w.Store.Events(ctx, f)
	events = slices.DeleteFunc(events, func(e bos.Event) bool { return w.gone(e.ID) })
	return events[:min(limit, len(events))], err
}

func TestAnAuditSaysWhoDidWhatFromWhereByWhichPlan(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	var p bos.Preview
	s.do("POST", "/x/v1/previews", object{"template_name": "t1", "operation": "boot"}).ok(http.StatusOK, &p)
	s.as(access.Identity{Subject: "ada", Issuer: "https://idp.example", Proof: access.ProofOIDC, Roles: []access.Role{access.Operator}})
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "pin", p.Pin), "reason", "CAST-1")).ok(http.StatusCreated, nil)
	s.do("PATCH", "/v2/options", object{"polling_frequency": 20}).refused(http.StatusForbidden, "")
	events, text := s.audited("")
	if got := auditedKinds(events); !slices.Equal(got, []string{"template_stored", "session_created", "request_refused"}) {
		t.Fatalf("%q", got)
	}
	created := events[1]
	if created.Actor != "https://idp.example|ada (oidc)" || created.From != "192.0.2.1" || created.Plan != p.Pin || created.Session != "s1" || !strings.Contains(created.Detail, "CAST-1") {
		t.Errorf("%+v", created)
	}
	if refused := events[2]; refused.From != "192.0.2.1" || !strings.Contains(refused.Detail, "/v2/options") {
		t.Errorf("%+v", refused)
	}
	again, after := s.audited("?after=0")
	if !strings.HasPrefix(after, text) || len(again) != 4 || again[3].Kind != eventHistoryRead || again[3].Actor != created.Actor || !strings.HasPrefix(again[3].Detail, "export") {
		t.Errorf("the same question is answered\n%s\nafter\n%s", after, text)
	}
}

func TestAnAuditIsBoundedByTime(t *testing.T) {
	s := newSite(t)
	begin := s.clock()
	for i := range 4 {
		s.putTemplate(fmt.Sprint("t", i), template())
		s.advance(time.Hour)
	}
	for query, want := range map[string][]string{
		"":                       {"t0", "t1", "t2", "t3"},
		"?since=" + at(begin, 1): {"t1", "t2", "t3"},
		"?until=" + at(begin, 1): {"t0"},
		"?since=" + at(begin, 1) + "&until=" + at(begin, 3): {"t1", "t2"},
		"?after=2":               {"t2", "t3"},
		"?since=" + at(begin, 9): nil,
	} {
		s.config.Store = &without{s.store, func(id int64) bool { return id > 4 }, 4} // what reading leaves
		s.as(access.Everybody())
		events, _ := s.audited(query)
		var got []string
		for _, e := range events {
			got = append(got, e.Detail)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	s.do("GET", "/x/v1/audit?since=yesterday", nil).refused(http.StatusBadRequest, "", "yesterday", "2026-03-01T12:00:00Z")
	s.do("GET", "/x/v1/audit?since="+at(begin, 1)+"&until="+at(begin, 1), nil).refused(http.StatusBadRequest, "", "until")
}

func at(begin time.Time, hours int) string {
	return url.QueryEscape(begin.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339))
}

func TestWhatIsMissingOfTheHistoryIsAnEntryOfItsAudit(t *testing.T) {
	s := newSite(t)
	for i := range 6 {
		s.putTemplate(fmt.Sprint("t", i), template())
	}
	for what, c := range map[string]struct {
		gone []int64
		want []string
	}{
		"nothing":            {nil, []string{"1", "2", "3", "4", "5", "6"}},
		"the oldest":         {[]int64{1, 2}, []string{"gap 2", "3", "4", "5", "6"}},
		"some between":       {[]int64{3, 4}, []string{"1", "2", "gap 4", "5", "6"}},
		"the newest":         {[]int64{5, 6}, []string{"1", "2", "3", "4", "gap 6"}},
		"everything":         {[]int64{1, 2, 3, 4, 5, 6}, []string{"gap 6"}},
		"one here and there": {[]int64{1, 3, 5}, []string{"gap 1", "2", "gap 3", "4", "gap 5", "6"}},
	} {
		s.config.Store = &without{s.store, func(id int64) bool { return slices.Contains(c.gone, id) || id > 6 }, 6}
		s.as(access.Everybody())
		events, text := s.audited("")
		var got []string
		for _, e := range events {
			if e.Kind == eventGap {
				if e.Time.IsZero() {
					t.Errorf("%s is gone: the entry has no time", what)
				}
				got = append(got, fmt.Sprint("gap ", e.ID))
				continue
			}
			got = append(got, fmt.Sprint(e.ID))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s is gone: %q, want %q: %s", what, got, c.want, text)
		}
	}
}

func TestWhatIsMissingAtAnEndOfATimeIsAnEntryOfItsAudit(t *testing.T) {
	s := newSite(t)
	begin := s.clock()
	for i := range 6 {
		s.putTemplate(fmt.Sprint("t", i), template())
		s.advance(time.Hour)
	}
	for what, c := range map[string]struct {
		gone  []int64
		query string
		want  []string
	}{
		"nothing":                  {nil, "?since=" + at(begin, 2), []string{"3", "4", "5", "6"}},
		"what is not asked for":    {[]int64{1}, "?since=" + at(begin, 2), []string{"3", "4", "5", "6"}},
		"the first of it":          {[]int64{3, 4}, "?since=" + at(begin, 2), []string{"gap 4", "5", "6"}},
		"all of it":                {[]int64{3, 4, 5, 6}, "?since=" + at(begin, 2), []string{"gap 6"}},
		"the last of it":           {[]int64{5, 6}, "?since=" + at(begin, 2), []string{"3", "4", "gap 6"}},
		"all of a month":           {[]int64{3, 4}, "?since=" + at(begin, 2) + "&until=" + at(begin, 4), []string{"gap 4"}},
		"what comes after another": {[]int64{3, 4}, "?since=" + at(begin, 2) + "&after=4", []string{"5", "6"}},
	} {
		s.config.Store = &without{s.store, func(id int64) bool { return slices.Contains(c.gone, id) || id > 6 }, 6}
		s.as(access.Everybody())
		events, text := s.audited(c.query)
		var got []string
		for _, e := range events {
			if e.Kind == eventGap {
				got = append(got, fmt.Sprint("gap ", e.ID))
				continue
			}
			got = append(got, fmt.Sprint(e.ID))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s is gone: %q, want %q: %s", what, got, c.want, text)
		}
	}
}

func TestATenantExportsItsOwnHistory(t *testing.T) {
	s := newSite(t)
	s.putTemplate("of-the-site", template())
	s.do("PUT", "/v2/sessiontemplates/of-red", template(), tenantHeader, "red").ok(http.StatusOK, nil)
	events, text := s.audited("", tenantHeader, "red")
	if len(events) != 1 || events[0].Detail != "of-red" || strings.Contains(text, "of-the-site") {
		t.Errorf("red exports %s", text)
	}
	s.config.Store = &without{s.store, func(id int64) bool { return id == 1 }, 2}
	s.as(access.Everybody())
	if events, text = s.audited("", tenantHeader, "red"); len(events) != 2 || events[0].Kind != eventGap || strings.Contains(text, "events 1") {
		t.Errorf("of a history without its beginning red exports %s", text)
	}
}

func TestWhoMayOnlyReadDoesNotPushTheHistoryOutByReadingIt(t *testing.T) {
	s := newSite(t)
	most := readingsAtOnce * len(s.stores) // each service lets so many through
	auditor := access.Identity{Subject: "eve", Proof: access.ProofStatic, Roles: []access.Role{access.Auditor}}
	for path, role := range map[string]access.Role{"/x/v1/audit": access.Reader, "/x/v1/events?limit=1": access.Auditor} {
		auditor.Roles = []access.Role{role}
		caller, h := auditor, s.api()
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Caller{Identity: caller})))
		})
		before, _ := s.store.LastEvent(t.Context())
		for range most {
			s.do("HEAD", path, nil)
		}
		if got := s.do("GET", path, nil); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "eve") {
			t.Errorf("%s once more: %d %s", path, got.status, got.body)
		}
		after, err := s.store.LastEvent(t.Context())
		if err != nil || after != before+int64(most) {
			t.Errorf("%s: there are %d events, %v", path, after-before, err)
		}
		caller.Subject = "ada" // has readings of her own
		if got := s.do("GET", path, nil); got.status != http.StatusOK {
			t.Errorf("%s by somebody else: %d %s", path, got.status, got.body)
		}
		caller = auditor
		s.advance(time.Second)
		if got := s.do("GET", path, nil); got.status != http.StatusOK {
			t.Errorf("%s a second later: %d %s", path, got.status, got.body)
		}
	}
}
