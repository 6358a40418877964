package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const secret = "s3cr3t-of-the-client"

// keycloak makes a client of a BOS behind an identity provider that hands out
// token-1, token-2 and so on, each for 60 seconds.
func keycloak(t *testing.T, retries int, issue func(n int) *http.Response, each func(token string) *http.Response) (*Client, *server) {
	t.Helper()
	issued := 0
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if r.URL.Host == "idp" {
			issued++
			return issue(issued), nil
		}
		return each(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), nil
	}}
	c, err := New(Config{
		Endpoint: "http://bos", MaxRetries: retries, Transport: s,
		ClientCredentials: &Credentials{TokenURL: "https://idp/token", ClientID: "boot", ClientSecret: secret, Scopes: []string{"a", "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func issue(n int) *http.Response {
	return answer(200, fmt.Sprintf(`{"access_token":"token-%d","expires_in":60,"token_type":"bearer"}`, n))
}

// asked counts the requests for a token.
func (s *server) asked() (n int) {
	for _, line := range s.log {
		if line == "POST /token" {
			n++
		}
	}
	return n
}

func TestATokenIsFetchedOnceAndAgainBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last string
		c, s := keycloak(t, 0, issue, func(token string) *http.Response { last = token; return answer(200, `{"id":"x0"}`) })
		for _, step := range []struct {
			pause time.Duration
			want  string
		}{{0, "token-1"}, {40 * time.Second, "token-1"}, {10 * time.Second, "token-2"}} {
			time.Sleep(step.pause) //nolint:forbidigo // the clock is virtual
			if _, err := c.Component(t.Context(), "x0"); err != nil || last != step.want {
				t.Fatalf("it went with %s instead of %s (%v)", last, step.want, err)
			}
		}
		form, err := url.ParseQuery(s.bodies[0])
		if err != nil || form.Get("grant_type") != "client_credentials" || form.Get("client_secret") != secret || form.Get("scope") != "a b" {
			t.Errorf("the identity provider was asked with %q", s.bodies[0])
		}
	})
}

func TestARefusedTokenIsReplacedOnceAndTheRequestSentAgain(t *testing.T) {
	c, s := keycloak(t, 0, issue, func(token string) *http.Response {
		if token == "token-1" {
			return problem(401, "Unauthorized", "expired")
		}
		return answer(200, `{"id":"x0"}`)
	})
	enabled := true
	if _, err := c.PatchComponent(t.Context(), "x0", bos.ComponentPatch{Enabled: &enabled}); err != nil {
		t.Fatal(err)
	}
	if last := len(s.bodies) - 1; s.bodies[last] != `{"enabled":true}` || s.asked() != 2 {
		t.Errorf("the log is %v, the last body %q", s.log, s.bodies[last])
	}
	c, s = keycloak(t, 3, issue, func(string) *http.Response { return problem(401, "Unauthorized", "never") })
	if _, err := c.Component(t.Context(), "x0"); !hasStatus(err, 401) || s.asked() != 2 {
		t.Errorf("%v after %v", err, s.log)
	}
}

func TestWithoutATokenNothingIsSentAndNothingIsSaidOfTheSecret(t *testing.T) {
	for name, c := range map[string]struct {
		answer *http.Response
		asks   int
		says   string
	}{
		"wrong secret":  {answer(401, `{"error":"unauthorized_client","error_description":"`+secret+` is wrong"}`), 1, "401 unauthorized_client"},
		"a page":        {answer(404, "<p>"+secret), 1, "answered 404"},
		"no token":      {answer(200, `{"hint":"`+secret+`"}`), 3, "without an access_token"},
		"it is ill":     {answer(503, secret), 3, "answered 503"},
		"a wrong error": {answer(400, `{"error":"`+secret+`"}`), 1, "answered 400"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := io.ReadAll(c.answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				client, s := keycloak(t, 2, func(int) *http.Response { return answer(c.answer.StatusCode, string(body)) }, func(string) *http.Response { return answer(200, "{}") })
				_, err := client.Component(t.Context(), "x0")
				var credential *CredentialError
				if !errors.As(err, &credential) || Undecided(err) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
					t.Errorf("the error is %v", err)
				}
				if s.asked() != c.asks || len(s.log) != c.asks {
					t.Errorf("the requests were %v", s.log)
				}
			})
		})
	}
}

func TestATokenFileIsReadForEachRequest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{answer: func(int, *http.Request) (*http.Response, error) { return answer(200, `{"id":"x0"}`), nil }}
	c, err := New(Config{Endpoint: "http://bos", TokenFile: file, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	for i, content := range []string{"one\n", "two"} {
		write(content)
		if _, err := c.Component(t.Context(), "x0"); err != nil || s.headers[i].Get("Authorization") != "Bearer "+strings.TrimSpace(content) {
			t.Errorf("%v with %v", err, s.headers[i])
		}
	}
	for _, content := range []string{"", "two words"} {
		write(content)
		var credential *CredentialError
		if _, err := c.Component(t.Context(), "x0"); !errors.As(err, &credential) || !strings.Contains(err.Error(), "does not hold a token") {
			t.Errorf("of %q the error is %v", content, err)
		}
	}
}

func TestCredentialsThatCannotWorkAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"a token URL that is none":      {Config{ClientCredentials: &Credentials{TokenURL: "idp", ClientID: "a", ClientSecret: "b"}}, "client_credentials: token_url is no URL"},
		"a token URL without TLS":       {Config{ClientCredentials: &Credentials{TokenURL: "http://idp.example.com/", ClientID: "a", ClientSecret: "b"}}, "use https://"},
		"a client without secret":       {Config{ClientCredentials: &Credentials{TokenURL: "https://idp.example.com/", ClientID: "a"}}, "client_secret is empty"},
		"a certificate without its key": {Config{ClientCertificate: "PEM"}, "client_key: is missing"},
		"a key without its certificate": {Config{ClientKey: "PEM"}, "client_certificate: is missing"},
		"a key that is none":            {Config{ClientCertificate: "PEM", ClientKey: secret}, "not a certificate and its key"},
	} {
		c.config.Endpoint = "https://bos"
		_, err := New(c.config)
		var setting *ConfigError
		if !errors.As(err, &setting) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
