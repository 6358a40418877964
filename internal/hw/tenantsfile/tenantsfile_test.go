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

func file(t *testing.T, text string) *tenantsfile.File {
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
