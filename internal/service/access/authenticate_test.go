package access_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// known has the tokens good, old, and odd, which its source cannot read now.
type known struct{}

func (known) Bearer(_ *http.Request, token string) (access.Identity, error) {
	id := access.Identity{Subject: "alice", Proof: access.ProofStatic, Roles: []access.Role{access.Reader}}
	switch token {
	case "good":
		return id, nil
	case "old":
		id.Expires = noon
		return id, nil
	case "odd":
		return access.Identity{}, errors.New("the file is on fire")
	}
	return access.Identity{}, access.ErrUnknown
}

// broken is a source that is out of order.
type broken struct{}

func (broken) Bearer(*http.Request, string) (access.Identity, error) {
	return access.Identity{}, errors.New("out of order")
}

// wired knows who is at the other end of connections from 10.0.0.1.
type wired struct{}

func (wired) Connection(r *http.Request) (access.Identity, error) {
	if strings.HasPrefix(r.RemoteAddr, "10.0.0.1:") {
		return access.Identity{Subject: "wired", Proof: access.ProofCertificate, Roles: []access.Role{access.Operator}}, nil
	}
	return access.Identity{}, access.ErrUnknown
}

// writesOptions answers who may write options, and says who asked.
func writesOptions(w http.ResponseWriter, r *http.Request) {
	var refused *access.Refused
	if err := access.Of(r.Context()).May(access.WriteOptions); errors.As(err, &refused) {
		refused.Write(w)
		return
	}
	_, _ = io.WriteString(w, access.Actor(r))
}

func ask(h http.Handler, from string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPatch, "/v2/options", http.NoBody)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoAsksIsFoundByTheProofOfTheRequestAlone(t *testing.T) {
	h := access.Authenticator{
		Bearers: []access.Bearers{broken{}, known{}}, Connections: []access.Connections{wired{}}, Now: func() time.Time { return noon },
	}.Handler(http.HandlerFunc(writesOptions))
	const here = "127.0.0.1:5"
	for _, c := range []struct {
		what, from string
		headers    []string
		status     int
	}{
		{"no proof", here, nil, 401},
		{"a good token of who may not", here, []string{"Authorization", "Bearer good"}, 403},
		{"in small letters", here, []string{"Authorization", "bearer good"}, 403},
		{"a token that ends now", here, []string{"Authorization", "Bearer old"}, 401},
		{"an unknown token", here, []string{"Authorization", "Bearer other"}, 401},
		{"a token that cannot be looked up", here, []string{"Authorization", "Bearer odd"}, 401},
		{"an empty token", here, []string{"Authorization", "Bearer "}, 401},
		{"a password", here, []string{"Authorization", "Basic Z29vZDpnb29k"}, 401},
		{"two headers", here, []string{"Authorization", "Bearer good", "Authorization", "Bearer good"}, 401},
		{"a token without end", here, []string{"Authorization", "Bearer " + strings.Repeat("x", 1<<20)}, 401},
		{"headers of a proxy that nobody trusts", here, []string{"X-Forwarded-User", "root", "X-User", "root", "X-Forwarded-For", "10.0.0.1"}, 401},
		{"a good token where only a proxy puts one", here, []string{
			"X-Forwarded-Access-Token", "good", "X-Auth-Request-Access-Token", "good", "X-Original-Authorization", "Bearer good",
			"Proxy-Authorization", "Bearer good", "Cookie", "token=good; Authorization=Bearer good", "Forwarded", "for=10.0.0.1", "X-Real-IP", "10.0.0.1",
		}, 401},
		{"a connection of who may not", "10.0.0.1:5", nil, 403},
		{"a wrong token on a good connection", "10.0.0.1:5", []string{"Authorization", "Bearer other"}, 401},
	} {
		w := ask(h, c.from, c.headers...)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d: %s", c.what, w.Code, c.status, w.Body)
		}
		if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (c.status == 401) {
			t.Errorf("%s: the challenge is %q", c.what, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestAnAnswerSaysNothingAboutWhatIsWrongWithATokenAndTheLogDoes(t *testing.T) {
	var log bytes.Buffer
	h := access.Authenticator{
		Bearers: []access.Bearers{known{}}, Now: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}.Handler(http.HandlerFunc(writesOptions))
	unknown, old := ask(h, "127.0.0.1:5", "Authorization", "Bearer other"), ask(h, "127.0.0.1:5", "Authorization", "Bearer old")
	if unknown.Body.String() != old.Body.String() {
		t.Errorf("an unknown token is told from an old one:\n%s\n%s", unknown.Body, old.Body)
	}
	for _, want := range []string{access.ErrUnknown.Error(), "expired"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q: %s", want, &log)
		}
	}
	for _, secret := range []string{"other", "=old"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has a token: %s", &log)
		}
	}
}

func TestAnAddressWithManyWrongTokensIsSlowedAndAGoodTokenOfItIsNot(t *testing.T) {
	now := noon
	h := access.Authenticator{Bearers: []access.Bearers{known{}}, Now: func() time.Time { return now }}.Handler(http.HandlerFunc(writesOptions))
	counts := make(map[int]int)
	for i := range 100 {
		counts[ask(h, "10.0.0.2:5", "Authorization", fmt.Sprint("Bearer wrong", i)).Code]++
	}
	if counts[401] != 20 || counts[429] != 80 {
		t.Errorf("the answers are %v", counts)
	}
	if w := ask(h, "10.0.0.2:6", "Authorization", "Bearer good"); w.Code != 403 {
		t.Errorf("a good token from there: %d", w.Code)
	}
	if w := ask(h, "10.0.0.3:6", "Authorization", "Bearer wrong"); w.Code != 401 {
		t.Errorf("a wrong token from elsewhere: %d", w.Code)
	}
	now = now.Add(time.Second)
	if w := ask(h, "10.0.0.2:5", "Authorization", "Bearer wrong"); w.Code != 401 {
		t.Errorf("a second later: %d", w.Code)
	}
}

func TestShadowLetsEverybodyPassAndSaysWhoWouldNot(t *testing.T) {
	var log bytes.Buffer
	h := access.Authenticator{Mode: access.Shadow, Bearers: []access.Bearers{known{}}, Log: slog.New(slog.NewTextHandler(&log, nil))}.Handler(http.HandlerFunc(writesOptions))
	for _, c := range []struct {
		what, header, says string
		status             int
	}{
		{"nobody", "", "nobody may change options", http.StatusUnauthorized},
		{"a wrong token", "Bearer wrong", access.ErrUnknown.Error(), http.StatusUnauthorized},
		{"who may not", "Bearer good", `alice\" may not change options`, http.StatusForbidden},
	} {
		log.Reset()
		var headers []string
		if c.header != "" {
			headers = []string{"Authorization", c.header}
		}
		if w := ask(h, "127.0.0.1:5", headers...); w.Code != 200 || !strings.Contains(log.String(), c.says) {
			t.Errorf("%s: %d, and the log says %q", c.what, w.Code, &log)
		}
		// The log has the status that enforce answers the same request with.
		enforced := ask(access.Authenticator{Bearers: []access.Bearers{known{}}}.Handler(http.HandlerFunc(writesOptions)), "127.0.0.1:5", headers...).Code
		if enforced != c.status || !strings.Contains(log.String(), fmt.Sprintf("status=%d", c.status)) || strings.Count(log.String(), "status=") != 1 {
			t.Errorf("%s: enforced it is %d, want %d, and the log says %q", c.what, enforced, c.status, &log)
		}
	}
}

func TestShadowAnswersATenantAsIfNobodyWereAsked(t *testing.T) {
	for _, c := range []struct {
		what, named string
		tenants     []string
		told        bool
	}{
		{"its only tenant, not named", "", []string{"red"}, true},
		{"its only tenant", "red", []string{"red"}, false},
		{"another's", "blue", []string{"red"}, true},
		{"one of several, not named", "", []string{"red", "blue"}, true},
		{"none", "", nil, true},
	} {
		told := 0
		source := tenantsOf{access.Identity{Subject: "t", Proof: access.ProofStatic, Roles: []access.Role{access.TenantAdmin}, Tenants: c.tenants, Expires: time.Now().Add(time.Hour)}}
		log := slog.New(slog.NewTextHandler(writes(func() { told++ }), nil))
		h := access.Authenticator{Mode: access.Shadow, Bearers: []access.Bearers{source}, Log: log}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			caller := access.Of(r.Context())
			if got, err := caller.Tenant(r.Header); err != nil || got != c.named {
				t.Errorf("%s: it is answered about %q, %v", c.what, got, err)
			}
			if end := time.Now().Add(2 * time.Hour); !caller.Bound(end).Equal(end) || !caller.Still() {
				t.Errorf("%s: a stream ends early", c.what)
			}
		}))
		headers := []string{"Authorization", "Bearer t"}
		if c.named != "" {
			headers = append(headers, edge.TenantHeader, c.named)
		}
		ask(h, "127.0.0.1:5", headers...)
		if (told > 0) != c.told {
			t.Errorf("%s: the log has %d lines", c.what, told)
		}
	}
}

// tenantsOf knows everybody as one.
type tenantsOf struct{ is access.Identity }

func (o tenantsOf) Bearer(*http.Request, string) (access.Identity, error) { return o.is, nil }

type writes func()

func (w writes) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

func TestWhereAuthenticationIsOffEverybodyMayDoEverythingAndNobodyIsBelieved(t *testing.T) {
	h := access.Authenticator{Mode: access.Off}.Handler(http.HandlerFunc(writesOptions))
	if w := ask(h, "127.0.0.1:5", "Authorization", "Bearer anything"); w.Code != 200 || w.Body.String() != "127.0.0.1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAHandlerThatNobodyHasPutBehindAnAuthenticatorIsClosed(t *testing.T) {
	if w := ask(http.HandlerFunc(writesOptions), "127.0.0.1:5"); w.Code != 401 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var zero access.Permission
	for _, name := range access.RoleNames() {
		if (access.Caller{Identity: access.Identity{Subject: "s", Roles: []access.Role{access.Role(name)}}}).May(zero) == nil {
			t.Errorf("%s may do what takes no permission", name)
		}
	}
}

func TestAHeaderOfTheTenantThatComesTwiceIsRefused(t *testing.T) {
	header := http.Header{edge.TenantHeader: {"red", "blue"}}
	if tenant, err := (access.Caller{Identity: access.Everybody()}).Tenant(header); err == nil {
		t.Errorf("the tenant is %q", tenant)
	}
}

func TestAStreamEndsWithTheProofOfItsClient(t *testing.T) {
	for expires, want := range map[time.Time]time.Time{{}: noon, noon.Add(time.Hour): noon, noon.Add(-time.Hour): noon.Add(-time.Hour)} {
		if got := (access.Caller{Identity: access.Identity{Expires: expires}}).Bound(noon); !got.Equal(want) {
			t.Errorf("expiring at %s it ends at %s", expires, got)
		}
	}
}

func TestATenantAdminOfNoTenantReachesNoFartherByARoleThatAllowsSomethingElse(t *testing.T) {
	for _, c := range []struct {
		what     string
		roles    []access.Role
		asks     access.Permission
		theSite  bool
		inShadow string
	}{
		{"stops sessions, and may create some anywhere", []access.Role{access.TenantAdmin, access.WLM}, access.CancelSessions, false, "its role is for tenants alone"},
		{"creates sessions, and may report", []access.Role{access.Reporter, access.TenantAdmin}, access.CreateSessions, false, "its role is for tenants alone"},
		{"creates sessions, and may read", []access.Role{access.TenantAdmin, access.Reader}, access.CreateSessions, false, "its role is for tenants alone"},
		{"reads, and may do so anywhere", []access.Role{access.TenantAdmin, access.Reader}, access.ReadRecords, true, ""},
		{"creates sessions, and may do so anywhere", []access.Role{access.TenantAdmin, access.WLM}, access.CreateSessions, true, ""},
		{"stops sessions, and may do so anywhere", []access.Role{access.TenantAdmin, access.Operator}, access.CancelSessions, true, ""},
		{"stops sessions", []access.Role{access.TenantAdmin}, access.CancelSessions, false, "its role is for tenants alone"},
	} {
		is := access.Identity{Subject: "t", Proof: access.ProofStatic, Roles: c.roles}
		var err error
		var log bytes.Buffer
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			r = access.Asking(r, c.asks)
			if err = access.Of(r.Context()).May(c.asks); err == nil {
				_, err = access.Of(r.Context()).Tenant(r.Header)
			}
		})
		ask(access.Authenticator{Bearers: []access.Bearers{tenantsOf{is}}}.Handler(h), "127.0.0.1:5", "Authorization", "Bearer t")
		if (err == nil) != c.theSite {
			t.Errorf("who %s is answered about the whole site: %v", c.what, err)
		}
		// Shadow tells of it, and is no narrower than off.
		ask(access.Authenticator{Mode: access.Shadow, Bearers: []access.Bearers{tenantsOf{is}}, Log: slog.New(slog.NewTextHandler(&log, nil))}.Handler(h), "127.0.0.1:5", "Authorization", "Bearer t")
		if err != nil || !strings.Contains(log.String(), c.inShadow) || (c.inShadow == "") != (log.Len() == 0) {
			t.Errorf("who %s, where it is only watched: %v, and the log says %q", c.what, err, &log)
		}
	}
}
