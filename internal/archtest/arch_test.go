// Package archtest fails the build when a package imports what it must not.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bootorch/terraform-provider-bos/"

// allowed says which of our packages each one may import; a trailing /... is a
// whole subtree. A package that is not listed may import nothing of ours.
var allowed = map[string][]string{
	"internal/bos":                         {},
	"internal/document":                    {"internal/bos"},
	"internal/turn":                        {},
	"internal/client":                      {"internal/bos", "internal/localtoken", "internal/turn"},
	"internal/service/decide":              {"internal/bos"},
	"internal/service/engine":              {"internal/bos", "internal/service/decide"},
	"internal/service/store/tables":        {"internal/bos", "internal/document"},
	"internal/service/store/sqlite":        {"internal/bos", "internal/service/store/tables"},
	"internal/service/store/postgres":      {"internal/bos", "internal/service/store/tables"},
	"internal/service/store/postgrestest":  {},
	"internal/service/store/move":          {"internal/service/store/postgres", "internal/service/store/sqlite", "internal/service/store/tables"},
	"internal/service/store/storetest":     {"internal/bos"},
	"internal/service/edge":                {},
	"internal/service/ui":                  {"internal/service/edge"},
	"internal/localtoken":                  {},
	"internal/service/access":              {"internal/service/edge"},
	"internal/service/health":              {},
	"internal/service/access/certificates": {"internal/bos", "internal/service/access"},
	"internal/service/access/csmgateway":   {"internal/service/access"},
	"internal/service/access/peers":        {"internal/service/access"},
	"internal/service/access/refusals":     {"internal/bos", "internal/service/access", "internal/service/edge"},
	"internal/service/access/oidc":         {"internal/bos", "internal/service/access"},
	"internal/service/access/tokens":       {"internal/bos", "internal/service/access", "internal/yamlfile"},
	"internal/service/api":                 {"internal/bos", "internal/document", "internal/service/access", "internal/service/access/refusals", "internal/service/board", "internal/service/decide", "internal/service/edge", "internal/service/health", "internal/turn"},
	"internal/service/board":               {"internal/bos", "internal/service/decide"},
	"internal/service/bootscript":          {"internal/bos", "internal/service/access", "internal/service/access/refusals", "internal/service/edge", "internal/service/nodenames"},
	"internal/service/nodenames":           {"internal/bos", "internal/turn"},
	"internal/service/reports":             {"internal/bos", "internal/service/access", "internal/service/edge", "internal/service/nodenames"},
	"internal/service/config":              {"internal/yamlfile", "internal/bos"},
	"internal/service/sim":                 {"internal/bos", "internal/service/decide", "internal/service/engine", "internal/service/shell", "internal/service/store/sqlite", "internal/hw/emulator/fault", "internal/hw/emulator/machineroom", "internal/hw/wlm"},
	"internal/service/shell":               {"internal/bos", "internal/service/decide", "internal/service/engine"},
	"internal/service/metrics":             {"internal/bos", "internal/service/decide"},
	"internal/service":                     {"internal/bos", "internal/service/api", "internal/service/board", "internal/service/engine", "internal/service/health", "internal/service/metrics", "internal/service/shell"},
	"internal/watch":                       {"internal/bos"},
	"internal/transfer":                    {"internal/bos", "internal/client"},
	"internal/bench/figures":               {},
	"internal/bench/databases":             {"internal/service/store/postgrestest"},
	"internal/bench":                       {"internal/bench/databases", "internal/bench/figures", "internal/bos", "internal/service", "internal/service/access", "internal/service/access/oidc", "internal/service/api", "internal/service/store/postgres", "internal/service/store/postgrestest", "internal/service/store/sqlite"},
	"internal/bench/reboot":                {"internal/bench/databases", "internal/bench/figures", "internal/bos", "internal/hw/emulator/machineroom", "internal/localtoken"},
	"internal/hw/transport":                {"internal/bos"},
	"internal/hw/hsm":                      {"internal/bos", "internal/hw/gather", "internal/hw/transport", "internal/turn"},
	"internal/hw/redfish":                  {"internal/hw/gather", "internal/bos", "internal/hw/transport"},
	"internal/hw/bss":                      {"internal/bos", "internal/hw/transport", "internal/turn"},
	"internal/hw/bootservice":              {"internal/bos", "internal/hw/transport"},
	"internal/hw/emulator/bootservice":     {},
	"internal/hw/ims":                      {"internal/bos", "internal/hw/transport"},
	"internal/hw/tapms":                    {"internal/bos", "internal/hw/transport"},
	"internal/yamlfile":                    {},
	"internal/hw/inventoryfile":            {"internal/bos", "internal/yamlfile"},
	"internal/hw/tenantsfile":              {"internal/bos", "internal/yamlfile"},
	"internal/hw/gather":                   {"internal/bos"},
	"internal/hw/pcs":                      {"internal/bos", "internal/hw/gather", "internal/hw/transport"},
	"internal/hw/cfs":                      {"internal/bos", "internal/hw/gather", "internal/hw/transport"},
	"internal/hw/manifest":                 {"internal/bos"},
	"internal/hw/s3":                       {"internal/bos", "internal/hw/manifest", "internal/hw/transport"},
	"internal/hw/web":                      {"internal/bos", "internal/hw/manifest", "internal/hw/transport"},
	"internal/hw/proofs":                   {"internal/bos"},
	"internal/hw/wlm":                      {"internal/bos"},
	"internal/hw/files":                    {"internal/bos", "internal/hw/manifest"},
	// The emulated room: a vocabulary of faults, a model that speaks it, what
	// its faces share, and the faces, of which none knows another.
	"internal/hw/emulator/fault":       {"internal/yamlfile"},
	"internal/hw/emulator/machineroom": {"internal/bos", "internal/yamlfile", "internal/hw/emulator/fault"},
	"internal/hw/emulator/wire":        {"internal/hw/emulator/fault", "internal/hw/emulator/machineroom"},
	"internal/hw/emulator/bmc":         {"internal/bos", "internal/hw/emulator/fault", "internal/hw/emulator/machineroom", "internal/hw/emulator/wire"},
	"internal/hw/emulator/services":    {"internal/bos", "internal/hw/emulator/fault", "internal/hw/emulator/machineroom", "internal/hw/emulator/wire"},
	"internal/hw/emulator": {
		"internal/bos", "internal/hw/emulator/bmc", "internal/hw/emulator/fault", "internal/hw/emulator/machineroom", "internal/hw/emulator/services", "internal/hw/emulator/wire",
	},
	"internal/hw/qemu":     {},
	"internal/hostile":     {},
	"internal/replicas":    {},
	"internal/integration": {},
	"internal/licences":    {},
	"internal/systemd":     {},
	"internal/report":      {"internal/systemd"},
	"cmd/bos-report":       {"internal/report", "internal/systemd"},
	// Puts the service together for whoever runs one; it holds no logic.
	"internal/assembly": {
		"internal/bos", "internal/localtoken", "internal/service", "internal/service/access", "internal/service/access/...", "internal/service/bootscript", "internal/service/config", "internal/service/edge",
		"internal/service/health", "internal/service/nodenames", "internal/service/metrics", "internal/service/reports", "internal/service/store/postgres", "internal/service/store/sqlite", "internal/service/store/tables", "internal/service/ui", "internal/hw/...",
	},
	// Tries what the adapters of a site's settings meet there.
	"internal/doctor": {
		"internal/assembly", "internal/bos", "internal/service/config", "internal/service/store/postgres", "internal/service/store/sqlite", "internal/hw/...",
	},
	"internal/cli":            {"internal/..."},
	"internal/registryschema": {"provider"},
	// For embedded: one constructor of the whole, nothing of its parts.
	"provider": {"internal/assembly", "internal/bos", "internal/client"},
	"":         {"internal/cli", "provider"},
}

// forbidden are packages of the standard library that the pure ones do without.
var forbidden = map[string][]string{
	"internal/hw/emulator/machineroom": {"net", "os/exec", "math/rand", "math/rand/v2", "database/sql"},
	"internal/bos":                     {"net", "net/http", "os", "os/exec", "math/rand", "math/rand/v2", "database/sql"},
	"internal/service/decide":          {"context", "net", "net/http", "os", "os/exec", "math/rand", "math/rand/v2", "database/sql"},
	"internal/service/engine":          {"context", "net", "net/http", "os", "os/exec", "math/rand", "math/rand/v2", "database/sql", "sync"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

// violations lists the imports of a package that are not allowed.
func violations(p pkg) []string {
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, strings.TrimSuffix(module, "/")), "/")
	var bad []string
	for _, imported := range p.Imports {
		ours, isOurs := strings.CutPrefix(imported, module)
		switch {
		case isOurs && !slices.ContainsFunc(allowed[name], func(rule string) bool {
			prefix, tree := strings.CutSuffix(rule, "...")
			return ours == rule || tree && strings.HasPrefix(ours, prefix)
		}):
			bad = append(bad, name+" imports "+ours)
		case name == "internal/bos" && strings.Contains(imported, "."):
			bad = append(bad, name+" is a leaf and imports "+imported)
		case slices.Contains(forbidden[name], imported):
			bad = append(bad, name+" is pure and imports "+imported)
		}
	}
	return bad
}

// lookAtEveryFolder is for go test, which answers from its cache unless something
// that the test itself has opened is another now. It does not see what go list
// opens.
func lookAtEveryFolder(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	lookAtEveryFolder(t)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, v := range violations(p) {
			t.Error(v)
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were checked", seen)
	}
}

func TestAForbiddenImportIsFound(t *testing.T) {
	for _, p := range []pkg{
		{module + "internal/service/engine", []string{module + "internal/service/store/sqlite"}},
		{module + "internal/service/decide", []string{"context"}},
		{module + "internal/service/engine", []string{"context"}},
		{module + "internal/bos", []string{"github.com/google/uuid"}},
		{module + "provider", []string{module + "internal/service"}},
		{module + "internal/unheard-of", []string{module + "internal/bos"}},
	} {
		if len(violations(p)) != 1 {
			t.Errorf("%s importing %v was not found", p.ImportPath, p.Imports)
		}
	}
}

// TestTheShellHasTimeAndConcurrencyFromItsRuntime: what it took from elsewhere the
// simulation could not repeat.
func TestTheShellHasTimeAndConcurrencyFromItsRuntime(t *testing.T) {
	const folder = "../service/shell"
	elsewhere := regexp.MustCompile(`\bgo (func|\w+\.?\w*)\(|\btime\.(Now|Since|Until|After|AfterFunc|Sleep|Tick|NewTimer|NewTicker)\(|\bcontext\.With(Cancel|Timeout|Deadline)|\bsync\.WaitGroup\b|\bselect \{|<-|\brand\.`)
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	inRuntime := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(source), "\n") {
			code, _, _ := strings.Cut(line, "//")
			switch found := elsewhere.FindString(code); {
			case found == "":
			case filepath.Base(file) == "runtime.go":
				inRuntime++
			default:
				t.Errorf("%s:%d has %q, which is for the runtime alone", file, i+1, found)
			}
		}
	}
	if inRuntime == 0 {
		t.Error("nothing was found in the runtime itself")
	}
}
