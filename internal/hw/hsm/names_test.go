package hsm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const interfacesPath = "/hsm/v2/Inventory/EthernetInterfaces"

func TestNodesAreKnownByNIDAndByTheirInterfaces(t *testing.T) {
	answers := healthy()
	answers[interfacesPath] = answer{200, `[
		{"ID":"a4bf012890a8","MACAddress":"A4:BF:01:28:90:A8","ComponentID":"X9C0S10B0N0","Type":"Node","IPAddresses":[{"IPAddress":"10.1.0.1","Network":"NMN"},{"IPAddress":""}]},
		{"ID":"a4bf012890a9","MACAddress":"a4:bf:01:28:90:a9","ComponentID":"x9c0s10b0n0","Type":"Node","IPAddresses":[]},
		{"ID":"a4bf012890aa","MACAddress":"a4:bf:01:28:90:aa","ComponentID":"x9c0s10b0","Type":"NodeBMC","IPAddresses":[{"IPAddress":"10.2.0.1"}]},
		{"ID":"000000000001","MACAddress":"00:00:00:00:00:01","ComponentID":"","IPAddresses":null}]`}
	c, _ := start(t, answers)
	got, err := c.NodeNames(t.Context())
	want := []bos.NodeName{
		{ID: "x9c0s10b0n0", NID: 7, MACs: []string{"a4:bf:01:28:90:a8", "a4:bf:01:28:90:a9"}, Addresses: []string{"10.1.0.1"}},
		{ID: "x9c0s2b0n0"},
		{ID: "x9c0s3b0n0"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAnHSMWithoutInterfacesStillKnowsNIDs(t *testing.T) {
	c, _ := start(t, healthy())
	if got, err := c.NodeNames(t.Context()); err != nil || len(got) != 3 || got[0].NID != 7 || got[0].MACs != nil {
		t.Errorf("%+v, %v", got, err)
	}
	answers := healthy()
	answers[interfacesPath] = answer{500, `{"title":"broken"}`}
	c, _ = start(t, answers)
	if got, err := c.NodeNames(t.Context()); err == nil {
		t.Errorf("half of the names are %+v, want an error", got)
	}
}
