package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
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

func TestTheTokenOfThisMachineIsSentToTheServiceThatLeftItAlone(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("RUNTIME_DIRECTORY", "")
	token := localtoken.New()
	if _, err := localtoken.Leave("127.0.0.1:8770", token); err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]string{
		"http://localhost:8770": "127.0.0.1:8770", "http://LocalHost:8770/apis/bos": "127.0.0.1:8770", "http://127.0.0.1:8770": "127.0.0.1:8770", "http://[::1]:8770": "[::1]:8770", "http://bos.example:8770": "bos.example:8770",
	} {
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		var dialled string
		_, _ = dialService(endpoint, func(_ context.Context, _, address string) (net.Conn, error) {
			dialled = address
			return nil, errors.New("none")
		})(t.Context(), "tcp", u.Host)
		if dialled != want {
			t.Errorf("%s connects to %s, want %s", endpoint, dialled, want)
		}
		sent, err := (&localTokens{endpoint: endpoint}).token(t.Context())
		if err != nil || (sent != "") != (dialled == "127.0.0.1:8770") {
			t.Errorf("%s at %s is sent %q, %v", endpoint, dialled, sent, err)
		}
	}
}

func TestARefusalSaysWhichTokenWasSentAndTheWayOut(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	t.Setenv("RUNTIME_DIRECTORY", "")
	left, err := localtoken.Leave("127.0.0.1:8770", localtoken.New())
	if err != nil {
		t.Fatal(err)
	}
	spoiled, err := localtoken.Leave("127.0.0.1:8771", localtoken.New())
	if err == nil {
		err = os.Chmod(spoiled, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("stale"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings Config
		says     []string
	}{
		"a token of the settings":            {Config{Endpoint: "http://bos", Token: "wrong"}, []string{"token of the setting token, or of BOS_TOKEN, was sent; give another one"}},
		"one where the service has left one": {Config{Endpoint: "http://127.0.0.1:8770", Token: "wrong"}, []string{"BOS_TOKEN", "or none, and the one that the service has left in " + left + " is taken"}},
		"a file":                             {Config{Endpoint: "http://bos", TokenFile: file}, []string{"the token in " + file, "BOS_TOKEN_FILE"}},
		"one that a service left":            {Config{Endpoint: "http://127.0.0.1:8770"}, []string{"the token of " + left, "ran here before", "BOS_TOKEN"}},
		"one that others may write":          {Config{Endpoint: "http://127.0.0.1:8771"}, []string{"no token was sent", spoiled + " can be written by others", "as the user of the service", "BOS_TOKEN"}},
		"none that a service left":           {Config{Endpoint: "http://127.0.0.1:8772"}, []string{"no token was sent", "token-8772: no such file", "BOS_TOKEN"}},
		"none, for a service of elsewhere":   {Config{Endpoint: "http://bos"}, []string{"no token was sent; give one in token or BOS_TOKEN"}},
		"one of an identity provider":        {Config{Endpoint: "http://bos", ClientCredentials: &Credentials{TokenURL: "https://idp/token", ClientID: "boot", ClientSecret: secret}}, []string{"https://idp/token", `client_id "boot"`, "was sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.settings.Transport = &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
				if r.URL.Host == "idp" {
					return issue(1), nil
				}
				return problem(401, "Unauthorized", "who asks?"), nil
			}}
			from, err := New(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			_, err = from.Component(t.Context(), "x0")
			if !hasStatus(err, 401) {
				t.Fatal(err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %s", text, err)
				}
			}
		})
	}
}
