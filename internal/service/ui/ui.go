// Package ui serves the page on which people see what the service does: files that
// are compiled in and hold nothing of the site. What the page shows it asks of the API,
// with a token that whoever looks at it gives it; so these files are everybody's.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

//go:embed page
var page embed.FS

// Prefixes are the paths of the page: at the root, and where CSM's gateway has this
// service.
var Prefixes = []string{"/ui", "/apis/bos/ui"}

const (
	// policy lets the page run its own scripts and ask its own service, and nothing else:
	// what an upstream wrote into an error is never run, and nobody frames the page.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	// placeholder stands in the document for where its files are, preloads for the modules
	// that it begins with.
	placeholder = "ASSETS"
	preloads    = "<!--preloads-->"
	document    = "index.html"
)

// asset is a file as it is sent.
type asset struct {
	kind          string
	plain, packed []byte
}

// Page is the page, read once.
type Page struct {
	// hash is of all files: one that changed gives all of them another path, so that they
	// may be kept for ever and never fit each other badly.
	hash  string
	files map[string]asset
	// document is what the page begins with. It says relative to itself where the files
	// are, as nobody knows what a proxy puts in front.
	document asset
}

// New reads what is compiled in.
func New() (*Page, error) {
	root, err := fs.Sub(page, "page")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(root, "*")
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	read := make(map[string][]byte)
	for _, name := range names {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		read[name] = data
		sum.Write(data)
	}
	p := &Page{hash: hex.EncodeToString(sum.Sum(nil))[:16], files: make(map[string]asset)}
	var modules []string
	for _, name := range names {
		if name == document {
			continue
		}
		if path.Ext(name) == ".js" {
			modules = append(modules, name)
		}
		if p.files[name], err = pack(name, read[name]); err != nil {
			return nil, err
		}
	}
	slices.Sort(modules)
	p.document, err = pack(document, written(read[document], modules, "a/"+p.hash))
	return p, err
}

// written is the document with where its files are.
func written(text []byte, modules []string, at string) []byte {
	var links strings.Builder
	for _, name := range modules {
		links.WriteString(`<link rel="modulepreload" href="` + placeholder + `/` + name + "\">\n")
	}
	text = bytes.ReplaceAll(text, []byte(preloads), []byte(strings.TrimSpace(links.String())))
	return bytes.ReplaceAll(text, []byte(placeholder), []byte(at))
}

func pack(name string, data []byte) (asset, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := w.Write(data); err != nil {
		return asset{}, err
	}
	if err := w.Close(); err != nil {
		return asset{}, err
	}
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // what a machine has in its tables may say otherwise
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	}
	return asset{kind, data, packed.Bytes()}, nil
}

// Handler serves the page, and passes all else on.
func (p *Page) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, prefix := range Prefixes {
			if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix); ok && (rest == "" || rest[0] == '/') {
				p.serve(w, r, rest)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Page) serve(w http.ResponseWriter, r *http.Request, rest string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		edge.Problemf(http.StatusMethodNotAllowed, "this is a page, which is read; use GET").Write(w)
		return
	}
	if rest == "" { // relative, as a proxy may have put something in front
		h.Set("Location", "ui/")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	if name, ok := strings.CutPrefix(rest, "/a/"); ok {
		found, ok := p.files[strings.TrimPrefix(name, p.hash+"/")]
		if !ok || !strings.HasPrefix(name, p.hash+"/") {
			edge.Problemf(http.StatusNotFound, "this service has no such file of its page; load the page anew, as another version of the service may have had it").Write(w)
			return
		}
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		send(w, r, found, p.hash)
		return
	}
	if rest != "/" {
		edge.Problemf(http.StatusNotFound, "the page has nothing there; it is at ui/, and its views are behind the # of that").Write(w)
		return
	}
	h.Set("Cache-Control", "no-cache")
	send(w, r, p.document, p.hash)
}

// send answers with a file, packed for who can unpack it.
func send(w http.ResponseWriter, r *http.Request, f asset, hash string) {
	h := w.Header()
	data, tag := f.plain, `"`+hash+`"`
	h.Set("Vary", "Accept-Encoding")
	if unpacks(r) {
		h.Set("Content-Encoding", "gzip")
		data, tag = f.packed, `"`+hash+`-gzip"`
	}
	h.Set("ETag", tag)
	h.Set("Content-Type", f.kind)
	if slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(data) // the client is gone if this fails
}

// unpacks reports whether a client takes gzip.
func unpacks(r *http.Request) bool {
	for entry := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(entry, ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
