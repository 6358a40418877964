package bos_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAReachThatWasForgottenReachesNothing(t *testing.T) {
	var none bos.Reach
	if none.Whole() || none.Has("x1") || none.Has("") || none.Tenants() != (bos.TenantScope{}) {
		t.Errorf("%+v reaches something", none)
	}
	if _, one := none.Tenants().One(); one || none.Tenants().All() {
		t.Error("its scope is somebody's")
	}
	if none.Same(bos.WholeSite()) || none.Same(bos.TenantReach("", nil)) {
		t.Error("it is like one that reaches something")
	}
}

func TestATenantReachesItsOwnNodesAndTheSiteAll(t *testing.T) {
	red := bos.TenantReach("red", []string{"x1", "x2"})
	if red.Whole() || !red.Has("x2") || red.Has("x3") || red.Tenant() != "red" {
		t.Errorf("%+v", red)
	}
	if empty := bos.TenantReach("red", nil); empty.Has("x1") || empty.Whole() {
		t.Error("a tenant without nodes has one")
	}
	if !red.Same(bos.TenantReach("red", []string{"x2", "x1"})) || red.Same(bos.TenantReach("red", []string{"x1"})) || red.Same(bos.TenantReach("blue", []string{"x1", "x2"})) {
		t.Error("the same reach is another, or another the same")
	}
	if site := bos.WholeSite(); !site.Has("x3") || !site.Tenants().All() || site.Tenant() != "" {
		t.Errorf("%+v", site)
	}
}
