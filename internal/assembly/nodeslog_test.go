package assembly

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func TestOnTheNetworkOfTheNodesWhatIsRefusedIsInTheLogAndAllIsCounted(t *testing.T) {
	var log bytes.Buffer
	a, err := New(t.Context(), config.Config{Auth: config.Auth{Mode: config.AuthOff}, Database: filepath.Join(t.TempDir(), "bos.db")}, "0", slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	h := a.Reports()
	lines := func(method, path string) (int, string) {
		log.Reset()
		w := send(t, h, method, path, `{"id":"x1c0s1b0n0","actual_state":{}}`, map[string]string{"Content-Type": "application/json", "X-Request-Id": "of-a-node"})
		said := ""
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `"msg":"request"`) {
				said += line
			}
		}
		return w.Code, said
	}
	for _, path := range []string{"/v2/components/x1c0s1b0n0", "/v2/sessions"} {
		status, said := lines(http.MethodPatch, path)
		if status < http.StatusBadRequest || strings.Count(said, "\n") != 1 || !strings.Contains(said, `"request_id":"of-a-node"`) || !strings.Contains(said, `"from":"192.0.2.1"`) || strings.Contains(said, path) {
			t.Errorf("%s is answered with %d, and the log has %q", path, status, said)
		}
	}
	scrape := send(t, a.Handler(), http.MethodGet, "/metrics", "", nil).Body.String()
	if !strings.Contains(scrape, `bos_http_requests_total{method="PATCH",route="none",status="404"} 1`) {
		t.Errorf("what nodes ask is not counted: %s", scrape)
	}
}
