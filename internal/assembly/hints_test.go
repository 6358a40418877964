package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// listening is a database that tells which hints the service on it takes that drives.
type listening struct {
	database
	follower
	taken chan bos.Hints
}

func (l listening) Told(ctx context.Context, fence int64) (bos.Hints, error) {
	hints, err := l.database.Told(ctx, fence)
	if err == nil && !hints.Empty() {
		l.taken <- hints
	}
	return hints, err
}

// shareListening starts a service on a database, with what it takes of the hints of others.
func shareListening(t *testing.T, settings config.Config) (*sharing, <-chan bos.Hints) {
	t.Helper()
	log, counted := slog.New(slog.DiscardHandler), metrics.New("1")
	store, err := openDatabase(t.Context(), settings, log, counted)
	if err != nil {
		t.Fatal(err)
	}
	l := listening{store, store.(follower), make(chan bos.Hints, 1000)}
	a := &Assembly{store: l, log: log, metrics: counted}
	if err := a.assemble(t.Context(), settings, "1", log); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Driven())
	t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(t.Context())
	s := &sharing{Assembly: a, t: t, url: server.URL, stop: stop, ended: make(chan error, 1)}
	go func() { s.ended <- a.Run(ctx) }()
	return s, l.taken
}

// TestWhatAServiceThatStandsByIsToldReachesTheOneThatDrives, over HTTP and one database: a
// boot script that is fetched, a change of state of HSM, an event of a BMC.
func TestWhatAServiceThatStandsByIsToldReachesTheOneThatDrives(t *testing.T) {
	postgrestest.Skip(t)
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{Config: machineroom.Config{Nodes: 2, Seed: 1}, Listen: "127.0.0.1:0", StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer room.Close() //nolint:errcheck // nothing is kept
	at, password := room.Endpoints(), filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(at.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := config.Config{
		Database: postgrestest.New(t), Auth: config.Auth{Mode: config.AuthOff},
		Inventory:      config.Inventory{HSM: &config.Upstream{URL: at.HSM}, Notifications: "http://127.0.0.1:1/"},
		Power:          config.Power{Redfish: &config.Redfish{CAFile: at.CAFile, Credentials: config.Credentials{User: at.User, PasswordFile: password}, Events: "https://127.0.0.1:1"}},
		BootParameters: config.BootParameters{Builtin: &config.Builtin{AnySource: true}},
	}
	drives, taken := shareListening(t, settings)
	<-drives.Ready()
	standsBy, _ := shareListening(t, settings)
	<-standsBy.Ready()
	node := room.Room().Inventory().Nodes[0].ID
	if err := drives.store.PutHostBoots(t.Context(), []string{node}, bos.BootArtifacts{Kernel: "http://images/k", Initrd: "http://images/i"}, "token"); err != nil {
		t.Fatal(err)
	}
	for name, told := range map[string]struct {
		method, path, body string
		is                 func(bos.Hints) bool
	}{
		"a boot script": {http.MethodGet, "/boot/v1/bootscript?name=" + node, "", func(h bos.Hints) bool {
			return slices.ContainsFunc(h.Scripts, func(f bos.ScriptFetch) bool { return f.Host == node && f.Token == "token" })
		}},
		"a change of state of HSM": {http.MethodPost, hsm.NotificationsPath, `{"Components":["` + node + `"],"State":"On"}`, func(h bos.Hints) bool { return slices.Contains(h.Power, node) }},
		"an event of a BMC": {http.MethodPost, redfish.EventsPath + url.PathEscape(room.BMCAddress(bos.BMCOf(node))), `{"Events":[{}]}`, func(h bos.Hints) bool {
			return slices.Contains(h.Power, node)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			// The one that stands by learns in a moment where the BMCs are.
			for status := 0; status != http.StatusOK; {
				var text string
				if status, text = standsBy.ask(told.method, told.path, told.body); status != http.StatusOK && status != http.StatusNotFound {
					t.Fatalf("it is answered %d %s", status, text)
				}
			}
			for !told.is(<-taken) {
			}
		})
	}
	if standsBy.driven() || !drives.driven() {
		t.Error("they have changed places, which shows nothing")
	}
	drives.end()
	standsBy.end()
}
