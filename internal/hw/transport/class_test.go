package transport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	html  = "text/html; charset=utf-8"
	jsonT = "application/problem+json"
)

// classOf is what a GET says that is answered so.
func classOf(t *testing.T, status int, media, body string) transport.Class {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer s.Close()
	c := transport.Upstream{URL: s.URL}.Open(transport.Config{Upstream: "it"})
	defer c.Close()
	var into map[string]any
	return transport.ClassOf(c.JSON(t.Context(), transport.Request{Method: http.MethodGet, URL: s.URL + "/x"}, &into))
}

func TestWhatAnAnswerSaysOfWhatWasAskedFor(t *testing.T) {
	const problem = `{"title":"t","detail":"d","status":0}`
	for _, c := range []struct {
		name        string
		status      int
		media, body string
		want        transport.Class
	}{
		{"an answer", 200, jsonT, `{}`, transport.ClassNone},
		{"an answer that is none", 200, jsonT, `[]`, transport.ClassMaybe},
		{"an empty answer", 200, jsonT, ``, transport.ClassMaybe},
		{"a login page", 200, html, `<html>log in</html>`, transport.ClassGateway},
		{"a redirect to one", 302, html, ``, transport.ClassGateway},
		{"what it refuses", 400, jsonT, problem, transport.ClassRefused},
		{"what a gateway finds bad", 400, html, `<h1>400</h1>`, transport.ClassGateway},
		{"what is too large for a gateway", 413, html, `<h1>413</h1>`, transport.ClassRefused},
		{"what it has not", 404, jsonT, problem, transport.ClassAbsent},
		{"what it has no more", 410, jsonT, problem, transport.ClassAbsent},
		{"what a gateway has no more", 410, html, `<h1>410</h1>`, transport.ClassGateway},
		{"what a gateway has no more, without a word", 410, "", ``, transport.ClassGateway},
		{"what a gateway has not, as a page", 404, html, `<h1>404</h1>`, transport.ClassGateway},
		{"what a gateway has not, without a word", 404, "", ``, transport.ClassGateway},
		{"what a router has not", 404, "text/plain", `404 page not found`, transport.ClassGateway},
		{"what a gateway has not, in JSON", 404, "application/json", `{"message":"no Route matched with those values"}`, transport.ClassGateway},
		{"another method", 405, jsonT, problem, transport.ClassUnsupported},
		{"another method, at a gateway", 405, html, `<h1>405</h1>`, transport.ClassGateway}, // nginx answers writes so while it shows a page
		{"no such operation", 501, "", ``, transport.ClassUnsupported},
		{"an old token", 401, jsonT, problem, transport.ClassCaller},
		{"no right", 403, html, `<h1>403</h1>`, transport.ClassCaller},
		{"a proxy's login", 407, "", ``, transport.ClassCaller},
		{"too much", 429, jsonT, problem, transport.ClassBusy},
		{"an error", 500, jsonT, problem, transport.ClassBusy},
		{"what took too long to arrive", 408, jsonT, problem, transport.ClassBusy},
		{"an outage", 503, html, `<h1>503</h1>`, transport.ClassBusy},
		{"what a gateway sent on", 502, html, `<h1>502</h1>`, transport.ClassMaybe},
		{"what a gateway waited for", 504, html, `<h1>504</h1>`, transport.ClassMaybe},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := classOf(t, c.status, c.media, c.body); got != c.want {
				t.Errorf("%d %s %q is of class %d, want %d", c.status, c.media, c.body, got, c.want)
			}
		})
	}
}

func TestNobodyThereIsAwayAndABrokenConnectionMayHaveDoneIt(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	s.Config.ErrorLog = quiet()
	c := transport.Upstream{URL: s.URL}.Open(transport.Config{Upstream: "it"})
	defer c.Close()
	ask := func() transport.Class {
		_, err := c.Do(t.Context(), transport.Request{Method: http.MethodPost, URL: s.URL})
		return transport.ClassOf(err)
	}
	if got := ask(); got != transport.ClassMaybe {
		t.Errorf("a broken connection is of class %d", got)
	}
	s.Close()
	if got := ask(); got != transport.ClassAway {
		t.Errorf("nobody there is of class %d", got)
	}
}
