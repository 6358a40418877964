package provider_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// repeater stands in front of a BOS and its issuer of tokens, and repeats all that it is
// sent, in one of several ways, where it is told to.
type repeater struct {
	behind   *httputil.ReverseProxy
	how      atomic.Pointer[string]
	repeated atomic.Int64
}

// repetitions are the ways to repeat a request.
var repetitions = []string{"a problem", "a text", "JSON of another shape", "what is no JSON", "a redirect", "an error of OAuth"}

func (m *repeater) show(how string) { m.how.Store(&how) }

// ServeHTTP answers as what is behind, or repeats.
func (m *repeater) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	body := string(all[strings.Index(string(all), "\r\n\r\n"):])
	text := r.Header.Get("Authorization") + " " + body + "\n" + string(all)
	m.repeated.Add(1)
	quoted, _ := json.Marshal(text)
	answer := func(status int, kind, body string) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	switch how {
	case "a problem":
		answer(http.StatusConflict, "application/problem+json", `{"title": `+string(quoted)+`, "detail": `+string(quoted)+`}`)
	case "a text":
		answer(http.StatusForbidden, "text/plain", text)
	case "JSON of another shape":
		answer(http.StatusOK, "application/json", string(quoted))
	case "what is no JSON":
		answer(http.StatusOK, "application/json", text)
	case "a redirect":
		w.Header().Set("Location", "https://127.0.0.1:1/login?"+url.Values{"with": {text}}.Encode())
		w.WriteHeader(http.StatusFound)
	default:
		answer(http.StatusUnauthorized, "application/json", `{"error": `+string(quoted)+`, "error_description": `+string(quoted)+`}`)
	}
}

// TestNothingThatTerraformPrintsOrKeepsHasASecretThatSomebodyRepeats lets BOS, and then
// the issuer of tokens, repeat what they are sent in plans and applies with the longest logs.
func TestNothingThatTerraformPrintsOrKeepsHasASecretThatSomebodyRepeats(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	endpoint, _, _ := guarded(t, fake.URL())
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var mirrors [2]*repeater
	var at [2]string
	for i := range mirrors {
		mirrors[i] = &repeater{behind: httputil.NewSingleHostReverseProxy(target)}
		mirrors[i].show("")
		server := httptest.NewServer(mirrors[i])
		t.Cleanup(server.Close)
		at[i] = server.URL
	}
	w := newProcessWorkspace(t)
	log := filepath.Join(w.dir, "terraform.log")
	w.env = append(w.env, "BOS_TOKEN_URL="+at[1]+"/token", "BOS_CLIENT_ID=boot", "BOS_CLIENT_SECRET="+clientSecret,
		"TF_LOG=TRACE", "TF_LOG_SDK=TRACE", "TF_LOG_PROVIDER_BOS=TRACE", "TF_LOG_PATH="+log)
	w.write("provider \"bos\" {\n  endpoint = \""+at[0]+"\"\n  max_retries = 0\n}\n", template("quiet"), session(rolling), component(""), "data \"bos_service\" \"b\" {}")
	printed := w.apply().out
	w.plan("-out=saved", "-replace=bos_session.boot").exits(t, 2)
	printed += w.printed("show", "-json", "saved")
	for i, m := range mirrors {
		for _, how := range repetitions {
			m.show(how)
			before := m.repeated.Load()
			printed += w.plan("-replace=bos_session.boot").out
			printed += w.apply("-refresh=false", "-replace=bos_session.boot").out
			if m.repeated.Load() == before {
				t.Errorf("mirror %d repeated nothing as %s", i, how)
			}
			m.show("")
		}
	}
	said := map[string]string{"what was printed": printed}
	err = filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		said[filepath.Base(path)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if said["terraform.log"] == "" || said["terraform.tfstate"] == "" {
		t.Errorf("there are %d things to look at, and no log or no state", len(said))
	}
	for _, secret := range []string{clientSecret, handedOut} {
		w.hides("saved", secret)
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			for where, text := range said {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s shows %s: %.400q", where, secret, text[max(0, i-300):min(len(text), i+100)])
				}
			}
		}
	}
}
