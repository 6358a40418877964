package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	rules "github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
)

const (
	path      = "s3://boot-images/1/manifest.json"
	accessKey = "AKIAEXAMPLEKEY"
	secretKey = "wJalrXUtnFEMIexample"
)

const manifest = `{"version":"1.0","artifacts":[
	{"link":{"path":"s3://boot-images/1/kernel","etag":"k1","type":"s3"},"type":"application/vnd.cray.image.kernel"},
	{"link":{"path":"s3://boot-images/1/initrd","etag":"i1","type":"s3"},"type":"application/vnd.cray.image.initrd"},
	{"link":{"path":"s3://boot-images/1/rootfs","etag":"r1","type":"s3"},"type":"application/vnd.cray.image.rootfs.squashfs"},
	{"link":{"path":"s3://boot-images/1/boot_parameters","etag":"p1","type":"s3"},"type":"application/vnd.cray.image.parameters.boot"}]}`

func whole() map[string]string {
	return map[string]string{
		"/boot-images/1/manifest.json":   manifest,
		"/boot-images/1/kernel":          "kernel",
		"/boot-images/1/initrd":          "initrd",
		"/boot-images/1/boot_parameters": "quiet console=ttyS0\n",
	}
}

// store is a bucket store that knows objects, and answers everything with the
// status and code of fail if that is set.
type store struct {
	objects map[string]string
	fail    int
	code    string

	mu    sync.Mutex
	asked []string
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	body, ok := s.objects[r.URL.Path]
	status, code := s.fail, s.code
	switch {
	case status != 0:
	case !strings.HasPrefix(r.URL.Path, "/boot-images/"):
		status, code = http.StatusNotFound, "NoSuchBucket"
	case !ok:
		status, code = http.StatusNotFound, "NoSuchKey"
	}
	if status != 0 {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>store says %s</Message></Error>`, code, code)
		return
	}
	w.Header().Set("ETag", `"etag-of-`+r.URL.Path+`"`)
	if !strings.HasPrefix(r.URL.Path, "/boot-images/undated/") {
		w.Header().Set("Last-Modified", time.Unix(1, 0).UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = fmt.Fprint(w, body)
	}
}

func start(t *testing.T, s *store) *s3.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return open(t, server.URL, 5*time.Second)
}

func open(t *testing.T, endpoint string, timeout time.Duration) *s3.Client {
	t.Helper()
	c, err := s3.Open(s3.Config{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey, Timeout: timeout, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func failure(t *testing.T, c *s3.Client, path string, missing bool, parts ...string) {
	t.Helper()
	got, err := c.Image(t.Context(), path)
	if err == nil || got != (bos.Image{}) || errors.Is(err, bos.ErrImage) != missing {
		t.Fatalf("got %+v, %v; ErrImage wanted: %v", got, err, missing)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	for _, secret := range []string{accessKey, secretKey, "Signature", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q holds %q", err, secret)
		}
	}
}

func TestAnImageIsItsManifestWithItsOwnParameters(t *testing.T) {
	s := &store{objects: whole()}
	got, err := start(t, s).Image(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := bos.Image{
		Path: path, ETag: "etag-of-/boot-images/1/manifest.json",
		Kernel:     bos.Artifact{Path: "s3://boot-images/1/kernel", ETag: "k1"},
		Initrd:     bos.Artifact{Path: "s3://boot-images/1/initrd", ETag: "i1"},
		Rootfs:     bos.Artifact{Path: "s3://boot-images/1/rootfs", ETag: "r1"},
		Parameters: "quiet console=ttyS0\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
	asked := []string{"GET /boot-images/1/manifest.json", "HEAD /boot-images/1/kernel", "HEAD /boot-images/1/initrd", "GET /boot-images/1/boot_parameters"}
	if diff := cmp.Diff(asked, s.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func without(name string) map[string]string {
	objects := whole()
	delete(objects, "/boot-images/1/"+name)
	return objects
}

func with(name, body string) map[string]string {
	objects := whole()
	objects["/boot-images/1/"+name] = body
	return objects
}

func TestAnImageThatNodesCannotBootIsReadWithItsFault(t *testing.T) {
	noInitrd := strings.Replace(manifest, "vnd.cray.image.initrd", "x", 1)
	for _, c := range []struct {
		name    string
		objects map[string]string
		says    string
	}{
		{"no initrd", without("initrd"), "nothing at s3://boot-images/1/initrd"},
		{"no initrd in the manifest", with("manifest.json", noInitrd), path + " does not name one artifact of type application/vnd.cray.image.initrd"},
		{"no parameters where they are named", without("boot_parameters"), "nothing at s3://boot-images/1/boot_parameters"},
		{"parameters above their cap", with("boot_parameters", strings.Repeat("x", rules.MaxParameters+1)), "larger than 65536 bytes"},
		{"parameters that are no text", with("boot_parameters", "a\xff"), "no text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := start(t, &store{objects: c.objects}).Image(t.Context(), path)
			if err != nil || got.Kernel.Path == "" || !strings.Contains(got.Fault, c.says) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAMissingOrBrokenImageIsAnImageError(t *testing.T) {
	for _, c := range []struct {
		name, path string
		objects    map[string]string
		says       string
	}{
		{"no manifest", path, without("manifest.json"), path},
		{"no kernel", path, without("kernel"), "s3://boot-images/1/kernel"},
		{"no bucket", "s3://elsewhere/1/manifest.json", whole(), "s3://elsewhere/1/manifest.json"},
		{"a bucket that cannot be", "s3://B!/1/manifest.json", whole(), "B!"},
		{"a path of another kind", "http://h/manifest.json", whole(), "artifacts.http"},
		{"a path of no kind", "boot-images/1/manifest.json", whole(), "s3://bucket/key"},
		{"a path without key", "s3://boot-images", whole(), "s3://bucket/key"},
		{"no path", "", whole(), "s3://bucket/key"},
		{"a manifest that is none", path, with("manifest.json", "{"), "no manifest"},
		{"an empty manifest", path, with("manifest.json", ""), "no manifest"},
		{"a manifest above its cap", path, with("manifest.json", manifest+strings.Repeat(" ", rules.MaxManifest)), "larger than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			failure(t, start(t, &store{objects: c.objects}), c.path, true, c.says)
		})
	}
}

func TestSizesAtTheirCapsAreRead(t *testing.T) {
	objects := whole()
	objects["/boot-images/1/manifest.json"] += strings.Repeat(" ", rules.MaxManifest-len(manifest))
	objects["/boot-images/1/boot_parameters"] = strings.Repeat("x", rules.MaxParameters)
	got, err := start(t, &store{objects: objects}).Image(t.Context(), path)
	if err != nil || len(got.Parameters) != rules.MaxParameters {
		t.Errorf("%d bytes, %v", len(got.Parameters), err)
	}
}

func TestAManifestWithoutLengthIsCappedAsWell(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Unix(1, 0).UTC().Format(http.TimeFormat))
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for range rules.MaxManifest/len(chunk) + 1 {
			_, _ = w.Write(chunk)
			w.(http.Flusher).Flush()
		}
	}))
	defer server.Close()
	_, err := open(t, server.URL, 5*time.Second).Image(t.Context(), path)
	if !errors.Is(err, bos.ErrImage) || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

func TestAStoreThatCannotBeReadNowIsNoImageError(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
	}{{403, "AccessDenied"}, {403, "InvalidAccessKeyId"}, {403, "RequestTimeTooSkewed"}, {500, "InternalError"}, {503, "SlowDown"}} {
		t.Run(c.code, func(t *testing.T) {
			failure(t, start(t, &store{fail: c.status, code: c.code}), path, false, path, fmt.Sprint(c.status), c.code, "artifacts.s3")
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		failure(t, open(t, server.URL, 5*time.Second), path, false, path, server.URL, "refused", "artifacts.s3")
	})
	t.Run("no answer", func(t *testing.T) {
		over := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
		defer server.Close()
		defer close(over)
		failure(t, open(t, server.URL, 50*time.Millisecond), path, false, path, "50ms", "artifacts.s3")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := start(t, &store{objects: whole()}).Image(ctx, path)
		if !errors.Is(err, context.Canceled) || errors.Is(err, bos.ErrImage) || !strings.Contains(err.Error(), "cancelled") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAStoreThatRepeatsTheKeysOfARequestIsToldOfWithoutThem(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<Error><Code>%[1]s</Code><Message>%[1]s %[2]s the-secret</Message></Error>", r.Header.Get("X-Amz-Security-Token"), r.Header.Get("Authorization"))
	}))
	defer server.Close()
	c, err := s3.Open(s3.Config{Endpoint: server.URL, AccessKey: "known", SecretKey: "the-secret", SessionToken: "the-session", Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	reads := func() error { _, err := c.Image(t.Context(), path); return err }
	writes := func() error { return c.Put(t.Context(), path, []byte("x")) }
	tries := func() error {
		code, message, err := c.Try(t.Context(), "boot-images", "k/")
		return errors.Join(err, fmt.Errorf("%s %s", code, message))
	}
	for what, err := range map[string]error{"read": reads(), "written": writes(), "tried": tries()} {
		if text := err.Error(); strings.Contains(text, "the-se") || !strings.Contains(text, "***") || !strings.Contains(text, "known") {
			t.Errorf("when it is %s: %s", what, text)
		}
		if _, signed, ok := strings.Cut(err.Error(), "Signature="); !ok || !strings.HasPrefix(signed, "***") {
			t.Errorf("a signature is told when it is %s: %s", what, err)
		}
	}
}

func TestManyMayReadAtOnce(t *testing.T) {
	c := start(t, &store{objects: whole()})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Image(t.Context(), path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		config s3.Config
		says   string
	}{
		"no endpoint":            {s3.Config{}, "artifacts.s3.endpoint"},
		"no scheme":              {s3.Config{Endpoint: "rgw:8080"}, "artifacts.s3.endpoint"},
		"a path":                 {s3.Config{Endpoint: "http://rgw/s3"}, "artifacts.s3.endpoint"},
		"credentials in the URL": {s3.Config{Endpoint: "http://a:" + secretKey + "@rgw"}, "artifacts.s3.endpoint"},
		"half of the keys":       {s3.Config{Endpoint: "http://rgw", AccessKey: "a"}, "secret key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s3.Open(c.config)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secretKey) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := s3.New("http://rgw:8080/", "", ""); err != nil {
		t.Errorf("a public store: %v", err)
	}
}

func TestAStoreThatSaysNothingOfTheTimeIsRead(t *testing.T) {
	objects := whole()
	for name, body := range whole() {
		objects[strings.Replace(name, "/boot-images/1/", "/boot-images/undated/", 1)] = strings.ReplaceAll(body, "boot-images/1/", "boot-images/undated/")
	}
	if _, err := start(t, &store{objects: objects}).Image(t.Context(), "s3://boot-images/undated/manifest.json"); err != nil {
		t.Error(err)
	}
}
