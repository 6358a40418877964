package assembly

import (
	"testing"

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
