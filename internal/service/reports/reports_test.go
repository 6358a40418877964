package reports

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

const (
	nodeA, ipA = "x3000c0s1b0n0", "10.1.0.1"
	nodeB, ipB = "x3000c0s1b0n1", "10.1.0.2"
	// nodeC is one whose address nobody knows.
	nodeC = "x3000c0s1b0n2"
)

var key = bytes.Repeat([]byte{3}, bos.NodeKeySize)

type inventory struct{ err error }

func (i inventory) NodeNames(context.Context) ([]bos.NodeName, error) {
	return []bos.NodeName{{ID: nodeA, Addresses: []string{ipA}}, {ID: nodeB, Addresses: []string{ipB}}, {ID: nodeC}, {ID: "storage-Blue"}}, i.err
}

// site takes reports, with an API that writes down what it is passed.
type site struct {
	t *testing.T
	*Reports
	mu     sync.Mutex
	passed []string
	status int
	answer string
	log    bytes.Buffer
}

func newSite(t *testing.T, change ...func(*Config)) *site {
	s := &site{t: t, status: http.StatusOK, answer: `{"id":"x","desired_state":{"boot_artifacts":{"kernel":"s3://secret"}}}`}
	c := Config{
		Names: nodenames.New(inventory{}, nil, nil), Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			s.mu.Lock()
			s.passed = append(s.passed, r.Method+" "+r.URL.Path+" "+string(text))
			s.mu.Unlock()
			if len(r.Header) != 1 || int64(len(text)) != r.ContentLength || r.URL.RawQuery != "" {
				t.Errorf("the API is passed %v, %d bytes of %d, %q", r.Header, len(text), r.ContentLength, r.URL.RawQuery)
			}
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(s.status)
			_, _ = io.WriteString(w, s.answer)
		}),
	}
	for _, f := range change {
		f(&c)
	}
	s.Reports = New(c)
	return s
}

type report struct {
	from, method, path, body string
	header                   map[string]string
}

func (s *site) send(q report) *httptest.ResponseRecorder {
	s.t.Helper()
	if q.method == "" {
		q.method = http.MethodPatch
	}
	r := httptest.NewRequestWithContext(s.t.Context(), q.method, q.path, strings.NewReader(q.body))
	r.RemoteAddr = q.from + ":40000"
	r.Header.Set("Content-Type", "application/json")
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	return w
}

const (
	path = "/v2/components/" + nodeA
	said = `{"id":"` + nodeA + `","actual_state":{"bss_token":"T"}}`
)

func TestTheReportOfANodeIsPassedOnAndNothingElse(t *testing.T) {
	s := newSite(t)
	for _, at := range []string{path, "/apis/bos" + path, "/v2/components/X3000C0S1B0N0", path + "?tenant=x"} {
		s.passed = nil
		w := s.send(report{from: ipA, path: at, body: said, header: map[string]string{"Cray-Tenant-Name": "t", "X-Forwarded-For": "1.2.3.4"}})
		if w.Code != http.StatusOK || len(s.passed) != 1 || s.passed[0] != "PATCH "+path+` {"actual_state":{"bss_token":"T"}}` {
			t.Errorf("%s: %d %s; passed %q", at, w.Code, w.Body, s.passed)
		}
		if got := w.Body.String(); strings.Contains(got, "secret") || !strings.Contains(got, nodeA) {
			t.Errorf("the node's network is told %s", got)
		}
	}
}

func TestANodeWritesNothingButWhatItBooted(t *testing.T) {
	for name, c := range map[string]struct {
		report
		want int
	}{
		"desired state":      {report{body: `{"desired_state":{"configuration":"c"}}`}, 403},
		"with another":       {report{body: `{"actual_state":{"bss_token":"T"},"enabled":true}`}, 403},
		"artifacts":          {report{body: `{"actual_state":{"bss_token":"T","boot_artifacts":{"kernel":"k"}}}`}, 403},
		"status":             {report{body: `{"status":{"status_override":""}}`}, 403},
		"of another":         {report{body: strings.ReplaceAll(said, nodeA, nodeB)}, 400},
		"twice":              {report{body: `{"actual_state":{"bss_token":"T"},"actual_state":{"bss_token":"U"}}`}, 400},
		"no token":           {report{body: `{"actual_state":{}}`}, 400},
		"an empty token":     {report{body: `{"actual_state":{"bss_token":""}}`}, 400},
		"null":               {report{body: `null`}, 400},
		"a list":             {report{body: `[` + said + `]`}, 400},
		"nothing":            {report{body: ``}, 400},
		"no JSON":            {report{body: `bss_token=T`}, 400},
		"more behind it":     {report{body: said + said}, 400},
		"a form":             {report{body: said, header: map[string]string{"Content-Type": "text/plain"}}, 415},
		"a large body":       {report{body: `{"id":"` + strings.Repeat("x", maxBody) + `"}`}, 413},
		"reading":            {report{method: "GET"}, 405},
		"replacing":          {report{method: "PUT", body: said}, 405},
		"deleting":           {report{method: "DELETE"}, 405},
		"posting":            {report{method: "POST", body: said}, 405},
		"all components":     {report{path: "/v2/components/", body: said}, 400},
		"a list of them":     {report{path: "/v2/components", body: said}, 404},
		"sessions":           {report{path: "/v2/sessions", method: "POST", body: "{}"}, 404},
		"extensions":         {report{path: "/x/v1/pause", method: "POST", body: "{}"}, 404},
		"a path below":       {report{path: path + "/hold", body: said}, 0},
		"a path out of here": {report{path: "/v2/components/..%2Foptions", body: `{"actual_state":{"bss_token":"T"}}`}, 0},
		"a page elsewhere":   {report{body: said, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403},
	} {
		s := newSite(t)
		c.from = ipA
		if c.path == "" {
			c.path = path
		}
		w := s.send(c.report)
		if c.want != 0 && (w.Code != c.want || len(s.passed) > 0) {
			t.Errorf("%s: %d %s; passed %q", name, w.Code, w.Body, s.passed)
		}
		for _, passed := range s.passed { // what is passed is of one component, by whatever name
			if !strings.HasPrefix(passed, "PATCH /v2/components/") || strings.Count(passed, `{"actual_state":{"bss_token":"T"}}`) != 1 {
				t.Errorf("%s: passed %q", name, passed)
			}
		}
	}
}

// A name with slashes in it is still the name of a component for the API.
func TestANameIsPassedOnAsOneSegment(t *testing.T) {
	var paths []string
	s := newSite(t, func(c *Config) {
		mux := http.NewServeMux()
		mux.HandleFunc("PATCH /v2/components/{id}", func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.PathValue("id")) })
		c.API, c.AnySource = mux, true
	})
	for _, at := range []string{path + "/hold", "/v2/components/..%2Foptions", "/v2/components/a%20b"} {
		s.send(report{from: ipA, path: at, body: `{"actual_state":{"bss_token":"T"}}`})
	}
	if got := strings.Join(paths, " "); got != nodeA+"/hold ../options a b" {
		t.Errorf("%q", got)
	}
}

func TestWhoReportsIsKnownByItsAddress(t *testing.T) {
	away := func(c *Config) {
		c.Names = nodenames.New(inventory{errors.New("HSM is away")}, nil, nil)
	}
	for name, c := range map[string]struct {
		from   string
		node   string
		change func(*Config)
		want   int
	}{
		"its own":                   {ipA, nodeA, nil, 200},
		"its own, as IPv6 has it":   {"[::ffff:" + ipA + "]", nodeA, nil, 200},
		"another node's":            {ipB, nodeA, nil, 403},
		"nobody's":                  {"10.9.9.9", nodeA, nil, 403},
		"nobody's, and so the node": {"10.9.9.9", nodeC, nil, 200},
		"another's, and not its":    {ipB, nodeC, nil, 403},
		"this machine's":            {"127.0.0.1", nodeA, nil, 200},
		"any, by the settings":      {ipB, nodeA, func(c *Config) { c.AnySource = true }, 200},
		"none can be known":         {ipA, nodeA, func(c *Config) { c.Names = nil }, 200},
		"the inventory is away":     {ipA, nodeA, away, 503},
	} {
		var s *site
		if c.change == nil {
			s = newSite(t)
		} else {
			s = newSite(t, c.change)
		}
		w := s.send(report{from: c.from, path: "/v2/components/" + c.node, body: `{"actual_state":{"bss_token":"T"}}`})
		if w.Code != c.want || (len(s.passed) == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s; passed %q", name, w.Code, w.Body, s.passed)
		}
	}
}

func TestANodeProvesWhoItIs(t *testing.T) {
	own := bos.NodeToken(key, nodeA, "T")
	gateway := "aaaa.bbbb.cccc"
	for name, c := range map[string]struct {
		from     string
		required bool
		header   map[string]string
		want     int
	}{
		"its token":                                {ipA, true, map[string]string{"Authorization": "Bearer " + own}, 200},
		"its token from another address":           {ipB, true, map[string]string{"Authorization": "Bearer " + own}, 200},
		"its token beside that of a gateway":       {ipA, true, map[string]string{"Authorization": "Bearer " + gateway, NodeTokenHeader: own}, 200},
		"none":                                     {ipA, true, nil, 401},
		"none from this machine":                   {"127.0.0.1", true, nil, 401},
		"that of a gateway only":                   {ipA, true, map[string]string{"Authorization": "Bearer " + gateway}, 401},
		"that of another node":                     {ipA, true, map[string]string{"Authorization": "Bearer " + bos.NodeToken(key, nodeB, "T")}, 403},
		"that of another boot":                     {ipA, true, map[string]string{"Authorization": "Bearer " + bos.NodeToken(key, nodeA, "before")}, 403},
		"that of another key":                      {ipA, true, map[string]string{"Authorization": "Bearer " + bos.NodeToken(bytes.Repeat([]byte{4}, 32), nodeA, "T")}, 403},
		"the referral token":                       {ipA, true, map[string]string{NodeTokenHeader: "T"}, 403},
		"not required, none":                       {ipA, false, nil, 200},
		"not required, that of a gateway":          {ipA, false, map[string]string{"Authorization": "Bearer " + gateway}, 200},
		"not required, none, another address":      {ipB, false, nil, 403},
		"not required, its token, another address": {ipB, false, map[string]string{"Authorization": "Bearer " + own}, 200},
		"not required, a wrong one":                {ipA, false, map[string]string{NodeTokenHeader: bos.NodeToken(key, nodeB, "T")}, 403},
	} {
		s := newSite(t, func(cfg *Config) {
			cfg.NodeKey, cfg.Required = func(context.Context) ([]byte, error) { return key, nil }, c.required
		})
		w := s.send(report{from: c.from, path: path, body: said, header: c.header})
		if w.Code != c.want || (len(s.passed) == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s; passed %q", name, w.Code, w.Body, s.passed)
		}
		if text := s.log.String() + w.Body.String(); strings.Contains(text, own) {
			t.Errorf("%s: the token is in %s", name, text)
		}
		if c.want >= 400 && !strings.Contains(s.log.String(), nodeA) {
			t.Errorf("%s: the log does not say who was refused: %s", name, s.log.String())
		}
		if (w.Header().Get("WWW-Authenticate") != "") != (c.want == 401) {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

func TestAKeyThatCannotBeReadLetsNobodyIn(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.NodeKey, c.Required = func(context.Context) ([]byte, error) { return nil, errors.New("disk") }, true
	})
	w := s.send(report{from: ipA, path: path, body: said, header: map[string]string{NodeTokenHeader: bos.NodeToken(nil, nodeA, "T")}})
	if w.Code != http.StatusServiceUnavailable || len(s.passed) > 0 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWhatTheAPIRefusesTheNodeIsTold(t *testing.T) {
	s := newSite(t)
	s.status, s.answer = http.StatusConflict, `{"detail":"report again after BOS has powered it on"}`
	w := s.send(report{from: ipA, path: path, body: said})
	if w.Code != http.StatusConflict || w.Body.String() != s.answer || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestNothingIsTakenThatCouldNotBeActedOn(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Writable = func() error { return errors.New("another service drives the database") }
	})
	w := s.send(report{from: ipA, path: path, body: said})
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "another service") || w.Header().Get("Retry-After") == "" || len(s.passed) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The reports that are being taken have a bound; the others are told to come again.
func TestReportsAtOnceHaveABound(t *testing.T) {
	s := newSite(t)
	for range maxInFlight {
		s.places <- struct{}{}
	}
	if w := s.send(report{from: ipA, path: path, body: said}); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	<-s.places
	for range 3 {
		if w := s.send(report{from: ipA, path: path, body: said}); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestNodesThatSendTheirReportsSlowlyKeepNobodyOut(t *testing.T) {
	for name, c := range map[string]struct{ method, path, media, begin, other string }{
		"reports":     {http.MethodPatch, path, "application/json", `{"id":"`, said},
		"phone-homes": {http.MethodPost, PhoneHome, "application/x-www-form-urlencoded", "bss_ref", "bss_referral_token=T"},
	} {
		s := newSite(t)
		var slow sync.WaitGroup
		var bodies []*io.PipeWriter
		for range maxInFlight {
			body, sender := io.Pipe()
			bodies = append(bodies, sender)
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, body)
			r.RemoteAddr = ipB + ":40000"
			r.Header.Set("Content-Type", c.media)
			slow.Go(func() { s.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r) })
		}
		for _, sender := range bodies {
			if _, err := sender.Write([]byte(c.begin)); err != nil { // returns when it was read
				break // it was turned away
			}
		}
		if w := s.send(report{from: ipA, method: c.method, path: c.path, body: c.other, header: map[string]string{"Content-Type": c.media}}); w.Code != http.StatusOK {
			t.Errorf("%s: while %d are being sent another is answered %d %s", name, maxInFlight, w.Code, w.Body)
		}
		for _, sender := range bodies {
			_ = sender.CloseWithError(io.ErrUnexpectedEOF)
		}
		slow.Wait()
	}
}
