package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const exposeGuide = repository + "docs/guides/who-may-do-what.md"

func TestTheSettingsOfTheGuideForNetworksAreTaken(t *testing.T) {
	settings := blocks(t, exposeGuide, "yaml")
	if len(settings) != 4 {
		t.Fatalf("%d settings, want one for each section", len(settings))
	}
	for _, text := range settings {
		c, err := config.Parse("the guide", text)
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		if !c.TLS.On() || len(c.Names) == 0 || c.Auth.TokensFile == "" && len(c.Auth.OIDC) == 0 {
			t.Errorf("without TLS, a name or a proof:\n%s", text)
		}
	}
}

// exposed is a site that follows the guide in a folder of its own.
type exposed struct {
	t      *testing.T
	dir    string
	tokens map[string]string
}

// here is a text of the guide with the paths of the test, and a port that is free.
func (e *exposed) here(text string) string {
	return strings.NewReplacer("/etc/bos/tls.crt", filepath.Join(e.dir, "cert.pem"), "/etc/bos/tls.key", filepath.Join(e.dir, "key.pem"),
		"/var/lib/bos/", e.dir+"/", "0.0.0.0:8770", "127.0.0.1:0").Replace(text)
}

// serves runs the service with settings of the guide.
func (e *exposed) serves(settings string) *process {
	e.t.Helper()
	database := filepath.Join(e.t.TempDir(), "bos.db")
	p := &process{t: e.t, database: database, args: []string{"serve", "--config", settingsFile(e.t, e.here(settings)), "--database", database}}
	p.start()
	e.t.Cleanup(p.kill)
	return p
}

// asks is the status of a request to the service at its name, whose certificate is checked.
func (e *exposed) asks(p *process, name, method, path, client string) int {
	e.t.Helper()
	at, err := url.Parse(p.url)
	if err != nil || at.Scheme != "https" {
		e.t.Fatalf("it is served at %q: %v", p.url, err)
	}
	pem, err := os.ReadFile(filepath.Join(e.dir, "cert.pem"))
	if err != nil {
		e.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "bos.example"},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, at.Host)
		},
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(e.t.Context(), method, "https://"+net.JoinHostPort(name, at.Port())+path, strings.NewReader(`{"polling_frequency": 15}`))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if client != "" {
		r.Header.Set("Authorization", "Bearer "+e.tokens[client])
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		e.t.Error(err)
	}
	return res.StatusCode
}

// exposing is a site with the tokens that the commands of the guide make.
func exposing(t *testing.T) *exposed {
	t.Helper()
	e := &exposed{t: t, dir: t.TempDir(), tokens: map[string]string{}}
	pair(t, e.dir, "bos.example")
	for _, words := range commandsOf(t, exposeGuide) {
		for i := range words {
			words[i] = e.here(words[i])
		}
		printed, status := run(t, rootCommand("0"), words...)
		if status != 0 {
			t.Fatalf("%q ended with %d:\n%s", words, status, printed)
		}
		if i := slices.Index(words, "make"); i >= 0 {
			e.tokens[words[i+1]] = strings.TrimSpace(printed)
		}
	}
	if len(e.tokens) != 2 {
		t.Fatalf("the guide makes %d tokens, want those of ci and ops", len(e.tokens))
	}
	return e
}

func TestTheGuideForNetworksLeadsToTLSAndTokens(t *testing.T) {
	t.Parallel()
	e := exposing(t)
	p := e.serves(blocks(t, exposeGuide, "yaml")[0])
	for _, c := range []struct {
		name, method, path, client string
		status                     int
	}{
		{"bos.example", "GET", "/v2/components", "ci", 200},
		{"bos.example", "PATCH", "/v2/options", "ci", 403},
		{"bos.example", "GET", "/v2/components", "", 401},
		{"bos.example", "PATCH", "/v2/options", "ops", 200},
		{"another.example", "GET", "/v2/components", "ci", 421},
	} {
		if got := e.asks(p, c.name, c.method, c.path, c.client); got != c.status {
			t.Errorf("%+v: %d", c, got)
		}
	}
	page := read(t, exposeGuide)
	for _, status := range []int{200, 403} {
		if !strings.Contains(page, fmt.Sprintf("    # %d\n", status)) {
			t.Errorf("the guide has no command that is answered %d", status)
		}
	}
}

func TestTheGuideForNetworksLeadsFromShadowToEnforce(t *testing.T) {
	t.Parallel()
	e := exposing(t)
	settings := blocks(t, exposeGuide, "yaml")[3]
	shadow := e.serves(settings)
	named := func(what string) int { n, _ := shadow.log.count(what); return n }
	// What it says of a request may come after its answer.
	says := func(what string) bool {
		return shadow.log.wait(what, 0, func() bool { return t.Context().Err() != nil })
	}
	const refused = "a request would be refused; auth.mode is shadow, so it passes"
	if got := e.asks(shadow, "bos.example", "PATCH", "/v2/options", "ops"); got != 200 || named(refused) > 0 {
		t.Errorf("who may: %d, and the log names them %d times", got, named(refused))
	}
	for client, cause := range map[string]string{"ci": `"\"ci\" may not change options`, "": `"the request does not show who sends it`} {
		if got := e.asks(shadow, "bos.example", "PATCH", "/v2/options", client); got != 200 || !says(`"cause":`+cause) || named(`"cause":`+cause) != 1 {
			t.Errorf("%q passes with %d, and the log names it %d times:\n%s", client, got, named(`"cause":`+cause), shadow.log.all())
		}
	}
	if !strings.Contains(read(t, exposeGuide), refused) {
		t.Error("the guide shows another line than the log has")
	}
	enforce := e.serves(strings.Replace(settings, "mode: shadow", "mode: enforce", 1))
	for client, want := range map[string]int{"": 401, "ci": 403, "ops": 200} {
		if got := e.asks(enforce, "bos.example", "PATCH", "/v2/options", client); got != want {
			t.Errorf("enforced, a change by %q is answered %d, want %d", client, got, want)
		}
	}
}
