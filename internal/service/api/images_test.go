package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// knows is an image registry with one image.
func knows(id string) *registry {
	return &registry{images: map[string]bos.ImageRecord{id: {ID: id, Arch: "aarch64"}}}
}

func (s *site) image(path string) bos.ImageFacts {
	s.t.Helper()
	var facts bos.ImageFacts
	s.do("GET", "/x/v1/images?path="+url.QueryEscape(path), nil).ok(http.StatusOK, &facts)
	return facts
}

func TestAnImageIsToldAsItIsNow(t *testing.T) {
	const path = "s3://boot-images/one/manifest.json"
	s := newSite(t, func(c *Config) { c.Images = knows("one") })
	s.images[path] = bos.Image{
		Path: path, ETag: "e1", Kernel: bos.Artifact{Path: "s3://boot-images/one/kernel", ETag: "k1"}, Initrd: bos.Artifact{Path: "s3://boot-images/one/initrd"},
		Parameters: "quiet root=live", Fault: "no rootfs",
	}
	want := bos.ImageFacts{
		Path: path, ETag: "e1", Arch: "aarch64", Kernel: bos.Artifact{Path: "s3://boot-images/one/kernel", ETag: "k1"}, Initrd: bos.Artifact{Path: "s3://boot-images/one/initrd"},
		Parameters: "quiet root=live", Fault: "no rootfs", Warnings: []string{},
	}
	if diff := cmp.Diff(want, s.image(path)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheImageRegistryDoesNotSayIsAWarning(t *testing.T) {
	const path = "s3://boot-images/one/manifest.json"
	for name, c := range map[string]struct {
		registry bos.Images
		path     string
		warns    string
	}{
		"no registry":        {nil, path, ""},
		"an unknown image":   {knows("two"), path, `no image "one"`},
		"an outage":          {&registry{err: errOutage}, path, "cannot be asked"},
		"a path of no image": {knows("one"), "file:///one/manifest.json", "not where the image registry keeps images"},
	} {
		s := newSite(t, func(cfg *Config) { cfg.Images = c.registry })
		s.images[c.path] = s.images[path]
		changed := s.images[c.path]
		changed.Path = c.path
		s.images[c.path] = changed
		facts := s.image(c.path)
		if said := strings.Join(facts.Warnings, "; "); facts.Arch != "" || !strings.Contains(said, c.warns) || (c.warns == "") != (said == "") {
			t.Errorf("%s: %+v", name, facts)
		}
	}
}

func TestNothingThatSignsALinkIsToldOfAnImage(t *testing.T) {
	const path, secret = "https://rgw/boot-images/one/manifest.json", "geheim"
	s := newSite(t)
	signed := "https://ann:" + secret + "@rgw/kernel?X-Amz-Signature=" + secret
	s.images[path] = bos.Image{
		Path: path, Kernel: bos.Artifact{Path: signed}, Initrd: bos.Artifact{Path: signed}, Rootfs: bos.Artifact{Path: signed},
		Parameters: "root=live:" + signed + " quiet", Fault: "there is nothing at " + signed,
	}
	r := s.do("GET", "/x/v1/images?path="+path, nil).ok(http.StatusOK, nil)
	if strings.Contains(r.body, secret) || !strings.Contains(r.body, "rgw/kernel") || !strings.Contains(r.body, "quiet") {
		t.Errorf("it tells %s", r.body)
	}
	for _, bad := range []string{path + "?X-Amz-Signature=" + secret, "https://ann:" + secret + "@rgw/m", path + "#" + secret, "https://%zz" + secret} {
		r := s.do("GET", "/x/v1/images?path="+url.QueryEscape(bad), nil)
		if r.refused(http.StatusBadRequest, "", "path"); strings.Contains(r.body, secret) {
			t.Errorf("it repeats %s", r.body)
		}
	}
}

func TestAnImageThatIsNotThereOrCannotBeReadIsAnError(t *testing.T) {
	s := newSite(t)
	s.do("GET", "/x/v1/images", nil).refused(http.StatusBadRequest, "", "path", "missing")
	s.do("GET", "/x/v1/images?path="+strings.Repeat("x", 4096), nil).refused(http.StatusBadRequest, "", "4096 characters")
	s.do("GET", "/x/v1/images?path=s3://boot-images/none/manifest.json", nil).refused(http.StatusBadRequest, "", "there is nothing at")
	s.imgErr = errOutage
	s.do("GET", "/x/v1/images?path=s3://boot-images/one/manifest.json", nil).refused(http.StatusServiceUnavailable, "", "cannot be read now")
	newSite(t, func(c *Config) { c.Artifacts = nil }).do("GET", "/x/v1/images?path=s3://b/k", nil).refused(http.StatusBadRequest, "", "artifacts.s3")
}
