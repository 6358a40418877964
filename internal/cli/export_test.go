package cli

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/transfer"
)

// command runs one command and returns what it prints.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := &cobra.Command{Use: "test", SilenceUsage: true, SilenceErrors: true}
	c.AddCommand(exportCommand(), importCommand(), migrateCommand())
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

const oneTemplate = `[{"name":"t1","tenant":null,"links":[],"boot_sets":{"compute":{"path":"s3://b/m","type":"s3","node_roles_groups":["Compute"]}}}]`

func TestTemplatesAreImportedAndExported(t *testing.T) {
	t.Parallel()
	url, dir := start(t), t.TempDir()
	list := filepath.Join(dir, "templates.json")
	if err := os.WriteFile(list, []byte(oneTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := command(t, append(args, "--endpoint", url)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	out := run("import", "--dry-run", list)
	if !strings.Contains(out, `create  template "t1"`) || !strings.Contains(out, "links is written by the service") || !strings.Contains(out, "nothing was written") {
		t.Errorf("the plan is %s", out)
	}
	if status := call(t, http.MethodGet, url+"/v2/sessiontemplates/t1", nil, nil); status != http.StatusNotFound {
		t.Errorf("after the plan the template answers %d", status)
	}
	if out := run("import", list); !strings.Contains(out, "created 1, changed 0, the same 0") {
		t.Errorf("the import says %s", out)
	}
	file := filepath.Join(dir, "export.json")
	if out := run("export", "-o", file); !strings.Contains(out, "1 templates and the options are in "+file) {
		t.Errorf("the export says %s", out)
	}
	if out := run("import", file); !strings.Contains(out, "created 0, changed 0, the same 2") {
		t.Errorf("what was exported is not the same: %s", out)
	}
	var data transfer.Data
	if err := json.Unmarshal([]byte(run("export")), &data); err != nil || len(data.Templates) != 1 || data.Options == nil {
		t.Errorf("%+v, %v", data, err)
	}
}

func TestCommandsSayWhatIsWrong(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`[{"name":"t1"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, words string }{
		{"export --endpoint ftp://x", "--endpoint: "},
		{"import --endpoint http://127.0.0.1:1 " + bad, "nothing was written: " + bad},
		{"import --endpoint http://127.0.0.1:1 --ca-certificate /none " + bad, "--ca-certificate"},
		{"migrate --database /none/bos.db", "/none/bos.db"},
	} {
		if _, err := command(t, strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

func TestADatabaseIsMigratedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bos.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := command(t, "migrate", "--database", file)
	if err != nil || !strings.HasPrefix(first, file+" has version ") {
		t.Errorf("%q, %v", first, err)
	}
	if again, err := command(t, "migrate", "--database", file); err != nil || again != first {
		t.Errorf("%q, %v", again, err)
	}
}

func TestACommandThatIsToldOfNoServiceSaysHowToNameOne(t *testing.T) {
	t.Setenv("BOS_ENDPOINT", "")
	for _, args := range [][]string{{"export", "-o", filepath.Join(t.TempDir(), "x.json")}, {"import", "--dry-run", "x.json"}} {
		_, err := command(t, args...)
		if err == nil || !strings.Contains(err.Error(), "nothing says which BOS is meant") || !strings.Contains(err.Error(), "BOS_ENDPOINT") {
			t.Errorf("%v says %v", args, err)
		}
	}
}

func TestCommandsTakeTheFilesOfTokenAndCAFromTheEnvironmentAsTheProviderDoes(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of-the-file" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		said, ok := map[string]string{"/v2/sessiontemplates": "[]", "/v2/options": `{"max_boot_wait_time":1200}`}[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, said)
	}))
	defer server.Close()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("BOS_ENDPOINT", server.URL)
	t.Setenv("BOS_TOKEN", "")
	t.Setenv("BOS_TOKEN_FILE", write("token", []byte("of-the-file\n")))
	t.Setenv("BOS_CA_CERTIFICATE_FILE", write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	out, err := command(t, "export", "-o", filepath.Join(dir, "export.json"))
	if err != nil {
		t.Errorf("the export says %s (%v)", out, err)
	}
}

func TestTheHistoryIsExportedAsAnAudit(t *testing.T) {
	t.Parallel()
	url, dir := start(t), t.TempDir()
	list := filepath.Join(dir, "templates.json")
	if err := os.WriteFile(list, []byte(oneTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	if printed, status := run(t, importCommand(), list, "--endpoint", url); status != 0 {
		t.Fatal(printed)
	}
	file := filepath.Join(dir, "history")
	if printed, status := run(t, auditCommand(), "--endpoint", url, "-o", file); status != 0 || printed != "" {
		t.Fatal(printed)
	}
	first, err := os.ReadFile(file)
	if lines := strings.Split(strings.TrimSpace(string(first)), "\n"); err != nil || len(lines) != 1 || !strings.Contains(lines[0], `"kind":"template_stored"`) || !strings.Contains(lines[0], `"from":"127.0.0.1"`) {
		t.Errorf("%s, %v", first, err)
	}
	printed, status := run(t, auditCommand(), "--endpoint", url)
	if status != 0 || !strings.HasPrefix(printed, string(first)) || !strings.Contains(printed, `"kind":"history_read"`) {
		t.Errorf("%d: %s", status, printed)
	}
	// What cannot be had leaves what is there.
	if printed, status := run(t, auditCommand(), "--endpoint", url, "-o", file, "--since", "yesterday"); status == 0 || !strings.Contains(printed, "yesterday") {
		t.Errorf("%d: %s", status, printed)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, first) {
		t.Errorf("%s, %v", now, err)
	}
}
