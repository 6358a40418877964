package ims_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/ims"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const id = "00000000-0000-4000-8000-000000000001"

func start(t *testing.T, h http.HandlerFunc) *ims.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := ims.NewImpatient(transport.Upstream{URL: s.URL + "/v3/"})
	t.Cleanup(c.Close)
	return c
}

func TestAnImageIsReadByItsID(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v3/images/"+id {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		_, _ = io.WriteString(w, `{"id":"`+id+`","name":"compute","created":"2026-01-02T03:04:05Z","arch":"aarch64",
			"link":{"path":"s3://boot-images/`+id+`/manifest.json","etag":"e","type":"s3"},"metadata":{"sbps-project":"true"}}`)
	})
	got, err := c.ImageRecord(t.Context(), id)
	if diff := cmp.Diff(bos.ImageRecord{ID: id, Arch: "aarch64"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestATagIsSetAlone(t *testing.T) {
	c := start(t, func(_ http.ResponseWriter, r *http.Request) {
		var got map[string]any
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		want := map[string]any{"metadata": map[string]any{"operation": "set", "key": "sbps-project", "value": "true"}}
		if diff := cmp.Diff(want, got); diff != "" || r.Method != http.MethodPatch || r.URL.Path != "/v3/images/"+id {
			t.Errorf("asked %s %s\n%s", r.Method, r.URL, diff)
		}
	})
	if err := c.Tag(t.Context(), id, bos.SBPSTag, bos.SBPSTagValue); err != nil {
		t.Error(err)
	}
}

func TestAnImageThatIsNotThereIsToldFromAnIMSThatIsNotThere(t *testing.T) {
	for status, missing := range map[int]bool{404: true, 400: true, 401: false, 500: false, 503: false} {
		c := start(t, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"detail":"what IMS says"}`, status)
		})
		_, read := c.ImageRecord(t.Context(), "../images/x")
		for _, err := range []error{read, c.Tag(t.Context(), id, "k", "v")} {
			if errors.Is(err, bos.ErrNotFound) != missing || !strings.Contains(err.Error(), "what IMS says") || !strings.Contains(err.Error(), "images.ims.url") {
				t.Errorf("status %d: %v", status, err)
			}
		}
	}
}

func TestAGatewayThatKnowsNoPathSaysNothingOfAnImage(t *testing.T) {
	for _, status := range []int{200, 404} {
		c := start(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>the gateway reloads</html>")
		})
		_, read := c.ImageRecord(t.Context(), id)
		for _, err := range []error{read, c.Tag(t.Context(), id, "k", "v")} {
			if err == nil || errors.Is(err, bos.ErrNotFound) {
				t.Errorf("status %d: %v", status, err)
			}
		}
	}
}

func TestAnotherServiceIsNoIMS(t *testing.T) {
	for _, body := range []string{`{}`, `[]`, ``} {
		c := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if _, err := c.ImageRecord(t.Context(), id); err == nil || errors.Is(err, bos.ErrNotFound) || !strings.Contains(err.Error(), "images.ims.url") {
			t.Errorf("%q: %v", body, err)
		}
	}
}
