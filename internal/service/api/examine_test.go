package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// registry is an image registry with the images it holds by id; err is what it
// answers instead.
type registry struct {
	images map[string]bos.ImageRecord
	err    error
}

func (r *registry) ImageRecord(_ context.Context, id string) (bos.ImageRecord, error) {
	image, ok := r.images[id]
	if !ok && r.err == nil {
		return image, bos.ErrNotFound
	}
	return image, r.err
}

func (*registry) Tag(context.Context, string, string, string) error {
	return errors.New("nothing is tagged by the API")
}

// registered is a site with an image registry that has the image one, and its log.
func registered(t *testing.T, arch string) (*site, *registry, *bytes.Buffer) {
	t.Helper()
	r := &registry{images: map[string]bos.ImageRecord{"one": {ID: "one", Arch: arch}}}
	log := &bytes.Buffer{}
	s := newSite(t, func(c *Config) {
		c.Images = r
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	})
	return s, r, log
}

// valid is what /v2/sessiontemplatesvalid says.
func (s *site) valid(name string) string {
	s.t.Helper()
	var text string
	s.do("GET", "/v2/sessiontemplatesvalid/"+name, nil).ok(http.StatusOK, &text)
	return text
}

func TestTheCheckOfAGoodTemplateSaysValid(t *testing.T) {
	s, _, _ := registered(t, "x86_64")
	s.putTemplate("t1", template())
	if got := s.valid("t1"); got != "Valid" {
		t.Error(got)
	}
	s.do("GET", "/v2/sessiontemplatesvalid/t2", nil).refused(http.StatusNotFound, titleNotFound, "Session template 't2' does not exist")
	s.do("GET", "/v2/sessiontemplatesvalid/t1", nil, tenantHeader, "red").refused(http.StatusNotFound, titleNotFound, "for tenant 'red' 't1'")
	s.do("GET", "/v2/sessiontemplatesvalid/-", nil).refused(http.StatusBadRequest, "")
}

func TestTheCheckOfATemplateSaysWhatIsWrongFirst(t *testing.T) {
	const lead = "Session template: 't1' boot set: 'compute': "
	for name, c := range map[string]struct {
		template object
		change   func(*site)
		want     string
	}{
		"missing image":       {withSet("path", "s3://b/one/manifest.json"), nil, "Can't find boot artifacts. Error: boot image unusable: there is nothing at"},
		"unreadable image":    {template(), func(s *site) { s.imgErr = errOutage }, "its image cannot be read now: connection refused"},
		"another type":        {withSet("type", "nfs"), nil, `its type is "nfs"`},
		"configuration":       {with(template(), "cfs", object{"configuration": "base"}), func(s *site) { s.config.Configuration = false }, `it wants the configuration "base"`},
		"no artifacts":        {template(), func(s *site) { s.config.Artifacts = nil }, "Can't find boot artifacts. Error: this service reads no images; configure artifacts.s3"},
		"etag differs":        {withSet("etag", "e0"), nil, "the image at s3://boot-images/one/manifest.json has etag e1, the template says e0"},
		"unknown provider":    {withSet("rootfs_provider", "mine"), nil, `rootfs provider "mine" is not supported`},
		"provider of old CSM": {withSet("rootfs_provider", "cpss3"), nil, "rootfs provider cpss3 is of older CSM releases"},
		"a NID":               {withSet("node_list", []string{"nid000001"}), nil, "Has NID in 'node_list'"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.putTemplate("t1", c.template)
			if c.change != nil {
				c.change(s)
				s.serveAll()
			}
			if got := s.valid("t1"); !strings.HasPrefix(got, lead+c.want) {
				t.Errorf("it says %q", got)
			}
		})
	}
}

func TestWarningsOfACheckAreJoinedInTheOrderOfBootSets(t *testing.T) {
	s := newSite(t)
	set := template()["boot_sets"].(object)["compute"].(object)
	s.putTemplate("t1", object{"boot_sets": object{"b": with(set, "etag", "x"), "a": with(with(set, "rootfs_provider", "cpss3"), "node_list", []string{"nid1"})}})
	parts := strings.Split(s.valid("t1"), "; Session template: ")
	if len(parts) != 3 || !strings.Contains(parts[0], "boot set: 'a': Has NID") || !strings.Contains(parts[1], "boot set: 'a': rootfs provider") || !strings.Contains(parts[2], "boot set: 'b': the image") {
		t.Errorf("%q", parts)
	}
}

func TestATemplateThatAnOptionForbidsSinceIsReported(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", withSet("node_list", []string{"nid000001"}))
	s.do("PATCH", "/v2/options", object{"reject_nids": true}).ok(http.StatusOK, nil)
	if got := s.valid("t1"); !strings.HasPrefix(got, "Session template: 't1': boot_sets.compute.node_list") {
		t.Error(got)
	}
}

func TestTheImageRegistryRefusesAnotherArchitecture(t *testing.T) {
	for _, c := range []struct {
		set, image string
		refused    bool
	}{
		{"X86", "x86_64", false},
		{"X86", "", false},
		{"X86", "aarch64", true},
		{"ARM", "aarch64", false},
		{"ARM", "x86_64", true},
		{"ARM", "", true},
		{"Unknown", "x86_64", false},
		{"Unknown", "aarch64", true},
		{"Other", "aarch64", false},
		{"Other", "x86_64", false},
	} {
		s, _, _ := registered(t, c.image)
		r := s.do("PUT", "/v2/sessiontemplates/t1", withSet("arch", c.set))
		if !c.refused {
			r.ok(http.StatusOK, nil)
			continue
		}
		r.refused(http.StatusBadRequest, "", "Session template: 't1' boot set: 'compute': its arch "+c.set)
		s.config.Images = nil
		s.serveAll()
		s.putTemplate("t1", withSet("arch", c.set))
	}
}

func TestASessionIsRefusedForAnotherArchitectureAndAShutdownIsNot(t *testing.T) {
	s, r, _ := registered(t, "x86_64")
	s.putTemplate("t1", template())
	r.images["one"] = bos.ImageRecord{ID: "one", Arch: "aarch64"}
	s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, "", "Session template fails check: Session template: 't1' boot set: 'compute': its arch X86")
	s.do("POST", "/x/v1/previews", ask()).refused(http.StatusBadRequest, "", "its arch X86")
	s.do("PATCH", "/v2/sessiontemplates/t1", object{"description": "d"}).refused(http.StatusBadRequest, "", "its arch X86")
	s.do("POST", "/v2/sessions", with(boot("s1"), "operation", "shutdown")).ok(http.StatusCreated, nil)
}

func TestOptionsMakeFaultsOfTheRegistrysWarnings(t *testing.T) {
	for option, unhealthy := range map[string]func(*registry){
		"ims_images_must_exist": func(r *registry) { r.images = nil },
		"ims_errors_fatal":      func(r *registry) { r.err = errOutage },
	} {
		t.Run(option, func(t *testing.T) {
			s, r, log := registered(t, "x86_64")
			unhealthy(r)
			s.putTemplate("t1", template())
			if !strings.Contains(log.String(), "the image registry") {
				t.Errorf("no warning in the log: %s", log)
			}
			if got := s.valid("t1"); !strings.HasPrefix(got, "Session template: 't1' boot set: 'compute': the image registry") {
				t.Error(got)
			}
			var p bos.Preview
			s.do("POST", "/x/v1/previews", ask()).ok(http.StatusOK, &p)
			if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "the image registry") {
				t.Errorf("the preview warns of %q", p.Warnings)
			}
			s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
			s.do("PATCH", "/v2/options", object{option: true}).ok(http.StatusOK, nil)
			s.do("PUT", "/v2/sessiontemplates/t1", template()).refused(http.StatusBadRequest, "", "boot set: 'compute': the image registry", option)
			s.do("POST", "/v2/sessions", boot("s2")).refused(http.StatusBadRequest, "", "Session template fails check: ", option)
			s.do("POST", "/v2/sessions", with(boot("s2"), "operation", "shutdown")).ok(http.StatusCreated, nil)
		})
	}
}

func TestAnImageElsewhereIsNotLookedUpInTheRegistry(t *testing.T) {
	s, r, _ := registered(t, "x86_64")
	r.err = errOutage
	s.images["s3://boot-images/manifest.json"] = s.images["s3://boot-images/one/manifest.json"]
	s.do("PATCH", "/v2/options", object{"ims_images_must_exist": true, "ims_errors_fatal": true}).ok(http.StatusOK, nil)
	s.putTemplate("t1", withSet("path", "s3://boot-images/manifest.json"))
	if got := s.valid("t1"); !strings.Contains(got, "is not where the image registry keeps images") {
		t.Error(got)
	}
}

func TestStoringATemplateOnlyWarnsOfWhatCannotBeRead(t *testing.T) {
	s, _, log := registered(t, "x86_64")
	s.putTemplate("t1", withSet("path", "s3://boot-images/one/none.json"))
	s.putTemplate("t1", withSet("node_list", []string{"nid000001"}))
	for _, words := range []string{"Can't find boot artifacts", "Has NID in 'node_list'"} {
		if !strings.Contains(log.String(), words) {
			t.Errorf("the log does not say %q: %s", words, log)
		}
	}
}

func TestTheExampleTemplateCanBeStored(t *testing.T) {
	s := newSite(t)
	var example object
	s.do("GET", "/v2/sessiontemplatetemplate", nil).ok(http.StatusOK, &example)
	s.putTemplate("mine", example)
}
