package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// hanging is a database that answers nothing before whoever asks gives up.
type hanging struct{ bos.Store }

func (hanging) Options(ctx context.Context) (bos.Options, error) {
	<-ctx.Done()
	return bos.Options{}, ctx.Err()
}

func (h hanging) MutateOptions(ctx context.Context, _ func(*bos.Options) error, _ ...bos.Event) (bos.Options, error) {
	return h.Options(ctx)
}

func asked(t *testing.T, c Config, method, path string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	r.Header.Set("Content-Type", "application/json")
	access.Open(New(c)).ServeHTTP(w, r)
	return w
}

func TestARequestIsAnsweredWhateverHangs(t *testing.T) {
	for name, tc := range map[string]struct{ method, body, says string }{
		"one that reads":  {http.MethodGet, "", "found no answer within 3m0s"},
		"one that writes": {http.MethodPatch, `{"polling_frequency": 7}`, "not known whether anything was written"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := asked(t, Config{Store: hanging{}}, tc.method, "/v2/options", strings.NewReader(tc.body))
				if took := time.Since(began); took != requestTime {
					t.Errorf("it was answered after %s", took)
				}
				if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), tc.says) {
					t.Errorf("it was answered %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

// slowBody comes byte by byte, each after a pause.
type slowBody struct {
	text  string
	pause time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, io.EOF
	}
	<-time.After(b.pause)
	p[0] = b.text[0]
	b.text = b.text[1:]
	return 1, nil
}

func TestASlowClientHasTheTimeThatItsRequestTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := asked(t, Config{Store: hanging{}}, http.MethodPatch, "/v2/options", &slowBody{`{"polling_frequency": 7}`, time.Minute})
		if took, sent := time.Since(began), 24*time.Minute; took != sent+requestTime {
			t.Errorf("it was answered after %s, %d %s", took, w.Code, w.Body)
		}
	})
}

// contended is a template that others change all the time.
type contended struct {
	bos.Store
	changes *atomic.Int64
}

func (contended) Options(context.Context) (bos.Options, error) {
	o := bos.DefaultOptions()
	o.IMSErrorsFatal = true
	return o, nil
}

func (c contended) Template(context.Context, string, string) (bos.SessionTemplate, error) {
	return bos.SessionTemplate{Name: "t", Description: fmt.Sprint(c.changes.Add(1)), BootSets: map[string]bos.BootSet{"c": {
		Path: "s3://boot-images/0c4e1a52-9d1e-4b2c-8b1f-6d2f3b7f3c11/manifest.json", Type: "s3", NodeRolesGroups: []string{"Compute"},
	}}}, nil
}

func (c contended) MutateTemplate(_ context.Context, _, _ string, change func(*bos.SessionTemplate, bool) error, _ ...bos.Event) (bos.SessionTemplate, error) {
	other := bos.SessionTemplate{Name: "t", Description: "of somebody else"}
	return other, change(&other, true)
}

// slowImages is a registry that takes long.
type slowImages struct{ bos.Images }

func (i slowImages) ImageRecord(ctx context.Context, _ string) (bos.ImageRecord, error) {
	select {
	case <-time.After(50 * time.Second):
		return bos.ImageRecord{}, nil
	case <-ctx.Done():
		return bos.ImageRecord{}, ctx.Err()
	}
}

// TestPatchesOfOneTemplateThatWaitForEachOtherAreAllAnswered: each asks a registry that
// takes long, again and again, while others change the template.
func TestPatchesOfOneTemplateThatWaitForEachOtherAreAllAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes atomic.Int64
		h := access.Open(New(Config{Store: contended{changes: &changes}, Images: slowImages{}}))
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				began := time.Now()
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/v2/sessiontemplates/t", strings.NewReader(`{"description": "mine"}`))
				r.Header.Set("Content-Type", "application/json")
				h.ServeHTTP(w, r)
				if took := time.Since(began); took > requestTime || w.Code != http.StatusServiceUnavailable {
					t.Errorf("it was answered after %s: %d %s", took, w.Code, w.Body)
				}
			})
		}
		all.Wait()
	})
}
