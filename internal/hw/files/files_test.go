package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/files"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T) (sources manifest.Sources, root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "images")
	parameters := "file://" + root + "/1/parameters"
	write(t, root+"/1/parameters", "console=ttyS0\n")
	write(t, root+"/1/manifest.json", `{"artifacts":[
		{"type":"application/vnd.cray.image.kernel","link":{"path":"http://images.example/1/kernel"}},
		{"type":"application/vnd.cray.image.initrd","link":{"path":"http://images.example/1/initrd"}},
		{"type":"application/vnd.cray.image.rootfs.squashfs","link":{"path":"file://`+root+`/1/rootfs"}},
		{"type":"application/vnd.cray.image.parameters.boot","link":{"path":"`+parameters+`"}}]}`)
	f, err := files.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return manifest.Sources{"file": f}, root
}

func TestAnImageIsReadFromAFolder(t *testing.T) {
	sources, root := folder(t)
	got, err := sources.Image(t.Context(), "file://"+root+"/1/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.ETag) != 32 {
		t.Errorf("etag %q", got.ETag)
	}
	got.ETag = ""
	want := bos.Image{
		Path: "file://" + root + "/1/manifest.json", Parameters: "console=ttyS0\n",
		Kernel: bos.Artifact{Path: "http://images.example/1/kernel"}, Initrd: bos.Artifact{Path: "http://images.example/1/initrd"},
		Rootfs: bos.Artifact{Path: "file://" + root + "/1/rootfs"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsMissingOrOutsideIsAnImageError(t *testing.T) {
	sources, root := folder(t)
	outside := filepath.Join(filepath.Dir(root), "private")
	write(t, outside, "secret")
	write(t, root+"-too/manifest.json", "secret")
	for path, says := range map[string]string{
		"file://" + root + "/2/manifest.json":     "there is nothing at",
		"file://" + root + "/1":                   "no file",
		"file://" + root:                          "not below",
		"file://" + root + "/../private":          "not below",
		"file://" + root + "/%2e%2e/private":      "not below",
		"file://" + root + "-too/manifest.json":   "not below",
		"file://" + outside:                       "not below",
		"file://host" + root + "/1/manifest.json": "file:///path",
		"file:" + root + "/1/manifest.json":       "not of the form",
		root + "/1/manifest.json":                 "not of the form",
		"http://images.example/1/manifest.json":   "artifacts.http",
		"s3://images/1/manifest.json":             "artifacts.s3",
	} {
		if got, err := sources.Image(t.Context(), path); !errors.Is(err, bos.ErrImage) || !strings.Contains(err.Error(), says) || got != (bos.Image{}) {
			t.Errorf("%s: %+v, %v; want %q", path, got, err, says)
		}
	}
}

func TestALinkThatLeadsOutIsNotFollowed(t *testing.T) {
	sources, root := folder(t)
	outside := filepath.Join(filepath.Dir(root), "private")
	write(t, outside, "secret")
	if err := os.Symlink(outside, root+"/1/link"); err != nil {
		t.Skip("no links here")
	}
	_, err := sources.Image(t.Context(), "file://"+root+"/1/link")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "artifacts.files.root") {
		t.Errorf("got %v", err)
	}
}

func TestAFolderMustBeThere(t *testing.T) {
	if _, err := files.Open(filepath.Join(t.TempDir(), "not-there")); err == nil || !strings.Contains(err.Error(), "artifacts.files.root") {
		t.Errorf("got %v", err)
	}
}
