package provider_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
)

// listed is the bundled service over an inventory file and a folder of images, for
// tests of what it tells of them: it has no power, and drives nothing.
type listed struct {
	url string
	// images is the folder; an image's path begins with file:// and it.
	images string
	// asked are the requests; plain makes it a v2 server without extensions.
	mu    sync.Mutex
	asked []string
	plain bool
}

// URL is the endpoint.
func (l *listed) URL() string { return l.url }

// Plain makes it a v2 server without extensions.
func (l *listed) Plain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plain = true
}

// Requests counts the requests of a method, or of any, whose path ends so.
func (l *listed) Requests(method, pathEnd string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, request := range l.asked {
		m, path, _ := strings.Cut(request, " ")
		if (method == "" || m == method) && strings.HasSuffix(path, pathEnd) {
			n++
		}
	}
	return n
}

// startListed runs it until the test ends; nodes is the inventory, tenants may be
// empty.
func startListed(t *testing.T, nodes, tenants string) *listed {
	t.Helper()
	dir := t.TempDir()
	l := &listed{images: filepath.Join(dir, "images")}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	settings := fmt.Sprintf("database: %s\ninventory: { file: %s }\nartifacts: { files: { root: %s } }\n",
		filepath.Join(dir, "bos.db"), write("nodes.yaml", nodes), filepath.Dir(write("images/.keep", "")))
	if tenants != "" {
		settings += fmt.Sprintf("tenants: { file: %s }\n", write("tenants.yaml", tenants))
	}
	parsed, err := assembly.Parse(settings)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Auth.Mode = "off"
	a, err := assembly.New(context.Background(), parsed, "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	handler := a.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.asked = append(l.asked, r.Method+" "+r.URL.Path)
		plain := l.plain
		l.mu.Unlock()
		if plain && strings.HasPrefix(r.URL.Path, "/x/") {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	l.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
