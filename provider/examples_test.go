package provider_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// use copies the .tf files of a folder of examples/ into the workspace.
func (w *workspace) use(folder string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join("../examples", folder, "*.tf"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no example was found in %s (%v)", folder, err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "import") {
			continue // importing needs something to import; see TestAnExistingSiteIsImported
		}
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		w.add(filepath.Base(file), string(content))
	}
}

// add writes a file of the configuration.
func (w *workspace) add(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheQuickstartAppliesAndRollsAChangeOut(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.use("quickstart")
	endpoint := "-var=endpoint=" + bos.URL()
	apply := w.apply(endpoint)
	apply.exits(t, 0)
	apply.says(t, `status = "complete"`, `planned = "x1000c0s[0-3]b0n0"`)
	w.plan(endpoint).exits(t, 0)

	rolled := []string{endpoint, "-var=operation=reboot", "-var=kernel_parameters=quiet console=ttyS0"}
	bos.Break("x1000c0s1b0n0")
	failed := w.apply(rolled...)
	failed.exits(t, 0)
	failed.says(t, "Check block assertion failed", "x1000c0s1b0n0", `retry_limit = "x1000c0s1b0n0"`)
	w.plan(rolled...).exits(t, 0)
	sessions(t, bos, 2)
	w.apply(append(rolled, "-destroy")...).exits(t, 0)
}

// TestTheExamplesPlan plans every example against the bundled service and its
// emulated site.
func TestTheExamplesPlan(t *testing.T) {
	t.Parallel()
	endpoint := "-var=endpoint=" + serve(t)
	for folder, args := range map[string][]string{
		"rolling-kernel-parameters": {endpoint},
		"rollout":                   {endpoint},
		"staged-upgrade":            {endpoint, "-var=apply_now=true"},
		"retry-failed-nodes":        {endpoint, "-var=retry=x1000c0s1b0n0"},
		"ci-review-pipeline":        {endpoint},
	} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.use(folder)
			planned := w.plan(args...)
			planned.exits(t, 2)
			planned.says(t, "This will")
		})
	}
}

// TestTheExamplesForOtherSitesPlan plans those that need a site of their own:
// tenants, a gateway with Keycloak, an inventory file.
func TestTheExamplesForOtherSitesPlan(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	for folder, args := range map[string][]string{
		"tenants":         {"-var=endpoint=" + bos.URL()},
		"redfish-cluster": {"-var=endpoint=" + bos.URL()},
	} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.use(folder)
			w.plan(args...).exits(t, 2)
		})
	}
}

// TestTheExampleForCSMPlansWhileNobodyAnswersOnlyWhereThatIsAskedFor: a BOS that
// does not answer may be one that can say which nodes a session touches.
func TestTheExampleForCSMPlansWhileNobodyAnswersOnlyWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.use("csm-keycloak")
	args := []string{"-var=gateway=https://127.0.0.1:1", "-var=client_secret=s", "-var=image_id=i", "-var=configuration=c"}
	planned := w.plan(args...)
	planned.exits(t, 1)
	planned.says(t, "Error: Cannot say which nodes", "require_preview = false")
	w.add("relaxed_override.tf", "provider \"bos\" {\n  require_preview = false\n}\n")
	planned = w.plan(args...)
	planned.exits(t, 2)
	planned.says(t, "Warning: Cannot say which nodes")
}

// gateway is an API gateway as CSM has one: TLS by its own CA, BOS and Keycloak
// under their paths.
func gateway(t *testing.T, behind string) (url, ca string) {
	t.Helper()
	endpoint, _, _ := guarded(t, behind)
	target, err := neturl.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/apis/bos", "/keycloak/realms/shasta/protocol/openid-connect"} {
		mux.Handle(path+"/", http.StripPrefix(path, httputil.NewSingleHostReverseProxy(target)))
	}
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, ca
}

func TestTheExampleForCSMAppliesThroughItsGatewayWithATokenOfKeycloak(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	url, ca := gateway(t, fake.URL())
	w := newWorkspace(t)
	w.use("csm-keycloak")
	args := []string{"-var=gateway=" + url, "-var=ca_file=" + ca, "-var=client_secret=" + clientSecret, "-var=image_id=i", "-var=configuration=c"}
	applied := w.apply(args...)
	applied.exits(t, 0)
	applied.says(t, "2 added", "this BOS has no previews")
	sessions(t, fake, 1)
	w.plan(args...).exits(t, 0)
	got := request(t, http.MethodGet, fake.URL()+"/v2/sessiontemplates/compute-cos")
	if !strings.Contains(got, "spire_join_token=${SPIRE_JOIN_TOKEN}") {
		t.Errorf("the template has another place for the token: %s", got)
	}
}

func TestAnExistingSiteIsImported(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	const body = `{"boot_sets":{"all":{"path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`
	for _, name := range []string{"compute", "login"} {
		put(t, bos.URL()+"/v2/sessiontemplates/"+name, body)
	}
	send(t, http.MethodPost, bos.URL()+"/v2/sessions", strings.NewReader(`{"name":"nightly","operation":"boot","template_name":"compute"}`))
	copied := func(change func(string) string) {
		for _, name := range []string{"imports.tf", "variables.tf"} {
			content, err := os.ReadFile(filepath.Join("../examples/import-existing-site", name))
			if err != nil {
				t.Fatal(err)
			}
			w.add(name, change(string(content)))
		}
	}
	endpoint := "-var=endpoint=" + bos.URL()
	copied(whileGenerating)
	w.plan(endpoint, "-generate-config-out=templates.tf").says(t, "3 to import, 0 to add, 0 to change, 0 to destroy")
	copied(strings.Clone)
	w.apply(endpoint).exits(t, 0)
	w.plan(endpoint).exits(t, 0)
	sessions(t, bos, 1)
}

func TestARetryRunsJustTheFailedNodesAndUnsettingItRunsNothing(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.use("retry-failed-nodes")
	endpoint := "-var=endpoint=" + bos.URL()
	bos.Break("x1000c0s1b0n0")
	failed := w.apply(endpoint)
	failed.exits(t, 0)
	failed.says(t, `retry_limit = "x1000c0s1b0n0"`)
	bos.Mend("x1000c0s1b0n0")
	limit := strings.TrimSpace(w.terraform("output", "-raw", "retry_limit").out)
	retried := w.apply(endpoint, "-var=retry="+limit)
	retried.exits(t, 0)
	retried.says(t, "1 added, 0 changed, 0 destroyed")
	if planned := w.attributes("bos_session.retry")["nodes"]; planned != "x1000c0s1b0n0" {
		t.Errorf("the retry acted on %v", planned)
	}
	w.apply(endpoint).says(t, "0 added, 0 changed, 1 destroyed")
	sessions(t, bos, 2)
}

// ofTheBundled are the snippets that need the bundled service, each with a site on
// which they find what they look for.
var ofTheBundled = map[string]func(t *testing.T) (endpoint string){
	"bos_nodes": func(t *testing.T) string {
		return startListed(t, `
groups: { blue: x1000c0s1b0n0 }
nodes:
  - { xnames: "x1000c0s[0-3]b0n0", role: Compute, sub_role: Gpu }
`, "").URL()
	},
	"resources/bos_component":           func(t *testing.T) string { return startListed(t, smallSite, "").URL() },
	"bos_image":                         func(t *testing.T) string { return serve(t) },
	"bos_events":                        func(t *testing.T) string { return startListed(t, smallSite, "").URL() },
	"bos_session_components":            sessionSite,
	"data-sources/bos_session":          sessionSite,
	"data-sources/bos_session_template": imageSite,
	"data-sources/bos_session_preview":  imageSite,
}

// imageSite is a bundled service that has a template whose image can be booted.
func imageSite(t *testing.T) (endpoint string) {
	url := serve(t)
	put(t, url+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"a":{"path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	return url
}

// sessionSite is a bundled service with a template and a session.
func sessionSite(t *testing.T) (endpoint string) {
	url := startListed(t, smallSite, "").URL()
	put(t, url+"/v2/sessiontemplates/compute", `{"boot_sets":{"a":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	send(t, http.MethodPost, url+"/v2/sessions", strings.NewReader(`{"name":"nightly","operation":"shutdown","template_name":"compute"}`))
	return url
}

// TestTheSnippetsOfTheDocsPlan plans what the pages of the registry show, each
// folder as one configuration.
func TestTheSnippetsOfTheDocsPlan(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	folders, err := filepath.Glob("../examples/*/*")
	if err != nil {
		t.Fatal(err)
	}
	planned := 0
	for _, folder := range folders {
		kind, name := filepath.Split(strings.TrimPrefix(folder, "../examples/"))
		if kind != "resources/" && kind != "data-sources/" && kind != "functions/" {
			continue
		}
		planned++
		t.Run(kind+name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write(providerBlock(bos))
			for _, what := range []string{name, kind + name} {
				if start := ofTheBundled[what]; start != nil {
					w.write(block(start(t)))
				}
			}
			w.use(kind + name)
			w.plan().exits(t, 2)
		})
	}
	if planned == 0 {
		t.Error("no snippet was planned")
	}
}
