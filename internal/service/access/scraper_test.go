package access_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

func TestOnlyMetricsAreReadFromLoopbackWithoutAToken(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, from, header string
		is                         bool
	}{
		"a scrape":                     {http.MethodGet, "/metrics", "127.0.0.1:5", "", true},
		"a scrape by IPv6":             {http.MethodGet, "/metrics", "[::1]:5", "", true},
		"a scrape by a mapped one":     {http.MethodGet, "/metrics", "[::ffff:127.0.0.1]:5", "", true},
		"from elsewhere":               {http.MethodGet, "/metrics", "10.0.0.1:5", "", false},
		"from no address":              {http.MethodGet, "/metrics", "@", "", false},
		"a write":                      {http.MethodPost, "/metrics", "127.0.0.1:5", "", false},
		"something else":               {http.MethodGet, "/v2/components", "127.0.0.1:5", "", false},
		"what a proxy passed on":       {http.MethodGet, "/metrics", "127.0.0.1:5", "X-Forwarded-For", false},
		"what another proxy passed on": {http.MethodGet, "/metrics", "127.0.0.1:5", "Via", false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.RemoteAddr = c.from
		if c.header != "" {
			r.Header.Set(c.header, "10.0.0.9")
		}
		who, err := access.LocalScraper{}.Connection(r)
		if (err == nil) != c.is || err != nil && !errors.Is(err, access.ErrUnknown) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if c.is && ((access.Caller{Identity: who}).May(access.ReadMetrics) != nil || (access.Caller{Identity: who}).May(access.ReadRecords) == nil) {
			t.Errorf("%s: it may do something else than to read metrics", name)
		}
	}
}
