package move_test

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/move"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestRecordsAreMovedIntoAndOutOfADatabaseThatAsksForCertificates, over each of the
// connections that this takes: the database lets nobody in over the network without.
func TestRecordsAreMovedIntoAndOutOfADatabaseThatAsksForCertificates(t *testing.T) {
	postgrestest.Skip(t)
	authority, tomorrow := postgrestest.NewAuthority(t), time.Now().Add(24*time.Hour)
	server, err := postgrestest.StartSecure(authority.Issue("database", tomorrow, "127.0.0.1"), authority, "trust", "", postgrestest.Settings...)
	must(t, err)
	defer server.Close() //nolint:errcheck // the test is over
	link, err := postgrestest.Connect(server)
	must(t, err)
	defer link.Close() //nolint:errcheck // the test is over
	client := authority.Issue("bos", tomorrow)
	within, err := postgrestest.ThroughBy(server.Schema(t), url.Values{"sslmode": {"verify-full"}, "sslrootcert": {authority.File}, "sslcert": {client.Cert}, "sslkey": {client.Key}}, link)
	must(t, err)
	from, back := "sqlite:"+filepath.Join(t.TempDir(), "from.db"), "sqlite:"+filepath.Join(t.TempDir(), "back.db")
	fill(t, from, 20)
	before := see(t, from)
	for _, pair := range [][2]string{{from, within}, {within, back}} {
		if _, err := move.Move(t.Context(), place(t, pair[0]), place(t, pair[1]), now); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, see(t, pair[1])); diff != "" {
			t.Errorf("moved from %s to %s it differs:\n%s", place(t, pair[0]), place(t, pair[1]), diff)
		}
	}
}
