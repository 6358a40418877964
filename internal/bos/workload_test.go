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
