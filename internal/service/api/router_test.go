package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

func TestVersionsAreStringsWithLinks(t *testing.T) {
	s := newSite(t)
	for path, base := range map[string]string{"/": "", "/apis/bos": "/apis/bos", "/apis/bos/": "/apis/bos"} {
		var list []version
		s.do("GET", path, nil).ok(http.StatusOK, &list)
		self := []link{{"http://example.com" + base + "/", "self"}}
		want := []version{{"1", "0", "0", self}, {"2", "50", "0", self}}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, path := range []string{"/v2", "/v2/version", "/apis/bos/v2", "/apis/bos/v2/version"} {
		var one version
		s.do("GET", path, nil).ok(http.StatusOK, &one)
		if one.Major != "2" {
			t.Errorf("%s: %+v", path, one)
		}
	}
}

func TestEverythingUnknownIsAProblem(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/v1/", "/v3", "/v2/", "/v2/components/", "/apis/bosx/v2", "/apis/bos/apis/bos/v2",
		"/v2/components/x/y", "/x/v1", "/apis/bos/v2/components/",
	} {
		s.do("GET", path, nil).refused(http.StatusNotFound, titleNotFound)
	}
}

func TestAWrongMethodNamesTheRightOnes(t *testing.T) {
	s := newSite(t)
	for path, allow := range map[string]string{
		"/v2/options":               "GET, HEAD, OPTIONS, PATCH",
		"/v2/sessions":              "DELETE, GET, HEAD, OPTIONS, POST",
		"/apis/bos/v2/components/x": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
		"/x/v1/previews":            "OPTIONS, POST",
		"/v2/sessiontemplates":      "GET, HEAD, OPTIONS",
	} {
		if got := s.do("OPTIONS", path, nil).ok(http.StatusOK, nil).header.Get("Allow"); got != allow {
			t.Errorf("OPTIONS %s: Allow %q, want %q", path, got, allow)
		}
		r := s.do("TRACE", path, nil)
		r.refused(http.StatusMethodNotAllowed, "Method Not Allowed", allow)
		if got := r.header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", path, got, allow)
		}
	}
}

func TestHeadIsAnsweredAsGet(t *testing.T) {
	newSite(t).do("HEAD", "/v2/options", nil).ok(http.StatusOK, nil)
}

func TestHealthFollowsTheDatabase(t *testing.T) {
	s := newSite(t)
	var h map[string]string
	s.do("GET", "/v2/healthz", nil).ok(http.StatusOK, &h)
	if diff := cmp.Diff(map[string]string{"dbStatus": "ok", "apiStatus": "ok"}, h); diff != "" {
		t.Error(diff)
	}
	broken := newSite(t, func(c *Config) { c.Store = brokenStore{c.Store} })
	broken.do("GET", "/v2/healthz", nil).refused(http.StatusServiceUnavailable, titleUnavailable)
	broken.do("GET", "/v2/options", nil).refused(http.StatusServiceUnavailable, titleUnavailable, "try again")
}

func TestReadinessSaysOneWordToEverybodyAndTheCauseToWhoMayRead(t *testing.T) {
	stuck := health.Facts{Runs: true, Drives: true, Engine: true, Pass: 2 * health.MaxPass}
	s := newSite(t, func(c *Config) { c.Health = func() health.Facts { return stuck } })
	for _, path := range []string{"/livez", "/readyz"} {
		got := s.do("GET", path, nil)
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "restart this service") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	s.do("GET", "/v2/healthz", nil).refused(http.StatusServiceUnavailable, titleUnavailable, "/livez")
	s.as(access.Identity{})
	for _, path := range []string{"/livez", "/readyz"} {
		if got := s.do("GET", path, nil); strings.TrimSpace(got.body) != `{"status":"unavailable"}` {
			t.Errorf("%s to nobody: %s", path, got.body)
		}
	}
	broken := newSite(t, func(c *Config) { c.Store = brokenStore{c.Store} })
	if got := broken.do("GET", "/readyz", nil); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, errOutage.Error()) {
		t.Errorf("without a database: %d %s", got.status, got.body)
	}
	if got := broken.do("GET", "/livez", nil); got.status != http.StatusOK {
		t.Errorf("a restart mends no database, and livez says %d %s", got.status, got.body)
	}
}

// A database that hangs would let who asks give up, and restart a service for nothing.
func TestWhetherARestartMayHelpIsToldWithoutTheDatabase(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Store = askedStore{c.Store, t} })
	if got := s.do("GET", "/livez", nil); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// askedStore is one that nobody is to ask.
type askedStore struct {
	Store
	t *testing.T
}

func (s askedStore) Ping(context.Context) error {
	s.t.Error("the database is asked")
	return nil
}

func (s askedStore) SitePause(context.Context) (bos.SitePause, error) {
	s.t.Error("the database is asked")
	return bos.SitePause{}, nil
}

// brokenStore is a store whose database is gone.
type brokenStore struct{ Store }

func (brokenStore) Ping(context.Context) error { return errOutage }

func (brokenStore) Options(context.Context) (bos.Options, error) { return bos.Options{}, errOutage }

func (brokenStore) Templates(context.Context, bos.TenantScope) ([]bos.SessionTemplate, error) {
	panic("boom")
}

func TestACrashIsAProblemAndTheServiceLivesOn(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Store = brokenStore{c.Store} })
	s.do("GET", "/v2/sessiontemplates", nil).refused(http.StatusInternalServerError, titleInternal)
	s.do("GET", "/v2", nil).ok(http.StatusOK, nil)
}

func TestCapabilitiesAnnounceOnlyWhatWorks(t *testing.T) {
	var c bos.Capabilities
	newSite(t).do("GET", "/x/v1/capabilities", nil).ok(http.StatusOK, &c)
	if c.Version != "1.2.3" || c.Service == "" || len(c.Extensions) != 21 {
		t.Errorf("%+v", c)
	}
	newSite(t, func(c *Config) { c.Inventory, c.Artifacts = nil, nil }).do("GET", "/x/v1/capabilities", nil).ok(http.StatusOK, &c)
	if diff := cmp.Diff([]string{bos.ExtensionOutcomes, bos.ExtensionFoldedLimits, bos.ExtensionCancel, bos.ExtensionEvents, bos.ExtensionPause, bos.ExtensionHolds, bos.ExtensionBoundStaged, bos.ExtensionStagedReceipts, bos.ExtensionConfigure, bos.ExtensionSteps, bos.ExtensionSequences, bos.ExtensionOverlap, bos.ExtensionStream, bos.ExtensionReboot}, c.Extensions); diff != "" {
		t.Error(diff)
	}
}

func TestABodyIsDecodedStrictly(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		body  string
		words []string
	}{
		"unknown member":          {`{"operation":"boot","template_name":"t","nodes":"x"}`, []string{`"nodes"`}},
		"wrong case":              {`{"Operation":"boot","template_name":"t"}`, []string{`"Operation"`}},
		"member given twice":      {`{"operation":"boot","operation":"boot","template_name":"t"}`, []string{"operation", "more than once"}},
		"something behind it":     {`{"operation":"boot","template_name":"t"} {}`, []string{"no JSON"}},
		"null where none is":      {`{"operation":null,"template_name":"t"}`, []string{"operation", "null"}},
		"null body":               {`null`, []string{"the body", "null"}},
		"empty body":              {``, []string{"empty"}},
		"half a body":             {`{"operation":`, []string{"ends too early"}},
		"a list instead":          {`[]`, []string{"a list", "an object"}},
		"wrong type":              {`{"operation":"boot","template_name":7}`, []string{"template_name", "a number", "a string"}},
		"text for a boolean":      {`{"operation":"boot","template_name":"t","stage":"yes"}`, []string{"stage", "boolean"}},
		"no JSON at all":          {`operation=boot`, []string{"no JSON"}},
		"invalid UTF-8":           {"{\"operation\":\"boot\",\"template_name\":\"\xff\"}", nil},
		"missing operation":       {`{"template_name":"t"}`, []string{"operation", "missing"}},
		"missing template":        {`{"operation":"boot"}`, []string{"template_name", "missing"}},
		"operation of BOS v1":     {`{"operation":"configure","template_name":"t"}`, []string{"configure"}},
		"empty name":              {`{"operation":"boot","template_name":"t","name":""}`, []string{"name"}},
		"read-only member":        {`{"operation":"boot","template_name":"t","status":{}}`, []string{"status"}},
		"member of the extension": {`{"operation":"boot","template_name":"t","pin":"p"}`, []string{"pin"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("POST", "/v2/sessions", c.body).refused(http.StatusBadRequest, "", c.words...)
		})
	}
}

func TestABodyOfAnotherTypeIsRefused(t *testing.T) {
	s := newSite(t)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "nonsense;;"} {
		s.do("PATCH", "/v2/options", `{"reject_nids":true}`, "Content-Type", media).
			refused(http.StatusUnsupportedMediaType, "", "application/json")
		s.do("PATCH", "/v2/components", `[]`, "Content-Type", media).
			refused(http.StatusUnsupportedMediaType, "", "application/json")
	}
	for _, media := range []string{"application/json; charset=utf-8", "application/merge-patch+json", ""} {
		s.do("PATCH", "/v2/options", `{"reject_nids":true}`, "Content-Type", media).ok(http.StatusOK, nil)
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	s := newSite(t)
	s.do("PATCH", "/v2/options", `{"logging_level":"`+strings.Repeat("x", maxBody)+`"}`).
		refused(http.StatusRequestEntityTooLarge, "", "bytes")
}

// A client that sends all of its body before it reads, as most do, must get the
// answer: a connection that is closed while it writes has none.
func TestABodyThatIsTooLargeIsReadBeforeItIsRefused(t *testing.T) {
	s := newSite(t)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	for method, target := range map[string]string{"POST": "/v2/sessions", "PATCH": "/v2/options"} {
		for _, length := range []string{fmt.Sprintf("Content-Length: %d", 8*maxBody), "Transfer-Encoding: chunked"} {
			var d net.Dialer
			conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: bos\r\nContent-Type: application/json\r\n%s\r\n\r\n", method, target, length)
			block := strings.Repeat(" ", 1<<20)
			for i := 0; i < 8*maxBody>>20 && err == nil; i++ {
				if strings.HasPrefix(length, "Transfer") {
					_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(block), block)
				} else {
					_, err = io.WriteString(conn, block)
				}
			}
			if err == nil && strings.HasPrefix(length, "Transfer") {
				_, err = io.WriteString(conn, "0\r\n\r\n")
			}
			if err != nil {
				t.Errorf("%s with %s: the body cannot be sent: %v", target, length, err)
			}
			w, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || w.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s with %s: %v, %v", target, length, w, err)
			} else {
				_ = w.Body.Close()
			}
			_ = conn.Close()
		}
	}
}

func TestARefusedBodyNamesItsPlace(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]string{
		`[null]`:                     "[0]: is null",
		`[{"id":"a","x":1}]`:         `[0]: "x" is no member`,
		`[{"id":"a","status":true}]`: "[0].status: is a boolean",
		`[{"id":"a"},{"id":"b","retry_policy":"1"}]`: "[1].retry_policy: is a string",
	} {
		s.do("PUT", "/v2/components", body).refused(http.StatusBadRequest, "", want)
	}
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	s.do("PATCH", "/v2/sessions/s1", `{"status":{"start_time":"noon"}}`).refused(http.StatusBadRequest, "", "status.start_time: a string cannot be read: time \"noon\"")
}
