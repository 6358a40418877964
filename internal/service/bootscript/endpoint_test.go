package bootscript

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// site is an endpoint over a real store, and an inventory of two nodes.
type site struct {
	*Endpoint
	t      testing.TB
	store  *sqlite.Store
	names  []bos.NodeName
	broken error
	reads  int
	now    time.Time
}

// NodeNames is the inventory.
func (s *site) NodeNames(context.Context) ([]bos.NodeName, error) {
	s.reads++
	return s.names, s.broken
}

const (
	nodeA, nodeB = "x1c0s0b0n0", "x1c0s1b0n0"
	macA, macB   = "00:40:a6:5f:a5:ac", "00:40:a6:5f:a5:ad"
	ipA, ipB     = "10.1.0.1", "10.1.0.2"
)

func newSite(t testing.TB, change ...func(*Config)) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &site{t: t, store: store, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), names: []bos.NodeName{
		{ID: nodeA, NID: 1, MACs: []string{macA}, Addresses: []string{ipA}}, {ID: nodeB, NID: 2, MACs: []string{macB}, Addresses: []string{ipB}},
	}}
	c := Config{Store: store, Names: nodenames.New(s, func() time.Time { return s.now }, nil), Now: func() time.Time { return s.now }}
	for _, f := range change {
		f(&c)
	}
	s.Endpoint = New(c)
	tokens := 0
	s.token = func() string { tokens++; return fmt.Sprintf("token-%d", tokens) }
	return s
}

func (s *site) ask(h http.Handler, from, method, target, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	r.RemoteAddr = from + ":40000"
	return s.serveTo(h, r)
}

func (s *site) serveTo(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// mayBeNodeA tells whether an address is node A's, or this machine's.
func mayBeNodeA(from string) bool {
	a, err := netip.ParseAddrPort(from)
	return err == nil && (a.Addr().Unmap().WithZone("").IsLoopback() || a.Addr().Unmap().WithZone("") == netip.MustParseAddr(ipA))
}

func (s *site) from(address, query string) (int, string) {
	s.t.Helper()
	w := s.ask(s.Scripts(), address, http.MethodGet, "http://bos:8771/boot/v1/bootscript?"+query, "")
	return w.Code, w.Body.String()
}

func (s *site) api(method, target, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.ask(access.Open(s.Handler()), "127.0.0.1", method, target, body)
}

func (s *site) write(a bos.BootArtifacts, ids ...string) string {
	s.t.Helper()
	token, err := s.Write(s.t.Context(), ids, a)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

var plain = bos.BootArtifacts{Kernel: "http://images/k", KernelParameters: "console=ttyS0 quiet", Initrd: "http://images/i"}

func TestANodeGetsTheScriptOfWhatWasWrittenForIt(t *testing.T) {
	s := newSite(t)
	token := s.write(plain, nodeA)
	code, script := s.from(ipA, "name="+nodeA)
	want := "#!ipxe\n" +
		"kernel --name kernel http://images/k initrd=initrd xname=x1c0s0b0n0 nid=1 bss_referral_token=" + token + " console=ttyS0 quiet || goto boot_retry\n" +
		"initrd --name initrd http://images/i || goto boot_retry\n" +
		"boot || goto boot_retry\n:boot_retry\nimgfree\nsleep 30\nchain --replace http://bos:8771/boot/v1/bootscript?name=x1c0s0b0n0&retry=1 || goto boot_retry\n"
	if code != http.StatusOK || script != want {
		t.Errorf("answered %d:\n%s\nwant\n%s", code, script, want)
	}
}

func TestANodeIsFoundByEachOfItsNames(t *testing.T) {
	s := newSite(t)
	token := s.write(plain, nodeA)
	for _, query := range []string{"name=X1C0S0B0N0", "name=x0001c0s0b0n0", "mac=" + macA, "mac=0040A65FA5AC", "mac=00-40-A6-5F-A5-AC&arch=x86_64&ts=17", "nid=1"} {
		if code, script := s.from(ipA, query); code != http.StatusOK || !strings.Contains(script, " xname="+nodeA+" nid=1 bss_referral_token="+token+" ") {
			t.Errorf("%s answered %d:\n%s", query, code, script)
		}
	}
	if s.reads != 1 {
		t.Errorf("the inventory was read %d times", s.reads)
	}
}

func TestANodeWithNothingToBootIsToldToAskAgain(t *testing.T) {
	s := newSite(t)
	for query, again := range map[string]string{
		"name=x9c0s0b0n0":                "name=x9c0s0b0n0",
		"mac=00:00:00:00:00:99&retry=1":  "mac=00%3A00%3A00%3A00%3A00%3A99",
		"nid=77":                         "nid=77",
		"name=x1%24%7Bmac%7D%26%26shell": "name=x1%24%7Bmac%7D%26%26shell",
	} {
		if code, script := s.from("10.9.9.9", query); code != http.StatusOK || script != "#!ipxe\n:again\nimgfree\nsleep 10\nchain --replace http://bos:8771/boot/v1/bootscript?"+again+" || goto again\n" {
			t.Errorf("%s answered %d:\n%s", query, code, script)
		}
	}
	for _, query := range []string{"", "name=", "mac=zz", "nid=-1", "nid=x", "name=a%0Ab", "name=" + strings.Repeat("x", 128), "name=%zz"} {
		if code, text := s.from(ipA, query); code != http.StatusBadRequest {
			t.Errorf("%q answered %d:\n%s", query, code, text)
		}
	}
}

func TestAnotherNodesScriptAndTokenAreNotHandedOut(t *testing.T) {
	s := newSite(t)
	token := s.write(plain, nodeA)
	for _, query := range []string{"name=" + nodeA, "mac=" + macA, "nid=1", "mac=" + macB + "&name=" + nodeA} {
		for _, stranger := range []string{ipB, "10.1.0.3", "[fd00::1]"} {
			if code, text := s.from(stranger, query); code != http.StatusForbidden || strings.Contains(text, token) {
				t.Errorf("%s from %s answered %d:\n%s", query, stranger, code, text)
			}
		}
	}
	for _, own := range []string{ipA, "[::ffff:10.1.0.1]", "127.0.0.1", "[::1]"} {
		if code, _ := s.from(own, "name="+nodeA); code != http.StatusOK {
			t.Errorf("the node itself, from %s, got %d", own, code)
		}
	}
	anyone := newSite(t, func(c *Config) { c.AnySource = true })
	anyone.write(plain, nodeA)
	if code, _ := anyone.from(ipB, "name="+nodeA); code != http.StatusOK {
		t.Errorf("with any_source another address got %d", code)
	}
}

func TestWithoutAddressesOnlyOtherNodesAreKeptOut(t *testing.T) {
	s := newSite(t)
	s.names[0].Addresses = nil
	s.write(plain, nodeA)
	if code, _ := s.from("10.1.0.3", "name="+nodeA); code != http.StatusOK {
		t.Errorf("an address that nobody is known by got %d", code)
	}
	if code, _ := s.from(ipB, "name="+nodeA); code != http.StatusForbidden {
		t.Errorf("the address of another node got %d", code)
	}
}

func TestAMACGivenAsANameIsNoWayAroundTheSourceCheck(t *testing.T) {
	s := newSite(t)
	if w := s.api("PUT", "/boot/v1/bootparameters", `{"macs":["`+macA+`"],"kernel":"http://images/k"}`); w.Code != http.StatusOK {
		t.Fatalf("PUT answered %d %s", w.Code, w.Body)
	}
	for _, query := range []string{"name=" + macA, "name=0040A65FA5AC", "name=" + macA + "&mac=" + macB, "mac=" + macA + "&name=" + macB} {
		if code, text := s.from(ipB, query); code != http.StatusForbidden || strings.Contains(text, "token-1") {
			t.Errorf("%s from another node answered %d:\n%s", query, code, text)
		}
	}
	if code, text := s.from(ipA, "name="+macA); code != http.StatusOK || !strings.Contains(text, "token-1") {
		t.Errorf("the node itself got %d:\n%s", code, text)
	}
}

func TestAScriptAsksAgainWhereTheSettingsSayAndNeverAtAStrangeHost(t *testing.T) {
	const evil = "evil.example;x"
	fixed := newSite(t, func(c *Config) { c.URL = "http://boot.site:8771/boot/v1" })
	plainly := newSite(t)
	for host, s := range map[string]*site{"evil.example": fixed, evil: plainly} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://bos/boot/v1/bootscript?name="+nodeA, nil)
		r.Host, r.RemoteAddr = host, ipA+":40000"
		w := s.serveTo(s.Scripts(), r)
		if strings.Contains(w.Body.String(), "chain --replace http://evil") || s == fixed != (w.Code == http.StatusOK) {
			t.Errorf("Host %q answered %d:\n%s", host, w.Code, w.Body)
		}
	}
}

func TestTheListenerForNodesServesScriptsOnly(t *testing.T) {
	s := newSite(t)
	token := s.write(plain, nodeA)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/boot/v1/bootparameters", 404},
		{"PUT", "/boot/v1/bootparameters", 404},
		{"DELETE", "/boot/v1/bootparameters", 404},
		{"GET", "/v2/components", 404},
		{"GET", "/", 404},
		{"POST", "/boot/v1/bootscript?name=" + nodeA, 405},
		{"GET", "/apis/bss/boot/v1/bootscript?name=" + nodeA, 200},
	} {
		w := s.ask(s.Scripts(), ipA, c.method, c.path, `{"hosts":["`+nodeA+`"]}`)
		if w.Code != c.want || c.want != 200 && (strings.Contains(w.Body.String(), token) || w.Header().Get("Content-Type") != "application/problem+json") {
			t.Errorf("%s %s answered %d %v:\n%s", c.method, c.path, w.Code, w.Header(), w.Body)
		}
	}
	if list, err := s.store.HostBoots(t.Context(), nil); err != nil || len(list) != 1 {
		t.Errorf("%v is stored, %v", list, err)
	}
}

func TestBootParametersAreTakenAsBSSTakesThem(t *testing.T) {
	s := newSite(t)
	w := s.api("PUT", "/boot/v1/bootparameters", `{"hosts":["X1C0S0B0N0"],"macs":["00-40-A6-5F-A5-99"],"nids":[2],"kernel":"http://images/k","initrd":"http://images/i","params":"p"}`)
	if w.Code != 200 || w.Header().Get("Bss-Referral-Token") != "token-1" || w.Body.Len() != 0 {
		t.Fatalf("PUT answered %d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, query := range []string{"name=" + nodeA, "nid=2", "mac=00:40:a6:5f:a5:99"} {
		if w := s.api("GET", "/boot/v1/bootscript?"+query, ""); !strings.Contains(w.Body.String(), "bss_referral_token=token-1 p ||") {
			t.Errorf("%s:\n%s", query, w.Body)
		}
	}
	if a, known, err := s.store.Token(t.Context(), "token-1"); !known || err != nil || a.Kernel != "http://images/k" {
		t.Errorf("the token stands for %+v, %t, %v", a, known, err)
	}
	if w := s.api("PATCH", "/boot/v1/bootparameters", `{"hosts":["`+nodeA+`"],"params":"debug"}`); w.Code != 200 {
		t.Errorf("PATCH answered %d %s", w.Code, w.Body)
	}
	w = s.api("GET", "/boot/v1/bootparameters?name="+nodeA+"&name=nobody", "")
	if got, want := strings.TrimSpace(w.Body.String()), `[{"hosts":["x1c0s0b0n0"],"params":"debug","kernel":"http://images/k","initrd":"http://images/i"}]`; got != want {
		t.Errorf("GET answered %s, want %s", got, want)
	}
	if w := s.api("GET", "/boot/v1/bootparameters", ""); strings.Contains(w.Body.String(), "token-") || strings.Count(w.Body.String(), "kernel") != 3 {
		t.Errorf("the list is %s", w.Body)
	}
	if w := s.api("DELETE", "/boot/v1/bootparameters", `{"hosts":["`+nodeA+`"]}`); w.Code != 200 {
		t.Errorf("DELETE answered %d %s", w.Code, w.Body)
	}
	if w := s.api("GET", "/boot/v1/bootparameters?name="+nodeA, ""); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("after DELETE there is %s", w.Body)
	}
	if w := s.api("POST", "/boot/v1/bootparameters", `{"hosts":["`+nodeA+`"],"kernel":"http://images/k"}`); w.Code != 201 || w.Header().Get("Bss-Referral-Token") == "" {
		t.Errorf("POST answered %d %v", w.Code, w.Header())
	}
	if w := s.api("PUT", "/boot/v1/bootparameters", `{"hosts":[],"params":"p"}`); w.Code != 200 || w.Header().Get("Bss-Referral-Token") != "" {
		t.Errorf("no hosts: %d %v", w.Code, w.Header())
	}
}

func TestWhatAScriptCannotCarryIsRefused(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"a line break in params":  {`{"hosts":["a"],"kernel":"k","params":"a\nshell"}`, "line breaks"},
		"a space in the kernel":   {`{"hosts":["a"],"kernel":"k || shell"}`, "without spaces"},
		"a line break in initrd":  {`{"hosts":["a"],"kernel":"k","initrd":"i\nshell"}`, "without spaces"},
		"no kernel":               {`{"hosts":["a"],"params":"p"}`, "kernel is missing"},
		"an unknown member":       {`{"hosts":["a"],"kernel":"k","cloud-init":{}}`, "cloud-init"},
		"a member twice":          {`{"hosts":["a"],"hosts":["b"],"kernel":"k"}`, "hosts"},
		"no JSON":                 {`hosts`, "not what is expected"},
		"null":                    {`null`, "it is null"},
		"something behind":        {`{"hosts":["a"],"kernel":"k"} {}`, "not what is expected"},
		"an unknown NID":          {`{"nids":[99],"kernel":"k"}`, "NID 99"},
		"a broken MAC":            {`{"macs":["00:40"],"kernel":"k"}`, "00:40"},
		"an empty host":           {`{"hosts":[""],"kernel":"k"}`, "no host name"},
		"params beyond the limit": {`{"hosts":["a"],"kernel":"k","params":"` + strings.Repeat("x", bos.MaxCommandLine) + `"}`, "shorten"},
		"an end of the command":   {`{"hosts":["a"],"kernel":"k","params":"quiet && chain http://x"}`, "iPXE"},
		"a comment":               {`{"hosts":["a"],"kernel":"k","params":"quiet #later"}`, "iPXE"},
		"an option as a kernel":   {`{"hosts":["a"],"kernel":"--autofree"}`, "no path"},
		"a comment as an initrd":  {`{"hosts":["a"],"kernel":"k","initrd":"#"}`, "no path"},
	} {
		t.Run(name, func(t *testing.T) {
			if w := s.api("PUT", "/boot/v1/bootparameters", c.body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("answered %d %s, want %q", w.Code, w.Body, c.want)
			}
		})
	}
	if w := s.api("PUT", "/boot/v1/bootparameters", `"`+strings.Repeat("x", maxBody)+`"`); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large a body answered %d", w.Code)
	}
	if w := s.api("PATCH", "/boot/v1/bootparameters", `{"hosts":["nobody"],"params":"p"}`); w.Code != http.StatusNotFound {
		t.Errorf("PATCH of nobody answered %d", w.Code)
	}
	if w := s.api("DELETE", "/boot/v1/bootparameters", `{}`); w.Code != http.StatusBadRequest {
		t.Errorf("DELETE of nobody answered %d", w.Code)
	}
	var refused *bos.CallError
	if _, err := s.Write(t.Context(), []string{nodeA}, bos.BootArtifacts{Kernel: "k", KernelParameters: "a\nb"}); !errors.As(err, &refused) || refused.Outcome != bos.CallRefused {
		t.Errorf("a write with a line break: %v", err)
	}
	if list, err := s.store.HostBoots(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("%v is stored, %v", list, err)
	}
}

func TestS3PathsAreLinkedTo(t *testing.T) {
	var failing error
	s := newSite(t, func(c *Config) {
		c.URL = "https://boot.site/boot/v1/"
		c.Link = func(_ context.Context, path string) (string, error) {
			return "http://rgw/" + strings.TrimPrefix(path, "s3://") + "?signed", failing
		}
	})
	s.write(bos.BootArtifacts{Kernel: "s3://b/k", Initrd: "s3://b/i"}, nodeA)
	_, script := s.from(ipA, "name="+nodeA)
	for _, want := range []string{"kernel --name kernel http://rgw/b/k?signed initrd=initrd xname=", "initrd --name initrd http://rgw/b/i?signed ||", "chain --replace https://boot.site/boot/v1/bootscript?name=x1c0s0b0n0&retry=1 || goto boot_retry\n"} {
		if !strings.Contains(script, want) {
			t.Errorf("%q is not in\n%s", want, script)
		}
	}
	failing = errors.New("no keys")
	if code, script := s.from(ipA, "name="+nodeA); code != http.StatusOK || !strings.HasPrefix(script, "#!ipxe\n:again\nimgfree\nsleep 10\nchain --replace ") {
		t.Errorf("without links: %d\n%s", code, script)
	}
}

func TestAnInventoryThatIsAwayCostsLittleAndHealsByItself(t *testing.T) {
	s := newSite(t)
	s.broken = errors.New("HSM is away")
	token := s.write(plain, nodeA)
	for i := range 100 {
		query := []string{"mac=" + macA, "name=" + nodeA}[i%2]
		if code, script := s.from("10.1.0.3", query); code != http.StatusOK || strings.Contains(script, token) {
			t.Fatalf("answered %d:\n%s", code, script)
		}
	}
	if s.reads != 1 {
		t.Errorf("the inventory was read %d times in a moment", s.reads)
	}
	s.broken = nil
	s.now = s.now.Add(nodenames.Retry)
	if _, script := s.from(ipA, "mac="+macA); !strings.Contains(script, token) {
		t.Errorf("with the inventory back:\n%s", script)
	}
	s.broken = errors.New("HSM is away again")
	s.now = s.now.Add(2 * nodenames.Fresh)
	if _, script := s.from(ipA, "mac="+macA); !strings.Contains(script, token) {
		t.Errorf("what was known is forgotten:\n%s", script)
	}
}

func TestALongListOfHostsIsReadNoFurtherThanItIsTaken(t *testing.T) {
	s := newSite(t)
	for _, list := range []string{`"hosts":["a"` + strings.Repeat(`,"a"`, 1<<20), `"macs":["a"` + strings.Repeat(`,"a"`, 1<<20), `"nids":[1` + strings.Repeat(`,1`, 1<<20)} {
		body := `{"kernel":"http://images/k",` + list + "]}"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := s.api(http.MethodPut, "/boot/v1/bootparameters", body)
		runtime.ReadMemStats(&after)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "65535") {
			t.Errorf("%.10s: %d: %s", list, w.Code, w.Body)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 16<<20 {
			t.Errorf("%.10s: it cost %d MiB", list, cost>>20)
		}
	}
	if w := s.api(http.MethodPut, "/boot/v1/bootparameters", `{"kernel":"http://images/k","hosts":["x1c0s0b0n0"],"macs":null,"nids":null}`); w.Code != http.StatusOK {
		t.Errorf("lists that are null: %d: %s", w.Code, w.Body)
	}
}

// TestWhoIsGivenAScriptIsTold: it is how far a boot came that is never reported.
func TestWhoIsGivenAScriptIsTold(t *testing.T) {
	var got []bos.ScriptFetch
	var log strings.Builder
	s := newSite(t, func(c *Config) {
		c.Fetched = func(f bos.ScriptFetch) { got = append(got, f) }
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	s.from(ipA, "mac="+macA) // there is nothing for it yet
	token := s.write(plain, nodeA)
	s.from(ipB, "name="+nodeA) // somebody else asks
	s.from(ipA, "mac="+macA)
	for range 3 {
		s.from(ipA, "mac="+macA+"&retry=1")
	}
	again := bos.ScriptFetch{Host: nodeA, Token: token, Again: true}
	if want := []bos.ScriptFetch{{Host: nodeA, Token: token}, again, again, again}; !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
	if n := strings.Count(log.String(), "could not load"); n != 1 || !strings.Contains(log.String(), plain.Kernel) {
		t.Errorf("the log has it %d times:\n%s", n, &log)
	}
}
