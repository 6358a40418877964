package localtoken

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATokenIsFoundByThePortOfAServiceOnThisMachineAlone(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("RUNTIME_DIRECTORY", "")
	token := New()
	path, err := Leave("127.0.0.1:8770", token)
	if err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]string{
		"http://127.0.0.1:8770": token, "http://localhost:8770/apis/bos": token, "http://bos.localhost:8770": token,
		// Another user may listen there.
		"http://[::1]:8770": "", "http://127.0.0.2:8770": "",
		"http://127.0.0.1:8771": "", "http://10.0.0.1:8770": "", "http://bos.example:8770": "", "http://127.0.0.1": "", "https://localhost.example:8770": "", "": "", "::": "",
	} {
		if got := Find(endpoint); got != want {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
	for endpoint, want := range map[string]string{
		"http://localhost:8770": "127.0.0.1:8770", "https://bos.localhost:8770/apis/bos": "127.0.0.1:8770",
		"http://127.0.0.1:8770": "", "http://localhost:8771": "", "http://bos.example:8770": "",
	} {
		if got := At(endpoint); got != want {
			t.Errorf("%s is at %q, want %q", endpoint, got, want)
		}
	}
	later := New()
	if _, err := Leave("0.0.0.0:8770", later); err != nil {
		t.Fatal(err)
	}
	if err := Take(path, token); err != nil {
		t.Fatal(err)
	}
	if got := Find("http://127.0.0.1:8770"); got != later {
		t.Errorf("the end of the first service took the token of the second: %q", got)
	}
	if got := Find("http://[::1]:8770"); got != "" {
		t.Errorf("who listens at all addresses of IPv4 does not at %q", "::1")
	}
	if got := At("http://localhost:8770"); got != "127.0.0.1:8770" {
		t.Errorf("it is at %q", got)
	}
	if err := Take(path, later); err != nil {
		t.Fatal(err)
	}
	if got := Find("http://127.0.0.1:8770"); got != "" {
		t.Errorf("after its end: %q", got)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestTokensAreSecretAndDiffer(t *testing.T) {
	a, b := New(), New()
	if a == b || !strings.HasPrefix(a, Prefix) || len(a) < len(Prefix)+43 {
		t.Errorf("%q, %q", a, b)
	}
}

func TestAFileThatOthersMayWriteIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("RUNTIME_DIRECTORY", "")
	path, err := Leave("127.0.0.1:1", New())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Fatalf("%v, %v", info, err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", folder, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := Find("http://127.0.0.1:1"); got != "" {
		t.Errorf("found %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := Find("http://127.0.0.1:1"); got != "" {
		t.Errorf("a folder has %q", got)
	}
}
