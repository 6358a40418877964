package assembly

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func TestASiteThatStartsOnHoldStaysPausedUntilItIsResumed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	pause := func() bos.SitePause {
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close() //nolint:errcheck // it was read only
		p, err := store.SitePause(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	start := func(hold bool) {
		a, err := New(t.Context(), config.Config{Database: path}, "1", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if hold {
			if err := a.Hold(t.Context(), "restored"); err != nil {
				t.Error(err)
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	start(false)
	if pause().On() {
		t.Error("a site is paused that nobody paused")
	}
	start(true)
	first := pause()
	if !first.On() || first.Reason != "restored" {
		t.Errorf("it is %+v", first)
	}
	start(true)
	start(false)
	if pause() != first {
		t.Errorf("after other starts it is %+v, was %+v", pause(), first)
	}
}
