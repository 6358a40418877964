package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestARequestThatChangesSomethingIsSentOnlyWhileAllItsNodesMayBeActedOn(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method)
	}))
	defer server.Close()
	c := transport.New(transport.Config{Upstream: "BSS"}, &http.Transport{})
	defer c.Close()
	ctx := bos.WithPermission(t.Context(), func(node string) bool { return node != "gone" })
	send := func(ctx context.Context, method string) *transport.Error {
		var failed *transport.Error
		_, err := c.Do(ctx, transport.Request{Method: method, URL: server.URL})
		errors.As(err, &failed)
		return failed
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if failed := send(bos.ActingOn(ctx, "here", "gone"), method); failed == nil || failed.Kind != transport.NotSent || !failed.Cancelled {
			t.Errorf("%s for a node that is not to be acted on ended with %v", method, failed)
		}
		if failed := send(bos.ActingOn(ctx, "here"), method); failed != nil {
			t.Errorf("%s for one that is: %v", method, failed)
		}
	}
	if failed := send(bos.ActingOn(ctx, "gone"), http.MethodGet); failed != nil {
		t.Errorf("a read: %v", failed)
	}
	if want := []string{"POST", "PUT", "PATCH", "DELETE", "GET"}; !slices.Equal(seen, want) {
		t.Errorf("sent %v, want %v", seen, want)
	}
}
