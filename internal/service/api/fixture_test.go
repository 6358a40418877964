package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is a service on a database of its own, with an inventory, images and
// tenants that a test can change.
type site struct {
	t     *testing.T
	store bos.Store
	// stores are those of the services that share the database, of which store is one.
	stores  []bos.Store
	handler http.Handler
	config  Config

	mu      sync.Mutex
	now     time.Time
	inv     bos.Inventory
	invErr  error
	images  map[string]bos.Image
	imgErr  error
	tenants map[string][]string
	changes []Change
	// seen notes what of the document was answered, if it is not nil.
	seen map[exchanged]bool
}

func newSite(t *testing.T, with ...func(*Config)) *site {
	t.Helper()
	stores := openStores(t)
	store := stores[0]
	s := &site{t: t, store: store, stores: stores, now: noon, inv: bos.Inventory{
		Nodes: []bos.Node{
			{ID: "x1c0s1b0n0", Role: "Compute", Enabled: true},
			{ID: "x1c0s2b0n0", Role: "Compute", Enabled: true},
			{ID: "x1c0s3b0n0", Role: "Compute", Enabled: true},
			{ID: "x1c0s4b0n0", Role: "Application", Enabled: true},
		},
		Groups: map[string][]string{"blue": {"x1c0s1b0n0", "x1c0s2b0n0"}},
	}, images: map[string]bos.Image{
		"s3://boot-images/one/manifest.json": {Path: "s3://boot-images/one/manifest.json", ETag: "e1", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}, Rootfs: bos.Artifact{Path: "r"}},
	}, tenants: map[string][]string{"red": {"x1c0s1b0n0"}, "empty": nil}}
	s.config = Config{
		Store: store, Inventory: s, Names: s, Artifacts: s, Tenants: s, Configuration: true,
		Changed: s.changed, Now: s.clock, Version: "1.2.3",
	}
	for _, change := range with {
		change(&s.config)
	}
	s.serveAll()
	return s
}

// serveAll serves the site as its config is now.
func (s *site) serveAll() { s.handler = access.Open(s.api()) }

// api is the API as the config of the site is now. Where several services share a database
// each request goes to the next of them.
func (s *site) api() http.Handler {
	var handlers []http.Handler
	for _, store := range s.stores {
		config := s.config
		if config.Store == s.store {
			config.Store = store
		}
		handlers = append(handlers, New(config))
	}
	var turn atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[int(turn.Add(1))%len(handlers)].ServeHTTP(w, r)
	})
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) changed(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
}

// lastChange is what the engine was told last.
func (s *site) lastChange() Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) == 0 {
		return Change{}
	}
	return s.changes[len(s.changes)-1]
}

func (s *site) Inventory(context.Context) (bos.Inventory, error) { return s.inv, s.invErr }

func (s *site) NodeNames(context.Context) ([]bos.NodeName, error) {
	return []bos.NodeName{{ID: "x1c0s1b0n0", NID: 7, MACs: []string{"a4:bf:01:28:90:a8"}}}, s.invErr
}

func (s *site) Image(_ context.Context, path string) (bos.Image, error) {
	if s.imgErr != nil {
		return bos.Image{}, s.imgErr
	}
	image, ok := s.images[path]
	if !ok {
		return bos.Image{}, fmt.Errorf("%w: there is nothing at %s", bos.ErrImage, path)
	}
	return image, nil
}

func (s *site) TenantNodes(_ context.Context, tenant string) ([]string, error) {
	nodes, ok := s.tenants[tenant]
	if !ok {
		return nil, bos.ErrNotFound
	}
	return nodes, nil
}

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// do sends a request; body is text, or a value for JSON, or nil. headers are
// names and values in turn.
func (s *site) do(method, path string, body any, headers ...string) reply {
	s.t.Helper()
	var reader io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case io.Reader:
		reader = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		reader = strings.NewReader(string(text))
	}
	var sent bytes.Buffer
	if _, streamed := body.(io.Reader); !streamed {
		reader = io.TeeReader(reader, &sent)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, reader)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	s.holdToDocument(r, reader, &sent, w)
	return reply{s.t, method + " " + path, w.Code, w.Header(), w.Body.String()}
}

// ok demands a status and decodes the answer.
func (r reply) ok(status int, into any) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.what, r.status, status, r.body)
	}
	if into != nil {
		if got := r.header.Get("Content-Type"); got != "application/json" {
			r.t.Errorf("%s: Content-Type %q", r.what, got)
		}
		if err := json.Unmarshal([]byte(r.body), into); err != nil {
			r.t.Fatalf("%s: %v in %s", r.what, err, r.body)
		}
	}
	return r
}

// refused demands a problem of this status whose title is title, if that is
// not empty, and whose detail has all the words.
func (r reply) refused(status int, title string, words ...string) {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.what, r.status, status, r.body)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("%s: Content-Type %q, want a problem", r.what, got)
	}
	var p map[string]any
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		r.t.Fatalf("%s: %v in %s", r.what, err, r.body)
	}
	detail, _ := p["detail"].(string)
	if p["type"] != "about:blank" || p["status"] != float64(status) || p["title"] == "" || detail == "" || len(p) != 4 {
		r.t.Errorf("%s: not a whole problem: %s", r.what, r.body)
	}
	if status == http.StatusBadRequest && title == "" {
		title = "Bad Request"
	}
	if title != "" && p["title"] != title {
		r.t.Errorf("%s: title %q, want %q", r.what, p["title"], title)
	}
	for _, word := range words {
		if !strings.Contains(detail, word) {
			r.t.Errorf("%s: detail %q does not say %q", r.what, detail, word)
		}
	}
}

type object = map[string]any

// template is a template that boots the compute nodes.
func template() object {
	return object{"boot_sets": object{"compute": object{
		"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
}

// with is a copy of o with one member set.
func with(o object, name string, value any) object {
	c := object{}
	for k, v := range o {
		c[k] = v
	}
	c[name] = value
	return c
}

// withSet is a template whose boot set compute has one more member.
func withSet(name string, value any) object {
	set := template()["boot_sets"].(object)["compute"].(object)
	return object{"boot_sets": object{"compute": with(set, name, value)}}
}

func (s *site) putTemplate(name string, t object, headers ...string) {
	s.t.Helper()
	s.do("PUT", "/v2/sessiontemplates/"+name, t, headers...).ok(http.StatusOK, nil)
}

// record puts a component into the store as the engine would leave it.
func (s *site) record(id string, change func(*bos.Record)) {
	s.t.Helper()
	_, err := s.store.MutateComponents(s.t.Context(), []string{id}, func(r *bos.Record, _ bool) error {
		r.LastAction.Action = bos.ActionNewlyDiscovered
		if change != nil {
			change(r)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) stored(id string) bos.Record {
	s.t.Helper()
	records, err := s.store.Components(s.t.Context(), bos.ComponentFilter{IDs: []string{id}})
	if err != nil || len(records) != 1 {
		s.t.Fatalf("component %s: %d records, %v", id, len(records), err)
	}
	return records[0]
}

// token makes a BSS token known.
func (s *site) token(token string, a bos.BootArtifacts) {
	s.t.Helper()
	lease, err := s.store.Lease(s.t.Context(), "test", s.clock(), bos.Lease{})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.store.Commit(s.t.Context(), bos.Commit{Tokens: map[string]bos.BootArtifacts{token: a}, Fence: lease.Fence}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) setSession(name string, change func(*bos.SessionRecord)) {
	s.t.Helper()
	_, err := s.store.MutateSession(s.t.Context(), bos.SessionKey{Name: name}, func(r *bos.SessionRecord) error {
		change(r)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

var errOutage = errors.New("connection refused")
