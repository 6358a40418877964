package provider_test

import (
	"fmt"
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

const (
	clientSecret = "5ecret-of-the-client"
	handedOut    = "t0ken-handed-out"
)

// guarded puts an identity provider and a check of its tokens in front of a BOS.
func guarded(t *testing.T, behind string) (endpoint, tokenURL string, issued *atomic.Int32) {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	issued = new(atomic.Int32)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != clientSecret || r.FormValue("client_id") == "" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		issued.Add(1)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":300}`, handedOut)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+handedOut {
			http.Error(w, `{"title":"Unauthorized","detail":"no token"}`, http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, server.URL + "/token", issued
}

func TestCredentialsOfEveryKindOpenBOSAndAppearNowhere(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	endpoint, tokenURL, issued := guarded(t, fake.URL())
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(handedOut+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tlsEndpoint, authority, client := mutual(t, fake.URL())
	for name, setting := range map[string]string{
		"a certificate":          "ca_certificate = <<EOT\n" + authority.cert + "EOT\nclient_certificate = <<EOT\n" + client.cert + "EOT\nclient_key = <<EOT\n" + client.key + "EOT\n",
		"a token":                `token = "` + handedOut + `"`,
		"a file":                 `token_file = "` + file + `"`,
		"the environment":        "",
		"the client credentials": `client_credentials = { token_url = "` + tokenURL + `", client_id = "boot", client_secret = "` + clientSecret + `" }`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newProcessWorkspace(t)
			log := filepath.Join(w.dir, "terraform.log")
			w.env = append(w.env, "TF_LOG=TRACE", "TF_LOG_SDK=TRACE", "TF_LOG_PROVIDER_BOS=TRACE", "TF_LOG_PATH="+log)
			if setting == "" {
				w.env = append(w.env, "BOS_TOKEN="+handedOut)
			}
			endpoint := endpoint
			if name == "a certificate" {
				endpoint = tlsEndpoint
			}
			w.write("provider \"bos\" {\n endpoint = \""+endpoint+"\"\n "+setting+"\n}", "data \"bos_service\" \"b\" {}\nresource \"bos_component\" \"n\" {\n xname = \"x1000c0s0b0n0\"\n}")
			apply := w.apply()
			apply.exits(t, 0)
			plan := w.plan("-out=saved")
			planned := w.terraform("show", "-json", "saved")
			said := map[string]string{"the apply": apply.out, "the plan": plan.out, "the plan as JSON": withoutConfig(planned.out)}
			for _, name := range []string{"terraform.tfstate", "terraform.log"} {
				content, err := os.ReadFile(filepath.Join(w.dir, name))
				if err != nil {
					t.Fatal(err)
				}
				said[name] = string(content)
			}
			for where, text := range said {
				if where == "terraform.log" && !strings.Contains(text, "tf_rpc") {
					t.Error("the log has nothing of the provider")
				}
				for _, secret := range []string{handedOut, clientSecret, strings.Split(client.key, "\n")[1]} {
					if strings.Contains(text, secret) {
						t.Errorf("%s shows a secret", where)
					}
				}
			}
		})
	}
	if n := issued.Load(); n < 2 {
		t.Errorf("%d tokens were handed out", n)
	}
}

// withoutConfig leaves out the part of a plan that repeats the configuration as
// it is written.
func withoutConfig(plan string) string {
	before, _, _ := strings.Cut(plan, `"configuration":`)
	return before
}

func TestAWrongClientSecretIsNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	endpoint, tokenURL, _ := guarded(t, "http://127.0.0.1:1")
	w := newWorkspace(t)
	w.write(`provider "bos" {
  endpoint = "`+endpoint+`"
  client_credentials = { token_url = "`+tokenURL+`", client_id = "boot", client_secret = "wr0ng" }
}`, "data \"bos_service\" \"b\" {}")
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "answered 401 invalid_client", "check client_id, client_secret and scopes")
	if strings.Contains(plan.out, "wr0ng") {
		t.Errorf("the secret is shown:\n%s", plan.out)
	}
}

func TestSettingsThatExcludeEachOtherAreRefusedAtTheSetting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ settings, says string }{
		"two services":          {"endpoint = \"http://127.0.0.1:1\"\n embedded = { config = \"bos.yaml\" }", "Two services to talk to"},
		"two tokens":            {"endpoint = \"http://127.0.0.1:1\"\n token = \"a\"\n token_file = \"b\"", "More than one kind of token"},
		"a certificate alone":   {"endpoint = \"http://127.0.0.1:1\"\n client_certificate = \"a\"", "The client's certificate has no key"},
		"a key alone":           {"endpoint = \"http://127.0.0.1:1\"\n client_key = \"a\"", "The client's key has no certificate"},
		"settings twice":        {`embedded = { config = "bos.yaml", settings = "listen: x" }`, "Error: Settings twice"},
		"no settings":           {`embedded = { database = "bos.db" }`, "Error: No settings for the embedded BOS"},
		"settings of nothing":   {`embedded = { settings = yamlencode({ nothing = true }) }`, "nothing"},
		"settings that are not": {`embedded = { config = "/nowhere/bos.yaml" }`, "Unable to start the embedded BOS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.write("provider \"bos\" {\n"+c.settings+"\n}", "data \"bos_components\" \"all\" {}")
			plan := w.plan()
			plan.exits(t, 1)
			plan.says(t, c.says, "in provider \"bos\"")
		})
	}
}

func TestSettingsThatAreNotKnownAtPlanAreTolerated(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(`resource "terraform_data" "endpoint" { input = "`+fake.URL()+`" }
provider "bos" {
  endpoint = terraform_data.endpoint.output
}`, template("quiet"), session(rolling))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "the provider's settings are not known yet")
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
}

func TestAServerThatRepeatsTheTokenShowsItToNobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf(`{"title":"Unauthorized","detail":%q}`, "I do not know "+r.Header.Get("Authorization")), http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	w := newProcessWorkspace(t)
	log := filepath.Join(w.dir, "terraform.log")
	w.env = append(w.env, "BOS_TOKEN="+handedOut, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	w.write("provider \"bos\" {\n endpoint = \""+server.URL+"\"\n}", "data \"bos_service\" \"b\" {}", template("quiet"), session())
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "I do not know Bearer (hidden)")
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plan.out, handedOut) || strings.Contains(string(content), handedOut) {
		t.Error("the token is shown")
	}
}
