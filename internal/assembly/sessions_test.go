package assembly

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func TestAClosedServiceLeavesNoSessionAtABMC(t *testing.T) {
	var asked []string // one request at a time
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.Header.Get("X-Auth-Token")))
		w.Header().Set("X-Auth-Token", "t0ken")
		w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/1")
		_, _ = w.Write([]byte(`{"PowerState":"On"}`))
	}))
	defer s.Close()
	dir := t.TempDir()
	inventory := filepath.Join(dir, "nodes.yaml")
	text := fmt.Sprintf("nodes:\n  - xnames: x1c0s0b0n0\n    bmc: { address: %q, system: /redfish/v1/Systems/1 }\n", s.Listener.Addr())
	if err := os.WriteFile(inventory, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OUR_PASSWORD", "initial0")
	a, err := New(t.Context(), config.Config{
		Auth:      config.Auth{Mode: config.AuthOff},
		Database:  filepath.Join(dir, "bos.db"),
		Inventory: config.Inventory{File: inventory},
		Power: config.Power{Redfish: &config.Redfish{
			Insecure: true, Sessions: true, Credentials: config.Credentials{User: "root", PasswordEnv: "OUR_PASSWORD"},
		}},
	}, "0.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.power.(*redfish.Client).Probe(t.Context(), []string{"x1c0s0b0n0"}, func(r bos.PowerReading) {
		if r.State != bos.PowerStateOn {
			t.Errorf("got %+v", r)
		}
	})
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if want := []string{"POST", "GET t0ken", "DELETE t0ken"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
