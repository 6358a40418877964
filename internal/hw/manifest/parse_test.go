package manifest

import (
	"fmt"
	"strings"
	"testing"
)

func artifact(kind, path, etag string) string {
	return fmt.Sprintf(`{"link":{"path":%q,"etag":%q,"type":"s3"},"md5":"m","type":%q}`, path, etag, kind)
}

func manifestOf(artifacts ...string) string {
	return `{"version":"1.0","created":"2026-01-02","artifacts":[` + strings.Join(artifacts, ",") + `]}`
}

var (
	kernel     = artifact(typeKernel, "s3://boot-images/1/kernel", "k1")
	initrd     = artifact(typeInitrd, "s3://boot-images/1/initrd", `"i1"`)
	rootfs     = artifact(typeRootfs, "s3://boot-images/1/rootfs", "r1-5")
	parameters = artifact(typeParameters, "s3://boot-images/1/boot_parameters", "p1")
	other      = artifact("application/vnd.cray.image.debug.kernel", "nowhere", "")
)

func TestAManifestNamesOneOfEach(t *testing.T) {
	got, err := parse([]byte(manifestOf(other, rootfs, initrd, kernel, other, parameters)))
	if err != nil {
		t.Fatal(err)
	}
	if got.kernel.Path != "s3://boot-images/1/kernel" || got.kernel.ETag != "k1" || got.initrd.ETag != "i1" ||
		got.rootfs.ETag != "r1-5" || got.parameters.Path != "s3://boot-images/1/boot_parameters" {
		t.Errorf("got %+v", got)
	}
}

func TestAManifestWithoutParametersIsWhole(t *testing.T) {
	if got, err := parse([]byte(manifestOf(kernel, initrd, rootfs))); err != nil || got.parameters.Path != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAManifestWithoutRootfsOrWithoutOneInitrdCanBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"no initrd":   manifestOf(kernel, rootfs),
		"two initrds": manifestOf(kernel, initrd, initrd, rootfs),
		"no rootfs":   manifestOf(kernel, initrd),
	} {
		got, err := parse([]byte(body))
		if err != nil || got.kernel.Path == "" || (got.rootfs.Path == "") != (name == "no rootfs") || (got.initrd.Path == "") != (name != "no rootfs") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestABrokenManifestIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":                   "",
		"a page":                    "<html>",
		"a list":                    "[]",
		"null":                      "null",
		"half of it":                manifestOf(kernel, initrd, rootfs)[:50],
		"two in one":                manifestOf(kernel, initrd, rootfs) + "{}",
		"artifacts that are none":   `{"artifacts":{}}`,
		"no artifacts":              manifestOf(),
		"no kernel":                 manifestOf(initrd, rootfs),
		"two kernels":               manifestOf(kernel, kernel, initrd, rootfs),
		"two rootfs":                manifestOf(kernel, initrd, rootfs, rootfs),
		"two parameters":            manifestOf(kernel, initrd, rootfs, parameters, parameters),
		"a kernel elsewhere":        manifestOf(artifact(typeKernel, "kernel", ""), initrd, rootfs),
		"a kernel nowhere":          manifestOf(artifact(typeKernel, "", ""), initrd, rootfs),
		"a kernel without host":     manifestOf(artifact(typeKernel, "http:///kernel", ""), initrd, rootfs),
		"a kernel with user":        manifestOf(artifact(typeKernel, "https://a:b@host/kernel", ""), initrd, rootfs),
		"a kernel of a host's file": manifestOf(artifact(typeKernel, "file://host/kernel", ""), initrd, rootfs),
		"a kernel by ftp":           manifestOf(artifact(typeKernel, "ftp://host/kernel", ""), initrd, rootfs),
		"a rootfs without key":      manifestOf(kernel, initrd, artifact(typeRootfs, "s3://boot-images/", "")),
		"a link that is text":       manifestOf(strings.Replace(kernel, `{"path":"s3://boot-images/1/kernel","etag":"k1","type":"s3"}`, `"x"`, 1), initrd, rootfs),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parse([]byte(body)); err == nil || got != (contents{}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzAManifestIsWholeOrRefused(f *testing.F) {
	for _, seed := range []string{
		manifestOf(kernel, initrd, rootfs), manifestOf(kernel, initrd, rootfs, parameters, other),
		manifestOf(kernel, kernel, initrd, rootfs), manifestOf(), "", "null", "[]", `{"artifacts":[{}]}`, `{"artifacts":[null]}`,
		manifestOf(artifact(typeKernel, "s3:///k", ""), initrd, rootfs),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parse(body)
		if err != nil {
			if got != (contents{}) {
				t.Errorf("refused, and yet %+v", got)
			}
			return
		}
		for i, a := range []string{got.kernel.Path, got.initrd.Path, got.rootfs.Path, got.parameters.Path} {
			if a == "" && i > 0 {
				continue
			}
			if checkLink(a) != nil || !strings.Contains(a, "://") {
				t.Errorf("taken with the path %q", a)
			}
		}
	})
}
