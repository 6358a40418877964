package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/web"
)

// serve serves objects by path; what is only below /head is no file.
func serve(t *testing.T, objects map[string]string) (sources manifest.Sources, url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := objects[r.URL.Path]
		if strings.HasSuffix(r.URL.Path, "/broken") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `W/"of-`+r.URL.Path+`"`)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	client := web.New(web.Config{Prefixes: []string{s.URL + "/boot/"}, RetryWait: time.Millisecond})
	return manifest.Sources{"http": client, "https": client}, s.URL
}

func image(url, parameters string) string {
	artifact := func(kind, path string) string {
		return `{"link":{"path":"` + path + `","etag":"e","type":"http"},"type":"application/vnd.cray.image.` + kind + `"}`
	}
	list := []string{artifact("kernel", url+"/boot/1/kernel"), artifact("initrd", url+"/boot/1/initrd"), artifact("rootfs.squashfs", "s3://images/1/rootfs")}
	if parameters != "" {
		list = append(list, artifact("parameters.boot", parameters))
	}
	return `{"version":"1.0","artifacts":[` + strings.Join(list, ",") + `]}`
}

func TestAnImageIsReadOverHTTP(t *testing.T) {
	objects := map[string]string{"/boot/1/kernel": "k", "/boot/1/initrd": "i", "/boot/1/parameters": "console=ttyS0\n"}
	sources, url := serve(t, objects)
	objects["/boot/1/manifest.json"] = image(url, url+"/boot/1/parameters")
	got, err := sources.Image(t.Context(), url+"/boot/1/manifest.json")
	want := bos.Image{
		Path: url + "/boot/1/manifest.json", ETag: "of-/boot/1/manifest.json", Parameters: "console=ttyS0\n",
		Kernel: bos.Artifact{Path: url + "/boot/1/kernel", ETag: "e"}, Initrd: bos.Artifact{Path: url + "/boot/1/initrd", ETag: "e"},
		Rootfs: bos.Artifact{Path: "s3://images/1/rootfs", ETag: "e"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// site serves a whole image, and what nobody is to read.
func site(t *testing.T) (objects map[string]string, sources manifest.Sources, url string) {
	t.Helper()
	objects = map[string]string{"/boot/1/kernel": "k", "/boot/1/initrd": "i", "/boot/1/parameters": "p", "/private/manifest.json": "secret", "/private/parameters": "secret"}
	sources, url = serve(t, objects)
	objects["/boot/1/manifest.json"] = image(url, url+"/boot/1/parameters")
	return objects, sources, url
}

func TestParametersThatCannotBeReadAreAFaultOfTheImage(t *testing.T) {
	for says, change := range map[string]func(objects map[string]string, url string){
		"nothing at":     func(o map[string]string, _ string) { delete(o, "/boot/1/parameters") },
		"/boot/1/initrd": func(o map[string]string, _ string) { delete(o, "/boot/1/initrd") },
		"larger than 65536": func(o map[string]string, _ string) {
			o["/boot/1/parameters"] = strings.Repeat("x", manifest.MaxParameters+1)
		},
		"artifacts.http.prefixes": func(o map[string]string, url string) {
			o["/boot/1/manifest.json"] = image(url, url+"/private/parameters")
		},
	} {
		objects, sources, url := site(t)
		change(objects, url)
		got, err := sources.Image(t.Context(), url+"/boot/1/manifest.json")
		if err != nil || got.Kernel.Path == "" || !strings.Contains(got.Fault, says) || strings.Contains(got.Parameters, "secret") {
			t.Errorf("got %+v, %v; want %q", got, err, says)
		}
	}
}

func TestWhatIsMissingOrTooLargeOrElsewhereIsAnImageError(t *testing.T) {
	for name, c := range map[string]struct {
		path, says string
		change     func(objects map[string]string, url string)
	}{
		"no manifest": {"/boot/2/manifest.json", "there is nothing at", nil},
		"no kernel":   {"/boot/1/manifest.json", "/boot/1/kernel", func(o map[string]string, _ string) { delete(o, "/boot/1/kernel") }},
		"a manifest too large": {"/boot/1/manifest.json", "larger than 1048576", func(o map[string]string, _ string) {
			o["/boot/1/manifest.json"] += strings.Repeat(" ", manifest.MaxManifest)
		}},
		"a manifest elsewhere": {"/private/manifest.json", "artifacts.http.prefixes", nil},
		"a way around":         {"/boot/../private/manifest.json", "no plain address", nil},
		"an encoded way":       {"/boot/%2e%2e/private/manifest.json", "no plain address", nil},
		"a twice encoded way":  {"/boot/%252e%252e/private/manifest.json", "no plain address", nil},
		"a query":              {"/boot/1/manifest.json?redirect=private", "no plain address", nil},
	} {
		t.Run(name, func(t *testing.T) {
			objects, sources, url := site(t)
			if c.change != nil {
				c.change(objects, url)
			}
			got, err := sources.Image(t.Context(), url+c.path)
			if !errors.Is(err, bos.ErrImage) || !strings.Contains(err.Error(), c.says) || got != (bos.Image{}) {
				t.Errorf("got %+v, %v; want %q", got, err, c.says)
			}
		})
	}
}

func TestNoErrorRepeatsWhatSignsALinkOrItsPassword(t *testing.T) {
	const secret = "geheim"
	objects := map[string]string{"/boot/1/kernel": "k", "/boot/1/initrd": "i"}
	sources, url := serve(t, objects)
	signed := "?X-Amz-Signature=" + secret
	objects["/boot/1/manifest.json"] = image(url, url+"/boot/1/parameters"+signed)
	objects["/boot/2/manifest.json"] = image(url, "https://ann:"+secret+"@h/parameters")
	for _, path := range []string{
		url + "/boot/1/manifest.json" + signed, strings.Replace(url, "http://", "http://ann:"+secret+"@", 1) + "/boot/1/manifest.json",
		"ftp://ann:" + secret + "@h/m", "s3://b/k" + signed, url + "/boot/1/manifest.json", url + "/boot/2/manifest.json",
	} {
		got, err := sources.Image(t.Context(), path)
		if said := fmt.Sprint(got.Fault, err); strings.Contains(said, secret) || err == nil && got.Fault == "" {
			t.Errorf("%s: it says %s", path, said)
		}
	}
}

func TestAServerThatCannotBeReadNowIsNoImageError(t *testing.T) {
	sources, url := serve(t, nil)
	if _, err := sources.Image(t.Context(), url+"/boot/broken"); err == nil || errors.Is(err, bos.ErrImage) || !strings.Contains(err.Error(), "artifacts.http") {
		t.Errorf("got %v", err)
	}
}

func TestAServerWithoutHEADStillBoots(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }))
	defer s.Close()
	c := web.New(web.Config{Prefixes: []string{s.URL + "/"}})
	if err := c.Check(t.Context(), s.URL+"/kernel"); err != nil {
		t.Error(err)
	}
}

// TestAFileThatIsGoneIsMissingHoweverTheServerSaysSo: the template is wrong then, and not
// the server.
func TestAFileThatIsGoneIsMissingHoweverTheServerSaysSo(t *testing.T) {
	for status, missing := range map[int]bool{404: true, 410: true, 401: false, 403: false, 409: false, 429: false, 500: false, 503: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer s.Close()
		c := web.New(web.Config{Prefixes: []string{s.URL + "/"}, RetryWait: time.Millisecond})
		checked := c.Check(t.Context(), s.URL+"/kernel")
		_, _, read := c.Read(t.Context(), s.URL+"/kernel", 1)
		for _, err := range []error{checked, read} {
			if err == nil || errors.Is(err, bos.ErrImage) != missing || strings.Contains(err.Error(), "there is nothing at") != missing {
				t.Errorf("status %d: %v", status, err)
			}
		}
	}
}
