package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
)

// stored puts objects into the bucket of a room.
func stored(t *testing.T, room *emulator.Server, objects map[string]string) *s3.Client {
	t.Helper()
	e := room.Endpoints()
	store, err := s3.New(e.S3, e.AccessKey, e.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range objects {
		if err := store.Put(t.Context(), path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

const builtImage = "s3://boot-images/compute/1/"

var built = map[string]string{
	builtImage + "vmlinuz": "kernel", builtImage + "initramfs.img": "initrd", builtImage + "rootfs": "root", builtImage + "empty": "",
}

func TestTheManifestOfAnImageIsMadeAndSessionsCanUseIt(t *testing.T) {
	room, config := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 1}})
	store := stored(t, room, built)
	args := []string{"manifest", "--config", config, "--kernel", builtImage + "vmlinuz", "--initrd", builtImage + "initramfs.img", "--rootfs", builtImage + "rootfs"}
	printed, status := run(t, imageCommand(), args...)
	var m struct {
		Version   string
		Artifacts []struct {
			Type, MD5 string
			Size      int
			Link      struct{ Path, ETag, Type string }
		}
	}
	if err := json.Unmarshal([]byte(printed), &m); err != nil || status != 0 || m.Version != "1.0" || len(m.Artifacts) != 3 {
		t.Fatalf("%d, %v:\n%s", status, err, printed)
	}
	const md5OfKernel = "50484c19f1afdaf3841a0d821ed393d2"
	if a := m.Artifacts[0]; a.Type != "application/vnd.cray.image.kernel" || a.MD5 != md5OfKernel || a.Link.ETag != md5OfKernel || a.Size != 6 || a.Link.Path != builtImage+"vmlinuz" || a.Link.Type != "s3" {
		t.Errorf("%+v", a)
	}
	to := builtImage + "manifest.json"
	if printed, status = run(t, imageCommand(), append(args, "--output", to)...); status != 0 || strings.TrimSpace(printed) != to {
		t.Fatalf("%d:\n%s", status, printed)
	}
	image, err := store.Image(t.Context(), to)
	if err != nil || image.Kernel.Path != builtImage+"vmlinuz" || image.Initrd.Path != builtImage+"initramfs.img" || image.Rootfs.Path != builtImage+"rootfs" || image.Fault != "" {
		t.Errorf("%+v, %v", image, err)
	}
	if printed, status = run(t, imageCommand(), append(args, "--output", to)...); status == 0 || !strings.Contains(printed, "is there already") {
		t.Errorf("a manifest that is there: %d:\n%s", status, printed)
	}
	if printed, status = run(t, imageCommand(), append(args, "--output", to, "--replace")...); status != 0 {
		t.Errorf("a manifest that is replaced: %d:\n%s", status, printed)
	}
}

func TestAManifestThatNobodyCouldUseIsNotMade(t *testing.T) {
	room, config := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 1}})
	stored(t, room, built)
	file := filepath.Join(t.TempDir(), "manifest.json")
	for _, c := range []struct{ kernel, initrd, says string }{
		{builtImage + "none", builtImage + "initramfs.img", "there is nothing at"},
		{builtImage + "empty", builtImage + "initramfs.img", "is empty"},
		{"s3://other/vmlinuz", builtImage + "initramfs.img", "artifacts.s3.buckets"},
		{"vmlinuz", builtImage + "initramfs.img", "not of the form"},
		{builtImage + "vmlinuz", "https://images.example/initrd", "configure artifacts.http"},
	} {
		printed, status := run(t, imageCommand(), "manifest", "--config", config, "--kernel", c.kernel, "--initrd", c.initrd, "-o", file)
		if status == 0 || !strings.Contains(printed, c.says) {
			t.Errorf("%s and %s: %d, %q does not say %q", c.kernel, c.initrd, status, printed, c.says)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a manifest was written")
	}
}

func TestAManifestOfAFolderIsWrittenBesideItsFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"vmlinuz": "kernel", "initrd": "initrd"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := settingsFile(t, "artifacts: { files: { root: "+dir+" } }")
	to := filepath.Join(dir, "manifest.json")
	args := []string{"manifest", "--config", config, "--kernel", "file://" + dir + "/vmlinuz", "--initrd", "file://" + dir + "/initrd", "-o", to}
	if printed, status := run(t, imageCommand(), args...); status != 0 {
		t.Fatalf("%d:\n%s", status, printed)
	}
	printed, _ := run(t, checkCommand(), "--config", config, "--listen", "127.0.0.1:0", "--database", filepath.Join(t.TempDir(), "bos.db"), "--image", "file://"+to)
	if !strings.Contains(printed, "manifest, kernel and initrd are there") {
		t.Errorf("the image is not one:\n%s", printed)
	}
	if err := os.WriteFile(to, bytes.Repeat([]byte("x"), http.StatusOK), 0o600); err != nil {
		t.Fatal(err)
	}
	if printed, status := run(t, imageCommand(), args...); status == 0 || !strings.Contains(printed, "is there already") {
		t.Errorf("another file is replaced: %d:\n%s", status, printed)
	}
}
