package tenantsfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tenantsfile"
)

func file(t testing.TB, text string) *tenantsfile.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return tenantsfile.New(name)
}

func TestATenantHasTheNodesOfTheFile(t *testing.T) {
	f := file(t, "tenants:\n  blue: x1000c0s[10,2]b0n0,X1000c0s02b0n0\n  empty:\n")
	got, err := f.TenantNodes(t.Context(), "blue")
	if want := []string{"x1000c0s2b0n0", "x1000c0s10b0n0"}; !slices.Equal(got, want) || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := f.TenantNodes(t.Context(), "empty"); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := f.TenantNodes(t.Context(), "red"); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsWrongIsNamedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"tenants:\n  blue: x1000c0s[3-1]b0n0\n": "tenants.yaml:2: ",
		"tenants:\n  blue: x1000c0s1b0\n":       `tenants.yaml:2: tenant "blue": "x1000c0s1b0"`,
		"tenant:\n  blue: x1000c0s1b0\n":        "tenants.yaml:1: ",
	} {
		f := file(t, text)
		_, err := f.TenantNodes(t.Context(), "blue")
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, bos.ErrNotFound) || f.Check() == nil {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := tenantsfile.New("not-there.yaml").TenantNodes(t.Context(), "blue"); err == nil || errors.Is(err, bos.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func FuzzTenants(f *testing.F) {
	f.Add("tenants:\n  blue: x1000c0s[10,2]b0n0,X1000c0s02b0n0\n  empty:\n", "blue")
	f.Add("tenants: {'': x1c0s1b0n0, a: x1, a: x2}", "a")
	f.Add("tenants: &a {b: *a}", "b")
	f.Add("tenants: {a: 'x[0-9][0-9][0-9][0-9][0-9][0-9]'}", "a")
	f.Fuzz(func(t *testing.T, text, tenant string) {
		fromFile := file(t, text)
		nodes, err := fromFile.TenantNodes(t.Context(), tenant)
		if known := errors.Is(err, bos.ErrNotFound); known == (fromFile.Check() != nil) && err != nil {
			t.Errorf("%q of %q: %v", tenant, text, err)
		}
		for i, id := range nodes {
			if !bos.IsNodeXname(id) || i > 0 && bos.CompareXnames(nodes[i-1], id) >= 0 {
				t.Errorf("%q has the nodes %q", tenant, nodes)
			}
		}
	})
}
