package ui_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/ui"
)

// mostBytes bounds the whole page, as it is written.
const mostBytes = 150 << 10

func page(t *testing.T) http.Handler {
	t.Helper()
	p, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	return p.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
}

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheWholePageIsSmall(t *testing.T) {
	var all int64
	err := fs.WalkDir(os.DirFS("page"), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		all += info.Size()
		return err
	})
	if err != nil || all == 0 || all > mostBytes {
		t.Errorf("%d bytes, %v", all, err)
	}
}

func TestThePageRunsItsOwnScriptsAloneAndIsFramedByNobody(t *testing.T) {
	h := page(t)
	for _, path := range []string{"/ui", "/ui/", "/apis/bos/ui/", "/ui/none"} {
		res := ask(t, h, "GET", path)
		policy := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: %q is not in %q", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	if body := text(t, ask(t, h, "GET", "/ui/")); regexp.MustCompile(`(?i)<script(\s[^>]*)?>[^<]|style=|\son\w+=|https?://`).MatchString(body) {
		t.Errorf("the document has a script or style of its own, or names another site:\n%s", body)
	}
}

var links = regexp.MustCompile(`(?:href|src)="([^"#]+)"`)

func TestEveryFileThatThePageNamesIsServedAndKeptForEver(t *testing.T) {
	h := page(t)
	for _, base := range []string{"/ui/", "/apis/bos/ui/"} {
		document := ask(t, h, "GET", base)
		if document.Header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(document.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %v", base, document.Header)
		}
		body := text(t, document)
		found := links.FindAllStringSubmatch(body, -1)
		if len(found) < 10 || strings.Contains(body, "ASSETS") || strings.Contains(body, "preloads") {
			t.Fatalf("%s names %d files:\n%s", base, len(found), body)
		}
		for _, link := range found {
			res := ask(t, h, "GET", base+link[1])
			if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d, %v", link[1], res.StatusCode, res.Header)
			}
			if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/javascript") && !strings.HasPrefix(kind, "text/css") {
				t.Errorf("%s is %s", link[1], kind)
			}
		}
	}
}

var imports = regexp.MustCompile(`(?m)^import (?:[^'"]* from )?'([^']+)'`)

func TestEveryModuleThatAnotherImportsIsThere(t *testing.T) {
	root := os.DirFS("page")
	names, err := fs.Glob(root, "*.js")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range imports.FindAllStringSubmatch(string(data), -1) {
			if _, err := fs.Stat(root, strings.TrimPrefix(found[1], "./")); err != nil || !strings.HasPrefix(found[1], "./") {
				t.Errorf("%s imports %s: %v", name, found[1], err)
			}
		}
		if regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage\.setItem\([^)]*token`).Match(data) {
			t.Errorf("%s reads texts as markup, or keeps a token beyond its tab", name)
		}
	}
}

func TestAFileOfAnotherVersionIsNotServedInItsPlace(t *testing.T) {
	h := page(t)
	for _, path := range []string{"/ui/a/0123456789abcdef/app.js", "/ui/a/app.js", "/ui/app.js", "/ui/a/../ui.go", "/ui/a/", "/ui/sessions/x"} {
		res := ask(t, h, "GET", path)
		if res.StatusCode != http.StatusNotFound || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", path, res.StatusCode, res.Header)
		}
	}
	for _, path := range []string{"/", "/v2/components", "/uix", "/apis/bos/uix", "/apis/bos"} {
		if res := ask(t, h, "GET", path); res.StatusCode != http.StatusTeapot {
			t.Errorf("%s is the page's: %d", path, res.StatusCode)
		}
	}
	if res := ask(t, h, "POST", "/ui/"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("a write: %d", res.StatusCode)
	}
	if res := ask(t, h, "GET", "/ui"); res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "ui/" {
		t.Errorf("without a slash: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestAFileIsPackedForWhoUnpacksItAndNotSentAgain(t *testing.T) {
	h := page(t)
	plain := ask(t, h, "GET", "/ui/", "Accept-Encoding", "gzip;q=0")
	packed := ask(t, h, "GET", "/ui/", "Accept-Encoding", "br, gzip;q=0.5")
	if packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v, %v", packed.Header, plain.Header)
	}
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(r)
	if want := text(t, plain); err != nil || string(unpacked) != want {
		t.Errorf("it is another when packed: %v", err)
	}
	again := ask(t, h, "GET", "/ui/", "If-None-Match", `"x", `+plain.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
		t.Errorf("one that is had: %d", again.StatusCode)
	}
	if head := ask(t, h, "HEAD", "/ui/"); head.StatusCode != http.StatusOK || text(t, head) != "" {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
}
