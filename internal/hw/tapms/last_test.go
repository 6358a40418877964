package tapms_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAnOutageOfTAPMSIsNoneForWhoOnlyReads(t *testing.T) {
	var away, gone atomic.Bool
	var asked atomic.Int32
	c := start(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		switch {
		case away.Load():
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
		case gone.Load():
			http.Error(w, `{"message":"record not found"}`, http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, blue)
		}
	})
	now := time.Now()
	c.SetClock(func() time.Time { return now })
	reading := bos.Aged(t.Context())
	want, err := c.TenantNodes(reading, "blue")
	if err != nil || len(want) != 3 {
		t.Fatalf("%v, %v", want, err)
	}
	away.Store(true)
	if got, err := c.TenantNodes(reading, "blue"); err != nil || !slices.Equal(got, want) {
		t.Errorf("a reader got %v, %v", got, err)
	}
	before := asked.Load()
	if got, err := c.TenantNodes(reading, "blue"); err != nil || !slices.Equal(got, want) || asked.Load() != before {
		t.Errorf("a reader was made to wait for TAPMS again, and got %v, %v", got, err)
	}
	if got, err := c.TenantNodes(t.Context(), "blue"); err == nil {
		t.Errorf("who writes got the old answer %v", got)
	}
	if _, err := c.TenantNodes(reading, "green"); err == nil || errors.Is(err, bos.ErrNotFound) {
		t.Errorf("a tenant that was never asked for: %v", err)
	}
	now = now.Add(5 * time.Minute)
	if got, err := c.TenantNodes(reading, "blue"); err == nil {
		t.Errorf("an answer of five minutes ago was given: %v", got)
	}
	away.Store(false)
	if got, err := c.TenantNodes(reading, "blue"); err != nil || !slices.Equal(got, want) {
		t.Errorf("after the outage: %v, %v", got, err)
	}
	gone.Store(true)
	now = now.Add(time.Second)
	if _, err := c.TenantNodes(reading, "blue"); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("a tenant that was deleted: %v", err)
	}
	away.Store(true)
	if got, err := c.TenantNodes(reading, "blue"); err == nil {
		t.Errorf("a tenant that was deleted has nodes again in an outage: %v", got)
	}
}
