package tapms_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tapms"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const blue = `{"metadata":{"name":"blue"},"spec":{"tenantname":"blue","state":"Deploying",
	"tenantresources":[{"type":"compute","xnames":["x9c0s9b0n0"]}]},
	"status":{"uuid":"6d3b7c1e-0000-4000-8000-000000000001","tenantresources":[
		{"type":"compute","hsmgrouplabel":"blue","xnames":["X1c0s2b0n0","x1c0s10b0n0"]},
		{"type":"application","xnames":["x1c0s2b0n0","x1c0s1b0n0"]}]}}`

func start(t *testing.T, h http.HandlerFunc) *tapms.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := tapms.NewImpatient(transport.Upstream{URL: s.URL + "/v1alpha3/"})
	t.Cleanup(c.Close)
	return c
}

func TestATenantHasTheNodesOfItsStatus(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1alpha3/tenants/blue" {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = io.WriteString(w, blue)
	})
	got, err := c.TenantNodes(t.Context(), "blue")
	if want := []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s10b0n0"}; !slices.Equal(got, want) || err != nil {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestATenantWithoutNodesIsATenant(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"spec":{"tenantname":"new"}}`)
	})
	if got, err := c.TenantNodes(t.Context(), "new"); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnUnknownTenantIsToldFromATAPMSThatIsNotThere(t *testing.T) {
	for status, missing := range map[int]bool{404: true, 400: false, 401: false, 500: false, 503: false} {
		c := start(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.EscapedPath(), "/v1alpha3/tenants/a%2F..%2Fb") {
				t.Errorf("asked %s", r.URL.EscapedPath())
			}
			http.Error(w, `{"message":"record not found"}`, status)
		})
		if _, err := c.TenantNodes(t.Context(), "a/../b"); err == nil || errors.Is(err, bos.ErrNotFound) != missing {
			t.Errorf("status %d: %v", status, err)
		}
	}
	c := start(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	for _, name := range []string{"", ".", ".."} {
		if _, err := c.TenantNodes(t.Context(), name); !errors.Is(err, bos.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestATAPMSThatSaysItInABareStringIsBelieved(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `"Tenant with name/uuid 'blue' not found."`)
	})
	if _, err := c.TenantNodes(t.Context(), "blue"); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestAGatewayThatKnowsNoPathSaysNothingOfATenant(t *testing.T) {
	for _, body := range []string{"", "404 page not found", "<html>404</html>"} {
		c := start(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, http.StatusNotFound) })
		if _, err := c.TenantNodes(t.Context(), "blue"); err == nil || errors.Is(err, bos.ErrNotFound) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestAUUIDIsNoNameOfATenant(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, blue) })
	if _, err := c.TenantNodes(t.Context(), "6d3b7c1e-0000-4000-8000-000000000001"); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestAnotherServiceIsNoTAPMS(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	if _, err := c.TenantNodes(t.Context(), "blue"); err == nil || errors.Is(err, bos.ErrNotFound) || !strings.Contains(err.Error(), "tenants.tapms.url") {
		t.Errorf("got %v", err)
	}
}
