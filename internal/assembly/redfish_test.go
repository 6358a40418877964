package assembly

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// TestSitesWithHSMPinCertificatesAndGiveSomeBMCsSettingsOfTheirOwn: what an inventory
// file has in its entries.
func TestSitesWithHSMPinCertificatesAndGiveSomeBMCsSettingsOfTheirOwn(t *testing.T) {
	t.Setenv("SITE", "of the site")
	t.Setenv("ADMIN", "of the admin")
	pins := filepath.Join(t.TempDir(), "pins")
	if err := os.WriteFile(pins, []byte("x1c0s2b0 "+strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	yes := true
	var log strings.Builder
	w := &wiring{log: slog.New(slog.NewTextHandler(&log, nil))}
	listed := func(context.Context) (map[string]redfish.Endpoint, error) {
		return map[string]redfish.Endpoint{"x1c0s1b0n0": {Address: "a"}, "x1c0s1b0n1": {Address: "a"}, "x1c0s2b0n0": {Address: "b"}, "x1c0s3b0n0": {Address: "c"}}, nil
	}
	endpoints, err := w.withOwn(listed, config.Redfish{PinsFile: pins, BMCs: []config.BMCs{
		{Names: "x1c0s1b0", Credentials: config.Credentials{User: "admin", PasswordEnv: "ADMIN"}, Sessions: &yes, TLS: config.TLSLegacy, ReadTimeout: time.Minute},
		{Names: "x1c0s3b0", Credentials: config.Credentials{User: "admin", PasswordEnv: "NOT_THERE"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"x1c0s1b0n0", "x1c0s1b0n1"} {
		if e := got[id]; e.User != "admin" || e.Password != "of the admin" || e.Sessions == nil || !e.Trust.Legacy || e.Read != time.Minute || e.Trust.Pin != "" || e.Fault != "" {
			t.Errorf("%s is %+v", id, e)
		}
	}
	if e := got["x1c0s2b0n0"]; e.Trust.Pin != strings.Repeat("ab", 32) || e.User != "" || e.Trust.Legacy {
		t.Errorf("the pinned one is %+v", e)
	}
	if e := got["x1c0s3b0n0"]; !strings.Contains(e.Fault, "NOT_THERE") || e.FaultCause != bos.CauseBMCAuth || e.Password != "" {
		t.Errorf("the one without password is %+v", e)
	}
	if !strings.Contains(log.String(), "old TLS") {
		t.Errorf("old TLS is not warned of: %s", log.String())
	}
}

// TestABMCThatHSMNamesByItsXnameIsReachedAtItsAddress: as inventories are that were
// posted, with names that no DNS has.
func TestABMCThatHSMNamesByItsXnameIsReachedAtItsAddress(t *testing.T) {
	bmc := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"PowerState":"On"}`) }))
	defer bmc.Close()
	port := bmc.Listener.Addr().String()[len("127.0.0.1"):]
	asked := 0
	smd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/Inventory/ComponentEndpoints":
			_, _ = fmt.Fprintf(w, `{"ComponentEndpoints":[{"ID":"x1c0s1b0n0","Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":"x1c0s1b0.invalid%s"},
				{"ID":"x1c0s2b0n0","Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":"x1c0s2b0.invalid%[1]s"}]}`, port)
		case "/Inventory/RedfishEndpoints":
			asked++
			_, _ = io.WriteString(w, `{"RedfishEndpoints":[{"ID":"x1c0s1b0","FQDN":"x1c0s1b0.invalid","IPAddress":"127.0.0.1"},{"ID":"x1c0s2b0","FQDN":"x1c0s2b0.invalid","IPAddress":""}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer smd.Close()
	t.Setenv("OUR_PASSWORD", "initial0")
	a, err := New(t.Context(), config.Config{
		Auth:     config.Auth{Mode: config.AuthOff},
		Database: filepath.Join(t.TempDir(), "bos.db"), Inventory: config.Inventory{HSM: &config.Upstream{URL: smd.URL}},
		Power: config.Power{Redfish: &config.Redfish{Insecure: true, Networks: []string{"127.0.0.0/8"}, Credentials: config.Credentials{User: "root", PasswordEnv: "OUR_PASSWORD"}}},
	}, "0.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // nothing is written
	got := make(map[string]bos.PowerReading)
	for range 2 {
		a.power.(*redfish.Client).Probe(t.Context(), []string{"x1c0s1b0n0", "x1c0s2b0n0"}, func(r bos.PowerReading) { got[r.ID] = r })
	}
	if r := got["x1c0s1b0n0"]; r.State != bos.PowerStateOn {
		t.Errorf("the one with an address: %+v", r)
	}
	if r := got["x1c0s2b0n0"]; r.State != bos.PowerStateUnknown || !strings.Contains(r.Detail, "x1c0s2b0.invalid") {
		t.Errorf("the one without: %+v", r)
	}
	if asked != 1 {
		t.Errorf("HSM was asked %d times for addresses", asked)
	}
}
