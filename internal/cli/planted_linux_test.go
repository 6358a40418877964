package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hostile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// mirror is an upstream that answers as the one behind it, or repeats all that it was
// sent, as debugging proxies and careless programs do.
type mirror struct {
	*httptest.Server
	behind *httputil.ReverseProxy
	how    atomic.Pointer[string]
	// repeated is the last that it was sent, count how often it repeated.
	repeated atomic.Pointer[string]
	count    atomic.Int64
}

// mirrorings are the ways to repeat a request; "" is the upstream itself.
var mirrorings = []string{"a problem", "a text", "what is no JSON", "JSON of another shape", "a redirect"}

func mirrored(t *testing.T, upstream string) (m *mirror, at string) {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	path := u.Path
	u.Path = ""
	m = &mirror{behind: httputil.NewSingleHostReverseProxy(u)}
	m.show("")
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m, m.URL + path
}

func (m *mirror) show(how string) { m.how.Store(&how) }

// ServeHTTP answers.
func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	how := *m.how.Load()
	if how == "" {
		m.behind.ServeHTTP(w, r)
		return
	}
	all, err := httputil.DumpRequest(r, true)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	// What is secret comes first: much of a long answer is repeated by nobody.
	text := r.Header.Get("Authorization") + " " + r.Header.Get("X-Amz-Security-Token") + "\n" + string(all)
	m.repeated.Store(&text)
	m.count.Add(1)
	write := func(status int, kind, body string) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	quoted, _ := json.Marshal(text)
	switch how {
	case "a problem":
		write(http.StatusInternalServerError, "application/problem+json", `{"detail": `+string(quoted)+`}`)
	case "a text":
		write(http.StatusForbidden, "text/plain", text)
	case "what is no JSON":
		write(http.StatusOK, "application/json", "{"+text)
	case "a redirect":
		w.Header().Set("Location", "https://elsewhere.example/login?token="+url.QueryEscape(r.Header.Get("Authorization")))
		w.WriteHeader(http.StatusFound)
	default:
		write(http.StatusOK, "application/json", string(quoted))
	}
}

// secrets are planted, each in a place of its own.
var secrets = map[string]string{
	"TEST_HSM_TOKEN":     "planted-hsm-t0ken",
	"TEST_BSS_TOKEN":     "planted-bss-t0ken",
	"TEST_CFS_TOKEN":     "planted-cfs-t0ken",
	"TEST_NEXT_PASSWORD": "planted/next+passw0rd",
	"TEST_S3_SESSION":    "planted-s3ssion",
	"AWS_SECRET_KEY":     "planted-envir0nment",
}

// said is what was said where.
type said map[string]string

// shows tells where a secret is shown, as it is or as it travels.
func (s said) shows(t *testing.T, what, secret string) {
	t.Helper()
	for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("root:" + secret))} {
		for where, text := range s {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s shows %s: %.300q", where, what, text[max(0, at-200):min(len(text), at+len(form))])
			}
		}
	}
}

// asks sends a request as it is written and keeps the answer.
func (s said) asks(t *testing.T, method, target, body string, headers ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	authorize(req)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	_ = res.Header.Write(&head) // into memory
	s[fmt.Sprintf("the answer %d of %s %s (%d)", res.StatusCode, method, req.URL.Path, len(s))] = head.String() + string(text)
}

// keeper is a site whose secrets are planted, with what was said there.
type keeper struct {
	*process
	said
	config  string
	mirrors []*mirror
	planted map[string]string
}

func plantedSite(t *testing.T) (keeper, *emulator.Server) {
	t.Helper()
	dir := t.TempDir()
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: 4, PowerTime: 20 * time.Millisecond, BootTime: 50 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: filepath.Join(dir, "room"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = room.Close() }) // the test is over
	e := room.Endpoints()
	k := keeper{said: make(said), planted: map[string]string{"the secret key of S3": e.SecretKey, "the password of the BMCs": e.Password}}
	at := make([]string, 4)
	for i, upstream := range []string{e.HSM, e.BSS, e.CFS, e.S3} {
		var m *mirror
		m, at[i] = mirrored(t, upstream)
		k.mirrors = append(k.mirrors, m)
	}
	tokens := filepath.Join(dir, "tokens.yaml")
	printed, _ := run(t, tokenCommand(), "make", "ci", "--role", "reader", "--file", tokens)
	k.planted["a token of the site"] = strings.TrimSpace(printed)
	k.config = settingsFile(t, fmt.Sprintf(`
inventory: { hsm: { url: %q, token_env: TEST_HSM_TOKEN } }
power: { redfish: { ca_file: %q, sessions: true, credentials: { user: %s, password_env: TEST_BMC_PASSWORD }, next_password_env: TEST_NEXT_PASSWORD } }
boot_parameters: { bss: { url: %q, token_env: TEST_BSS_TOKEN } }
configuration: { cfs: { url: %q, token_env: TEST_CFS_TOKEN } }
artifacts: { s3: { endpoint: %q, access_key_env: TEST_S3_KEY, secret_key_env: TEST_S3_SECRET, session_token_env: TEST_S3_SESSION } }
auth: { tokens_file: %q }
`, at[0], e.CAFile, e.User, at[1], at[2], at[3], tokens))
	env := []string{"TEST_BMC_PASSWORD=" + e.Password, "TEST_S3_KEY=" + e.AccessKey, "TEST_S3_SECRET=" + e.SecretKey}
	for name, value := range secrets {
		env = append(env, name+"="+value)
		k.planted[name] = value
	}
	database := filepath.Join(dir, "bos.db")
	k.process = &process{t: t, database: database, env: env, args: []string{"serve", "--config", k.config, "--listen", "127.0.0.1:0", "--database", database}}
	k.start()
	t.Cleanup(k.kill)
	k.planted["the token of this machine"] = localtoken.Find(k.url)
	room.SetBOS(k.url)
	call(t, http.MethodPatch, k.url+"/v2/options", map[string]any{"logging_level": "DEBUG"}, nil)
	call(t, http.MethodPut, k.url+"/v2/sessiontemplates/compute", computeTemplate, nil)
	discovered(t, k.url, 4)
	return k, room
}

// command keeps what a command says beside the service.
func (k keeper) command(t *testing.T, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(append(os.Environ(), asCommand+"=1"), k.env...)
	out, err := c.CombinedOutput()
	k.said[fmt.Sprintf("the command %s (%d)", args[0], len(k.said))] = fmt.Sprintf("%s %v", out, err)
}

// errs goes the ways on which things go wrong, with upstreams that repeat what they get.
func (k keeper) errs(t *testing.T, how string) {
	t.Helper()
	for _, m := range k.mirrors {
		m.show(how)
	}
	const image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
	k.asks(t, http.MethodPost, k.url+"/x/v1/previews", `{"template_name": "compute", "operation": "reboot"}`)
	k.asks(t, http.MethodGet, k.url+"/x/v1/nodes", "")
	k.asks(t, http.MethodGet, k.url+"/x/v1/images?path="+url.QueryEscape(image), "")
	k.asks(t, http.MethodGet, k.url+"/v2/sessiontemplatesvalid/compute", "")
	k.command(t, "check", "--config", k.config, "--database", k.database, "--listen", "127.0.0.1:0", "--image", image)
	// A session that is set up, and whose boot parameters are refused for a while.
	name := "broken-" + strings.ReplaceAll(strings.ToLower(how), " ", "-")
	for _, m := range k.mirrors {
		m.show("")
	}
	before := k.mirrors[1].count.Load()
	k.mirrors[1].show(how)
	k.asks(t, http.MethodPost, k.url+"/v2/sessions", fmt.Sprintf(`{"name": %q, "template_name": "compute", "operation": "reboot"}`, name))
	until(func() bool { return k.mirrors[1].count.Load() > before })
	k.asks(t, http.MethodGet, k.url+"/v2/components", "")
	k.mirrors[1].show("")
	complete(t, k.url, name)
	k.asks(t, http.MethodGet, k.url+"/x/v1/sessions/"+name+"/status", "")
}

// TestNoSecretIsShownAnywhere plants a secret in each place that has one, lets all go well
// and wrong with the log at its longest, and searches everything that was said.
func TestNoSecretIsShownAnywhere(t *testing.T) {
	t.Parallel()
	k, _ := plantedSite(t)
	session(t, k.process, "boot", "boot")
	complete(t, k.url, "boot")
	for _, how := range mirrorings {
		k.errs(t, how)
	}
	for i, name := range []string{"TEST_HSM_TOKEN", "TEST_BSS_TOKEN", "", "TEST_S3_SESSION"} { // or nothing was tried
		if name == "" {
			continue // no node of these wants a configuration
		}
		if text := k.mirrors[i].repeated.Load(); text == nil || !strings.Contains(*text, secrets[name]) {
			t.Errorf("%s was never repeated", name)
		}
	}
	k.strangers(t)
	k.reads(t)
	for _, args := range [][]string{{"export", "--endpoint", k.url, "-o", filepath.Join(t.TempDir(), "out")}, {"token", "list", "--file", "none"}, {"version"}} {
		k.command(t, args...)
	}
	copied := filepath.Join(t.TempDir(), "backup.db")
	k.command(t, "backup", "--database", k.database, "-o", copied)
	for what, file := range map[string]string{"the database": k.database, "its log": k.database + "-wal", "a backup": copied} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		k.said[what] = string(content)
	}
	k.said["the log"] = k.log.all()
	if !strings.Contains(k.said["the log"], `"level":"DEBUG"`) {
		t.Error("the log has no line of debugging")
	}
	for what, secret := range k.planted {
		k.shows(t, what, secret)
	}
}

// strangers ask with proofs of other kinds, in places where none belongs.
func (k keeper) strangers(t *testing.T) {
	t.Helper()
	for what, secret := range map[string]string{
		"a wrong token": "planted-wr0ng-bearer", "a token in a query": "planted-qu3ry", "a password in a request": "planted-b4sic", "a cookie": "planted-c00kie",
		"a signature of a link": "planted-s1gnature", "a member that is none": "planted-m3mber",
	} {
		k.planted[what] = secret
	}
	k.asks(t, http.MethodGet, k.url+"/v2/components", "", "Authorization", "Bearer planted-wr0ng-bearer")
	k.asks(t, http.MethodPatch, k.url+"/v2/options", "{}", "Authorization", "Bearer planted-wr0ng-bearer")
	k.asks(t, http.MethodGet, k.url+"/v2/components?access_token=planted-qu3ry", "")
	k.asks(t, http.MethodPatch, k.url+"/v2/options?access_token=planted-qu3ry", "{}", "Origin", "https://evil.example")
	k.asks(t, http.MethodGet, k.url+"/v2/sessions", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("root:planted-b4sic")))
	k.asks(t, http.MethodGet, k.url+"/v2/none", "", "Cookie", "session=planted-c00kie")
	for _, path := range []string{
		"https://user:planted-s1gnature@store.example/k/manifest.json", "https://store.example/k/manifest.json?X-Amz-Signature=planted-s1gnature",
		"s3://boot-images/none/manifest.json?X-Amz-Signature=planted-s1gnature",
	} {
		k.asks(t, http.MethodGet, k.url+"/x/v1/images?path="+url.QueryEscape(path), "")
	}
	k.asks(t, http.MethodPut, k.url+"/v2/sessiontemplates/broken", `{"password": "planted-m3mber", "boot_sets": 17}`)
	k.asks(t, http.MethodPatch, k.url+"/v2/components/x1000c0s0b0n0", `{"enabled": "planted-m3mber"}`)
}

// reads asks for all that can be read.
func (k keeper) reads(t *testing.T) {
	t.Helper()
	_, document := get(t, k.url+"/openapi.yaml")
	routes, err := hostile.Routes([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(routes, hostile.Route{Method: http.MethodGet, Path: "/x/v1/events?limit=10000"}) {
		if r.Method != http.MethodGet {
			continue
		}
		name := "broken-a-text"
		if strings.Contains(r.Path, "template") {
			name = "compute"
		}
		path := strings.NewReplacer("{name}", name, "{id}", "x1000c0s0b0n0", "{set}", "compute", "{phase}", "boot", "{category}", "in_progress", "{pin}", "none").Replace(r.Path)
		k.asks(t, http.MethodGet, k.url+path, "")
	}
	var events struct {
		Events []bos.Event `json:"events"`
	}
	call(t, http.MethodGet, k.url+"/x/v1/events?limit=10000", nil, &events)
	if len(events.Events) == 0 {
		t.Error("there are no events to look at")
	}
}
