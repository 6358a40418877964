package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// forgottenScope is what a caller gets that left the scope out: a field that was
// forgotten shall show nothing, and not everything.
func forgottenScope(t *testing.T, s bos.Store) {
	tenants := []string{"", "blue", "red"}
	for _, tenant := range tenants {
		must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t" + tenant, Tenant: bos.TenantRef(tenant)}))
		must(t, s.CreateSession(t.Context(), session(tenant, "s"+tenant, "")))
		must(t, s.PutReceipt(t.Context(), bos.Receipt{Key: "k" + tenant, Tenant: tenant, Preview: bos.Preview{Pin: "p" + tenant}}))
	}
	commit(t, s, bos.Commit{Events: []bos.Event{{Kind: "of a node", Component: "a"}, {Kind: "of the site"}, {Kind: "of red", Session: "s", Tenant: "red"}}})
	shown := func(of bos.TenantScope) []string {
		templates, err := s.Templates(t.Context(), of)
		must(t, err)
		sessions, err := s.Sessions(t.Context(), bos.SessionFilter{Of: of}, now)
		must(t, err)
		var names []string
		for _, template := range templates {
			names = append(names, template.Name)
		}
		for _, rec := range sessions {
			names = append(names, rec.Name)
		}
		for _, tenant := range tenants {
			switch _, err := s.ReceiptByPin(t.Context(), of, "p"+tenant); {
			case err == nil:
				names = append(names, "p"+tenant)
			case !errors.Is(err, bos.ErrNotFound):
				t.Error(err)
			}
		}
		return names
	}
	var forgotten bos.TenantScope
	for what, c := range map[string]struct {
		of   bos.TenantScope
		want []string
	}{
		"forgotten":         {forgotten, nil},
		"that of no tenant": {bos.OneTenant(""), []string{"t", "s", "p"}},
		"that of red":       {bos.OneTenant("red"), []string{"tred", "sred", "pred"}},
		"everyone's":        {bos.AllTenants(), []string{"t", "tblue", "tred", "s", "sblue", "sred", "p", "pblue", "pred"}},
	} {
		if got := shown(c.of); !slices.Equal(got, c.want) {
			t.Errorf("a scope that is %s shows %q, want %q", what, got, c.want)
		}
	}
	if got := kinds(t, s, bos.EventFilter{}); len(got) != 0 {
		t.Errorf("a filter without a reach shows %q", got)
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.TenantReach("red", []string{"a"})}); !slices.Equal(got, []string{"of a node", "of red"}) {
		t.Errorf("red sees %q", got)
	}
}
