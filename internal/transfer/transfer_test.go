package transfer_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/transfer"
)

// site is a real API over a database of its own.
type site struct {
	t      *testing.T
	client *client.Client
	writes []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t}
	handler := access.Open(api.New(api.Config{Store: store, Tenants: tenants{}}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.client, err = client.New(client.Config{Endpoint: server.URL}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) plan(tenant string, paths ...string) ([]transfer.Step, transfer.Input) {
	s.t.Helper()
	in, err := transfer.Read(paths, tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	steps, err := transfer.Plan(s.t.Context(), s.client, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return steps, in
}

func (s *site) apply(steps []transfer.Step) {
	s.t.Helper()
	if err := transfer.Apply(s.t.Context(), s.client, steps, func(transfer.Step) {}); err != nil {
		s.t.Fatal(err)
	}
}

func lines(steps []transfer.Step) []string {
	var all []string
	for _, s := range steps {
		all = append(all, s.String())
	}
	return all
}

// file writes a file; value is text, or a value for JSON.
func file(t *testing.T, dir, name string, value any) string {
	t.Helper()
	text, isText := value.(string)
	if !isText {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type object = map[string]any

func template(name string, more object) object {
	t := object{"name": name, "boot_sets": object{"compute": object{
		"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	for k, v := range more {
		t[k] = v
	}
	return t
}

func TestAnExportIsImportedElsewhereAndThenIsTheSame(t *testing.T) {
	from, to := newSite(t), newSite(t)
	steps, _ := from.plan("", file(t, t.TempDir(), "list.json", []object{template("a", object{"cfs": object{"configuration": "c"}}), template("b", object{"tenant": "blue"})}))
	from.apply(steps)
	seconds := 77
	if _, err := from.client.PatchOptions(t.Context(), bos.OptionsPatch{MaxBootWaitTime: &seconds}); err != nil {
		t.Fatal(err)
	}
	data, err := transfer.Export(t.Context(), from.client)
	if err != nil {
		t.Fatal(err)
	}
	exported := file(t, t.TempDir(), "export.json", data)
	steps, in := to.plan("", exported)
	want := []string{"change  options: max_boot_wait_time", `create  template "a"`, `create  template "b" of tenant "blue"`}
	if got := lines(steps); !slices.Equal(got, want) || len(in.Dropped) != 0 {
		t.Errorf("%q, dropped %q", got, in.Dropped)
	}
	if len(to.writes) != 0 {
		t.Errorf("the plan wrote %v", to.writes)
	}
	to.apply(steps)
	steps, _ = to.plan("", exported)
	if got := lines(steps); !slices.Equal(got, []string{"same    options", `same    template "a"`, `same    template "b" of tenant "blue"`}) {
		t.Errorf("after the import: %q", got)
	}
	writes := len(to.writes)
	to.apply(steps)
	if len(to.writes) != writes {
		t.Errorf("what is the same was written: %v", to.writes[writes:])
	}
}

func TestTheFilesOfTheExportScriptsAreRead(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	one := template("", object{
		"tenant": nil, "cfs": object{"configuration": "c", "branch": "main", "clone_url": nil},
		"links": []object{{"rel": "self", "href": "/v2/sessiontemplates/one"}},
	})
	delete(one, "name")
	one["boot_sets"].(object)["compute"].(object)["boot_ordinal"] = 1
	one["boot_sets"].(object)["compute"].(object)["name"] = "compute"
	file(t, dir, "one.json", one)
	file(t, dir, "two.JSON", template("two", nil))
	file(t, dir, "README.txt", "no template")
	if err := os.Mkdir(filepath.Join(dir, "more.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	list := file(t, t.TempDir(), "list.json", []object{template("three", nil)})
	options := file(t, t.TempDir(), "options.json", object{"default_retry_policy": 5, "disable_components_on_completion": true, "links": []any{}, "logging_level": nil})
	steps, in := s.plan("", dir, list, options)
	want := []string{"change  options: default_retry_policy", `create  template "one"`, `create  template "two"`, `create  template "three"`}
	if got := lines(steps); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	dropped := strings.Join(in.Dropped, "\n")
	for _, what := range []string{"one.json: links", "one.json: cfs.branch is of BOS v1", "one.json: boot_sets.compute.boot_ordinal", "options.json: disable_components_on_completion is no option", "options.json: links"} {
		if !strings.Contains(dropped, what) {
			t.Errorf("it is not said that %s is dropped: %s", what, dropped)
		}
	}
	if len(in.Dropped) != 5 {
		t.Errorf("dropped %q", in.Dropped)
	}
	s.apply(steps)
	stored, err := s.client.Template(t.Context(), "one")
	if err != nil || stored.CFS.Configuration != "c" {
		t.Errorf("%+v, %v", stored, err)
	}
}

// exported is what the export script of CSM 1.5 and later writes, by name.
func exported() map[string]any {
	return map[string]any{
		"v2/components.json":       []object{{"id": "x1c0s1b0n0", "actual_state": object{}, "desired_state": object{"configuration": "c"}, "enabled": false}},
		"v2/options.json":          object{"max_boot_wait_time": 77, "logging_level": "INFO"},
		"v2/sessions.json":         []object{{"name": "s", "operation": "boot", "template_name": "a", "status": object{"status": "complete"}}},
		"v2/sessiontemplates.json": []object{template("a", object{"tenant": nil}), template("b", object{"tenant": "blue", "enable_cfs": true})},
		"v2/version.json":          object{"major": "2", "minor": "50", "patch": "0", "links": []any{}},
		"v1/sessiontemplate.json":  []object{template("a", nil)},
	}
}

func TestAnExportOfCSMIsReadAsItsArchiveOrUnpacked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bos-export-20260102030405-abc")
	for _, sub := range []string{"v1", "v2"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range exported() {
		file(t, dir, name, value)
	}
	archive := archived(t, dir)
	for _, path := range []string{dir, filepath.Join(dir, "v2"), archive} {
		s := newSite(t)
		steps, in := s.plan("", path)
		want := []string{"change  options: max_boot_wait_time", `create  template "a"`, `create  template "b" of tenant "blue"`}
		if got := lines(steps); !slices.Equal(got, want) {
			t.Errorf("%s: %q", path, got)
		}
		dropped := strings.Join(in.Dropped, "\n")
		for _, what := range []string{"components.json: holds components", "sessions.json: holds sessions", "version.json: holds the version"} {
			if !strings.Contains(dropped, what) {
				t.Errorf("%s: it is not said that %s: %s", path, what, dropped)
			}
		}
	}
	half := filepath.Join(t.TempDir(), "half.tgz")
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{half: string(text[:len(text)/2]), filepath.Join(t.TempDir(), "none.tar.gz"): "no archive"} {
		path := file(t, filepath.Dir(name), filepath.Base(name), content)
		if _, err := transfer.Read([]string{path}, ""); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := transfer.Read([]string{filepath.Join(dir, "v2", "components.json")}, ""); err == nil || !strings.Contains(err.Error(), "no template and no options") {
		t.Errorf("components alone: %v", err)
	}
}

// archived packs a directory as tar -czf does.
func archived(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), filepath.Base(dir)+".tgz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	packed := gzip.NewWriter(f)
	members := tar.NewWriter(packed)
	err = errors.Join(members.AddFS(os.DirFS(filepath.Dir(dir))), members.Close(), packed.Close(), f.Close())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAChangeNamesTheMembersThatChange(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	steps, _ := s.plan("", file(t, dir, "a.json", template("a", nil)))
	s.apply(steps)
	changed := template("a", object{"description": "new"})
	changed["boot_sets"].(object)["compute"].(object)["kernel_parameters"] = "quiet"
	steps, _ = s.plan("", file(t, dir, "a.json", changed))
	if got := lines(steps); !slices.Equal(got, []string{`change  template "a": boot_sets.compute.kernel_parameters, description`}) {
		t.Errorf("%q", got)
	}
	s.apply(steps)
	if stored, err := s.client.Template(t.Context(), "a"); err != nil || stored.BootSets["compute"].KernelParameters != "quiet" {
		t.Errorf("%+v, %v", stored, err)
	}
}

func TestAWrongInputNamesAllThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	bad := template("bad", nil)
	bad["boot_sets"].(object)["compute"].(object)["path"] = ""
	paths := []string{
		file(t, dir, "list.json", []any{template("a", nil), bad, 7, template("a", nil), template("unknown", object{"nodes": 1}), template("kind", object{"description": 1})}),
		file(t, dir, "text.json", "no json"),
		file(t, dir, "twice.json", `{"name":"x","name":"y","boot_sets":{}}`),
		file(t, dir, "number.json", 7),
		file(t, dir, "other.json", object{"id": "x"}),
		file(t, dir, "options.json", object{"default_retry_policy": -1}),
		file(t, dir, "export.json", object{"session_templates": 1, "options": 2, "extra": 3}),
		file(t, dir, "red.json", template("red", object{"tenant": "red"})),
	}
	_, err := transfer.Read(paths, "blue")
	if err == nil {
		t.Fatal("it was read")
	}
	for _, words := range []string{
		`list.json[1]: template "bad": boot_sets.compute.path`, "list.json[2] is no session template", `list.json[3]: template "a" is also in`,
		"list.json[4]: /nodes is no member", "list.json[5]: /description is not what", "text.json is no JSON", "twice.json is no JSON", "number.json is neither",
		"other.json is neither", "options.json: default_retry_policy", "session_templates is no list", "options is no object", `"extra" is no member`,
		`red.json: template "red" is of tenant "red", not of "blue"`,
	} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("it does not say %q:\n%v", words, err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none.json"), t.TempDir()} {
		if _, err := transfer.Read([]string{path}, ""); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestWhatTheServiceWouldRefuseIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	nid := template("nid", nil)
	nid["boot_sets"].(object)["compute"].(object)["node_list"] = []string{"nid000001"}
	in, err := transfer.Read([]string{file(t, dir, "list.json", []object{template("a", nil), nid}), file(t, dir, "options.json", object{"reject_nids": true})}, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = transfer.Plan(t.Context(), s.client, in)
	if err == nil || !strings.Contains(err.Error(), `list.json[1]: template "nid"`) || !strings.Contains(err.Error(), "reject_nids") || len(s.writes) != 0 {
		t.Errorf("%v; written %v", err, s.writes)
	}
}

func TestTemplatesWithoutATenantGoToTheOneThatIsNamed(t *testing.T) {
	s := newSite(t)
	steps, _ := s.plan("red", file(t, t.TempDir(), "a.json", template("a", nil)))
	s.apply(steps)
	if _, err := s.client.Template(t.Context(), "a"); !client.IsNotFound(err) {
		t.Errorf("without a tenant: %v", err)
	}
	if stored, err := s.client.ForTenant("red").Template(t.Context(), "a"); err != nil || bos.TenantOf(stored.Tenant) != "red" {
		t.Errorf("%+v, %v", stored, err)
	}
}

func TestAnImportThatStopsSaysWhatIsWritten(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	steps, _ := s.plan("", file(t, dir, "a.json", template("a", nil)), file(t, dir, "b.json", template("b", object{"tenant": "blue"})))
	unknown, _ := s.plan("nobody", file(t, dir, "c.json", template("c", nil)))
	steps = slices.Insert(steps, 1, unknown...)
	err := transfer.Apply(t.Context(), s.client, steps, func(transfer.Step) {})
	if err == nil || !strings.Contains(err.Error(), `template "c" of tenant "nobody" was not written, 1 before it were`) {
		t.Errorf("%v", err)
	}
}

func TestAnImportWhoseRequestGotNoAnswerDoesNotSayThatNothingWasWritten(t *testing.T) {
	s := newSite(t)
	steps, _ := s.plan("", file(t, t.TempDir(), "t.json", []object{template("a", nil)}))
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>upstream timed out</html>", http.StatusGatewayTimeout)
	}))
	defer gateway.Close()
	c, err := client.New(client.Config{Endpoint: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = transfer.Apply(t.Context(), c, steps, func(transfer.Step) {})
	if err == nil || !strings.Contains(err.Error(), `template "a" may or may not be written, 0 before it were`) {
		t.Errorf("the error is %v", err)
	}
}
