package bos_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestNoTwoSessionsHaveOneMarkAndAMarkIsOneWordOfALine(t *testing.T) {
	long := strings.Repeat("n", bos.MaxName)
	keys := []bos.SessionKey{
		{Name: "s"},
		{Tenant: "a b", Name: "s"},
		{Tenant: "a_b", Name: "s"},
		{Tenant: "a%20b", Name: "s"},
		{Tenant: "a\tb", Name: "s"},
		{Tenant: "a\nb", Name: "s"},
		{Tenant: "a/b", Name: "s"},
		{Tenant: "a", Name: "b"},
		{Name: long},
		{Tenant: strings.Repeat("t", bos.MaxTenantName), Name: long},
		{Tenant: strings.Repeat("ü", bos.MaxTenantName), Name: long},
		{Tenant: strings.Repeat("ü", bos.MaxTenantName), Name: "s"},
	}
	of := make(map[string]bos.SessionKey)
	for _, key := range keys {
		mark := bos.DrainMark(key)
		if other, taken := of[mark]; taken {
			t.Errorf("%q and %q have the mark %q", key, other, mark)
		}
		of[mark] = key
		if bos.MarkOf(mark+" drained to be rebooted") != mark || len(strings.Fields(mark)) != 1 || len(mark) > 150 {
			t.Errorf("%q has the mark %q, which is not one short word", key, mark)
		}
	}
}

// TestADrainIsOfThisServiceByTheFirstWordOfItsReasonAndByNothingElse: what the guide says of
// which drains are taken over and lifted.
func TestADrainIsOfThisServiceByTheFirstWordOfItsReasonAndByNothingElse(t *testing.T) {
	for reason, mark := range map[string]string{
		"bos:nightly":                 "bos:nightly",
		"bos:nightly failed (power)":  "bos:nightly",
		"bos:tenant/nightly shutdown": "bos:tenant/nightly",
		"bos:- drained":               "bos:-",
		"bos:whatever a person wrote": "bos:whatever",
		"":                            "",
		"bad DIMM":                    "",
		"bos":                         "",
		"bos:":                        "",
		"bos: nightly":                "",
		"BOS:nightly":                 "",
		" bos:nightly":                "",
		"see bos:nightly":             "",
	} {
		if got := bos.MarkOf(reason); got != mark {
			t.Errorf("a drain for %q has the mark %q, want %q", reason, got, mark)
		}
	}
}
