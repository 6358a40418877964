package assembly

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/inventoryfile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tenantsfile"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const examples = "../../contrib/"

func TestTheExamplesOfTheGuideAreSettings(t *testing.T) {
	for _, name := range []string{"csm", "openchami", "openchami-v0.2", "redfish"} {
		c, err := config.Load(examples + "config/" + name + ".yaml")
		if err != nil {
			t.Error(err)
			continue
		}
		if c.Listen == "" || c.Power.PCS == nil && c.Power.Redfish == nil || c.Inventory.HSM == nil && c.Inventory.InventoryService == nil && c.Inventory.File == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestTheExampleOfAnInventoryIsOne(t *testing.T) {
	f := inventoryfile.New(examples+"nodes.yaml", func(inventoryfile.Secret) func() (string, error) {
		return func() (string, error) { return "secret", nil }
	})
	inv, err := f.Inventory(t.Context())
	if err != nil || len(inv.Nodes) != 21 || len(inv.Groups["canary"]) != 2 {
		t.Errorf("%d nodes, %v", len(inv.Nodes), err)
	}
	endpoints, err := f.Endpoints(t.Context())
	if err != nil || len(endpoints) != 21 || endpoints["x1000c0s7b0n1"].System != "/redfish/v1/Systems/Node1" {
		t.Errorf("%d endpoints, %v", len(endpoints), err)
	}
	if nodes, err := tenantsfile.New(examples+"tenants.yaml").TenantNodes(t.Context(), "blue"); err != nil || len(nodes) != 8 {
		t.Errorf("%d nodes, %v", len(nodes), err)
	}
}

func TestTheExamplesOfTheGuideAreAssembledWithNothingButTheirFilesElsewhere(t *testing.T) {
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := os.ReadFile(examples + "nodes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, body := range map[string][]byte{"platform-ca.pem": ca, "bmc-ca.pem": ca, "nodes.yaml": nodes, "token": []byte("t")} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"BMC_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"} {
		t.Setenv(name, "secret")
	}
	for _, name := range []string{"csm", "openchami", "openchami-v0.2", "redfish"} {
		body, err := os.ReadFile(examples + "config/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		settings, err := Parse(strings.NewReplacer("/etc/bos/", dir+"/", "/run/bos/", dir+"/").Replace(string(body)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		settings.Database = filepath.Join(dir, name+".db")
		made, err := New(t.Context(), settings, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := made.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
