package assembly

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/csmgateway"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// everything is a service with all that listens at its address: API, boot
// parameters and both kinds of notifications.
func everything(t *testing.T) *Assembly {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nodes.yaml")
	if err := os.WriteFile(file, []byte("nodes:\n  x1c0s0b0n0: { bmc: 192.0.2.1 }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BMC_PASSWORD", "p")
	a, err := New(t.Context(), config.Config{
		Auth:     config.Auth{Mode: config.AuthOff},
		Database: filepath.Join(t.TempDir(), "bos.db"), Listen: "bos-listen.example:8770", Names: []string{"Bos.Example"},
		Inventory:      config.Inventory{HSM: &config.Upstream{URL: "http://127.0.0.1:1"}, Notifications: "http://bos-hsm.example:8770"},
		Power:          config.Power{Redfish: &config.Redfish{Credentials: config.Credentials{User: "u", PasswordEnv: "BMC_PASSWORD"}, Events: "https://bos-bmc.example"}},
		BootParameters: config.BootParameters{Builtin: &config.Builtin{URL: "http://bos-nodes.example/boot/v1"}},
	}, "0.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// writes are requests that change something, one of each kind.
var writes = []struct{ method, path, body string }{
	{"POST", "/v2/sessions", `{"operation":"boot","template_name":"t"}`},
	{"POST", "/apis/bos/v2/sessions", `{"operation":"boot","template_name":"t"}`},
	{"POST", "/x/v1/sessions", `{"operation":"boot","template_name":"t"}`},
	{"POST", "/x/v1/sessions/s/cancel", ``},
	{"POST", "/v2/applystaged", `{"xnames":["x1c0s0b0n0"]}`},
	{"PATCH", "/v2/options", `{"default_retry_policy":0}`},
	{"PUT", "/v2/sessiontemplates/t", `{}`},
	{"PATCH", "/v2/components/x1c0s0b0n0", `{"enabled":false}`},
	{"PUT", "/v2/components", `[{"id":"x1c0s0b0n0","enabled":true}]`},
	{"DELETE", "/v2/sessions", ``},
	{"POST", "/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"],"kernel":"http://evil/k"}`},
	{"PUT", "/apis/bss/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"],"kernel":"http://evil/k"}`},
	{"DELETE", "/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"]}`},
	{"POST", hsm.NotificationsPath, `{"Components":["x1c0s0b0n0"]}`},
	{"POST", redfish.EventsPath + "192.0.2.1", `{"Events":[]}`},
	{"POST", "//v2/sessions", `{}`},
	{"POST", "/v2/../v2/sessions", `{}`},
	{"BREW", "/v2/sessions", `{}`},
}

func TestNoPageOfAnotherSiteWritesAnythingWhateverItAsksFor(t *testing.T) {
	h := everything(t).Handler()
	for name, c := range map[string]struct {
		header map[string]string
		want   int
	}{
		"a form, as browsers send it":         {map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}, http.StatusForbidden},
		"a page beside it":                    {map[string]string{"Sec-Fetch-Site": "same-site", "Content-Type": "application/json"}, http.StatusForbidden},
		"a browser that says its origin only": {map[string]string{"Origin": "https://evil.example", "Content-Type": "application/json"}, http.StatusForbidden},
		"a page without an origin":            {map[string]string{"Origin": "null", "Content-Type": "application/json"}, http.StatusForbidden},
		"a name that leads here":              {map[string]string{"Host": "evil.example", "Content-Type": "application/json"}, http.StatusMisdirectedRequest},
		"such a name of the same origin":      {map[string]string{"Host": "evil.example:8770", "Origin": "http://evil.example:8770", "Content-Type": "application/json"}, http.StatusMisdirectedRequest},
	} {
		t.Run(name, func(t *testing.T) {
			for _, write := range writes {
				w := send(t, h, write.method, write.path, write.body, c.header)
				if w.Code != c.want || w.Header().Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s: %d, want %d: %s", write.method, write.path, w.Code, c.want, w.Body)
				}
			}
		})
	}
}

func TestABodySaysThatItIsJSON(t *testing.T) {
	h := everything(t).Handler()
	for _, write := range writes {
		for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json/", "text/json"} {
			w := send(t, h, write.method, write.path, write.body, map[string]string{"Content-Type": media})
			if refused := w.Code == http.StatusUnsupportedMediaType; refused != (write.body != "") {
				t.Errorf("%s %s as %q: %d: %s", write.method, write.path, media, w.Code, w.Body)
			}
		}
		for _, media := range []string{"application/json", "application/json; charset=utf-8", "application/merge-patch+json"} {
			if w := send(t, h, write.method, write.path, write.body, map[string]string{"Content-Type": media}); w.Code == http.StatusUnsupportedMediaType {
				t.Errorf("%s %s as %q: %d: %s", write.method, write.path, media, w.Code, w.Body)
			}
		}
	}
}

func TestTheServiceAnswersToItsOwnNamesOnly(t *testing.T) {
	h := everything(t).Handler()
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for host, own := range map[string]bool{
		"127.0.0.1:8770": true, "[::1]:8770": true, "[::1]": true, "localhost:1": true, "LOCALHOST.": true, "a.localhost": true, "10.1.2.3:8770": true,
		"bos.example": true, "BOS.example.:443": true, "bos-listen.example:8770": true, "bos-hsm.example": true, "bos-bmc.example": true, "bos-nodes.example": true,
		machine + ":8770": true,
		"evil.example":    false, "bos.example.evil.example": false, "127.0.0.1.evil.example": false, "localhost.evil.example:8770": false, "xbos.example": false,
	} {
		w := send(t, h, "GET", "/v2/healthz", "", map[string]string{"Host": host})
		if got := w.Code == http.StatusOK; got != own || !own && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "BOS_NAMES")) {
			t.Errorf("as %q: %d: %s", host, w.Code, w.Body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("as %q: headers %v", host, w.Header())
		}
	}
}

func TestAPageOfAnotherSiteReadsNothingButALinkMayBeFollowed(t *testing.T) {
	h := everything(t).Handler()
	for _, path := range []string{"/v2/components", "/x/v1/events", "/boot/v1/bootparameters", "/boot/v1/bootscript?name=x1c0s0b0n0", "/nothing"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if w := send(t, h, method, path, "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}); w.Code != http.StatusForbidden {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for site, mode := range map[string]string{"cross-site": "navigate", "none": "navigate", "same-origin": "cors", "": ""} {
		if w := send(t, h, "GET", "/v2/healthz", "", map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}); w.Code != http.StatusOK {
			t.Errorf("%q, %q: %d", site, mode, w.Code)
		}
	}
}

func TestATenantNeitherReadsNorChangesWhatTheSiteBoots(t *testing.T) {
	a := everything(t)
	h := a.Handler()
	for _, prefix := range []string{"/boot/v1", "/apis/bss/boot/v1"} {
		for _, method := range []string{"GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"} {
			body := `{"hosts":["x1c0s0b0n0"],"kernel":"http://images/k"}`
			w := send(t, h, method, prefix+"/bootparameters", body, map[string]string{"Content-Type": "application/json", "Cray-Tenant-Name": "red"})
			if w.Code != http.StatusForbidden || method != "HEAD" && !strings.Contains(w.Body.String(), "red") {
				t.Errorf("%s %s: %d: %s", method, prefix, w.Code, w.Body)
			}
		}
	}
	if list, err := a.store.HostBoots(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("hosts boot %+v, %v", list, err)
	}
}

func TestNobodyReachesBootParametersWhomTheGatewayOfCSMKeepsAway(t *testing.T) {
	a := everything(t)
	a.auth.Mode = access.Enforce
	callers := make(named)
	for role, identity := range csmgateway.Callers("red", "x1c0s0b0n0") {
		callers[string(role)] = identity
	}
	a.auth.Bearers = []access.Bearers{callers}
	h := a.Handler()
	answered := 0
	for _, role := range csmgateway.Roles {
		for _, path := range []string{"/boot/v1/bootparameters", "/boot/v1/bootscript", "/apis/bss/boot/v1/bootparameters", "/apis/bss/boot/v1/bootscript"} {
			for _, method := range []string{"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"} {
				headers := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + string(role)}
				code := send(t, h, method, path, `{"hosts":["x1c0s0b0n0"],"kernel":"http://images/k"}`, headers).Code
				if code != http.StatusForbidden {
					answered++
				}
				if there := "/apis/bss/boot/v1/" + path[strings.LastIndexByte(path, '/')+1:]; code != http.StatusForbidden && code != http.StatusMethodNotAllowed && !csmgateway.Passes(role, method, there) {
					t.Errorf("%s: %s %s is refused by the gateway, and answered here with %d", role, method, path, code)
				}
			}
		}
	}
	if answered == 0 {
		t.Error("nobody was answered, not even the admin")
	}
}

// named knows who has which token.
type named map[string]access.Identity

func (n named) Bearer(_ *http.Request, token string) (access.Identity, error) {
	if found, ok := n[token]; ok {
		return found, nil
	}
	return access.Identity{}, access.ErrUnknown
}

func TestAWriteThatIsRefusedIsInTheHistoryOnceAndChangesNothing(t *testing.T) {
	a := everything(t)
	a.auth.Mode = access.Enforce
	a.auth.Bearers = []access.Bearers{named{
		"reporter":  {Subject: "r", Proof: access.ProofStatic, Roles: []access.Role{access.Reporter}, Nodes: []string{"x1c0s0b0n0"}},
		"red-admin": {Subject: "r", Proof: access.ProofStatic, Roles: []access.Role{access.Admin}, Tenants: []string{"red"}},
		"admin":     {Subject: "r", Proof: access.ProofStatic, Roles: []access.Role{access.Admin}},
	}}
	h := a.Handler()
	for _, c := range []struct{ token, tenant, method, path, body string }{
		{"reporter", "", "POST", "/v2/sessions", `{"operation":"boot","template_name":"t"}`},
		{"reporter", "", "PATCH", "/v2/components/x1c0s00b0n1", `{"actual_state":{"bss_token":"t"}}`},
		{"reporter", "", "POST", "/x/v1/components/x1c0s0b0n1/booted", `{"by":"me"}`},
		{"reporter", "", "DELETE", "/apis/bos/v2/sessions/s", ``},
		{"red-admin", "blue", "POST", "/v2/sessions", `{"operation":"boot","template_name":"t"}`},
		{"red-admin", "blue", "PUT", "/v2/components", `[{"id":"x1c0s0b0n0"}]`},
		{"red-admin", "blue", "PATCH", "/v2/components/x1c0s0b0n0", `{"enabled":true}`},
		{"red-admin", "blue", "DELETE", "/v2/sessions/s", ``},
		{"red-admin", "blue", "POST", "/v2/applystaged", `{"xnames":["x1c0s0b0n0"]}`},
		{"red-admin", "", "PATCH", "/v2/options", `{"default_retry_policy":0}`},
		{"red-admin", "", "POST", "/x/v1/pause", `{}`},
		{"red-admin", "", "POST", "/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"],"kernel":"http://evil/k"}`},
		{"red-admin", "red", "DELETE", "/apis/bss/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"]}`},
		{"admin", "red", "PATCH", "/v2/options", `{"default_retry_policy":0}`},
		{"admin", "red", "PUT", "/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"],"kernel":"http://evil/k"}`},
	} {
		before, err := a.store.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := send(t, h, c.method, c.path, c.body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + c.token, "Cray-Tenant-Name": c.tenant})
		events, err := a.store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), After: before})
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusForbidden || len(events) != 1 || events[0].Kind != refusals.Kind || events[0].Actor != "r (token)" {
			t.Errorf("%s of %q: %s %s: %d, and the history has %+v", c.token, c.tenant, c.method, c.path, w.Code, events)
		}
		if strings.Contains(c.path, "x1c0s00b0n1") && len(events) == 1 && events[0].Component != "x1c0s0b0n1" {
			t.Errorf("the event is of %q", events[0].Component)
		}
	}
	// Who is nobody fills no history, and reads are not writes.
	before, _ := a.store.LastEvent(t.Context())
	for _, token := range []string{"", "wrong", "reporter"} {
		if w := send(t, h, "GET", "/v2/components", "", map[string]string{"Authorization": "Bearer " + token}); w.Code < 400 {
			t.Errorf("%q reads", token)
		}
	}
	send(t, h, "POST", "/boot/v1/bootparameters", `{}`, map[string]string{"Content-Type": "application/json", "Cray-Tenant-Name": "red"})
	if after, err := a.store.LastEvent(t.Context()); err != nil || after != before {
		t.Errorf("the history went from %d to %d, %v", before, after, err)
	}
}

func TestWhoIsNobodyIsToldOfNoPathWhateverItLooksLike(t *testing.T) {
	a := everything(t)
	a.auth.Mode = access.Enforce
	h := a.Handler()
	for _, path := range []string{
		"/", "/v2", "/nowhere", "//v2/components", "/v2//components", "/v2/./components", "/x/../v2/components", "/apis/bos", "/apis/bos//v2/components", "/v2/%63omponents", "/v2/components/",
		"/boot/v1", "/boot/v1/", "//boot/v1/bootparameters", "/boot/v1/../../v2/components", "/apis/bss//boot/v1/bootparameters", "/apis/bss/boot/v1/bootscript?name=x1c0s0b0n0", "/boot/v1/%62ootparameters", "//" + hsm.NotificationsPath[1:],
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"} {
			if w := send(t, h, method, path, "", nil); w.Code != http.StatusUnauthorized {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
}

func TestAWriteOfBootParametersIsInTheHistoryWithWhoDidIt(t *testing.T) {
	a := everything(t)
	h := a.Handler()
	for i, c := range []struct{ method, body, kind string }{
		{"POST", `{"hosts":["X1c0s00b0n0"],"macs":["0040a65fa5ac"],"kernel":"http://images/k"}`, "boot_parameters_stored"},
		{"PUT", `{"hosts":["x1c0s0b0n0","x1c0s00b0n0"],"kernel":"http://images/k"}`, "boot_parameters_stored"},
		{"PATCH", `{"hosts":["x1c0s0b0n0"],"params":"quiet"}`, "boot_parameters_changed"},
		{"DELETE", `{"hosts":["x1c0s0b0n0"]}`, "boot_parameters_deleted"},
	} {
		if w := send(t, h, c.method, "/boot/v1/bootparameters", c.body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer e30.eyJzdWIiOiJhbGljZSJ9.x"}); w.Code >= 300 {
			t.Fatalf("%s: %d: %s", c.method, w.Code, w.Body)
		}
		events, err := a.store.Events(context.Background(), bos.EventFilter{Seen: bos.WholeSite(), Component: "x1c0s0b0n0"})
		if err != nil || len(events) != i+1 {
			t.Fatalf("after %s the history has %+v, %v", c.method, events, err)
		}
		if e := events[i]; e.Kind != c.kind || e.Actor != "unverified:alice" || e.Time.IsZero() {
			t.Errorf("%s left %+v", c.method, e)
		}
	}
	// A write that changes nothing leaves nothing.
	if w := send(t, h, "PATCH", "/boot/v1/bootparameters", `{"hosts":["x1c0s0b0n0"],"params":"quiet"}`, map[string]string{"Content-Type": "application/json"}); w.Code != http.StatusNotFound {
		t.Errorf("answered %d", w.Code)
	}
	events, err := a.store.Events(context.Background(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) != 5 {
		t.Errorf("the history has %+v, %v", events, err)
	}
}

func send(t *testing.T, h http.Handler, method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8770"+path, strings.NewReader(body))
	for name, value := range header {
		if name == "Host" {
			r.Host = value
		} else if value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == 0 {
		t.Fatalf("%s %s was not answered", method, path)
	}
	return w
}

func TestNothingIsWrittenThatNobodyCarriesOut(t *testing.T) {
	database := filepath.Join(t.TempDir(), "bos.db")
	open := func() *Assembly {
		t.Helper()
		a, err := New(t.Context(), config.Config{Database: database, Auth: config.Auth{Mode: config.AuthOff}, BootParameters: config.BootParameters{Builtin: &config.Builtin{}}}, "0.0.0", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		return a
	}
	takesWrites := func(h http.Handler, want bool, when string) {
		t.Helper()
		for _, write := range writes {
			w := send(t, h, write.method, write.path, write.body, map[string]string{"Content-Type": "application/json"})
			refused := w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "" && strings.Contains(w.Body.String(), "database")
			if refused == want {
				t.Errorf("%s: %s %s is answered %d: %s", when, write.method, write.path, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/v2/healthz", "/v2/components", "/x/v1/events", "/boot/v1/bootparameters"} {
			if w := send(t, h, "GET", path, "", nil); w.Code != http.StatusOK {
				t.Errorf("%s: GET %s is answered %d: %s", when, path, w.Code, w.Body)
			}
		}
	}
	run := func(a *Assembly) (end func()) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		select {
		case <-a.Ready():
		case err := <-ended:
			t.Fatal(err)
		}
		return func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	first, second := open(), open()
	takesWrites(first.Driven(), false, "before it runs")
	end := run(first)
	takesWrites(first.Driven(), true, "while it runs")
	takesWrites(second.Driven(), false, "while another runs")
	takesWrites(second.Handler(), true, "where it runs now and then")
	end()
	takesWrites(first.Driven(), false, "after it ran")
	defer run(second)()
	takesWrites(second.Driven(), true, "when it took over")
}

func TestTheLogOfRequestsNamesRouteActorAndIDAndNothingThatIsSecret(t *testing.T) {
	a := everything(t)
	var out bytes.Buffer
	a.auth.Mode, a.auth.Bearers = access.Enforce, []access.Bearers{named{"hidden": {Subject: "ci", Proof: access.ProofStatic, Roles: []access.Role{access.Reader}}}}
	a.log = slog.New(slog.NewTextHandler(&out, nil))
	log := a.accessLog()
	log.Log = a.log
	h := log.Handler(a.auth.Handler(a.routes()))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/apis/bos/v2/components/x9?token=hidden", nil)
	r.Header.Set("Authorization", "Bearer hidden")
	r.Header.Set("X-Request-Id", "run-7")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	line := out.String()
	for _, want := range []string{"request_id=run-7", "route=/v2/components/{id}", "status=404", `actor="ci (token)"`, "from=192.0.2.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "hidden") || strings.Contains(line, "x9") || !strings.Contains(rec.Body.String(), `"request_id":"run-7"`) {
		t.Errorf("the line is %s, the answer %s", line, rec.Body)
	}
}
