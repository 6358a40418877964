package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

func TestOnlyLoopbackIsListenedOnUnlessAllowed(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "127.9.9.9:0": true,
		"0.0.0.0:0": false, "[::]:0": false, ":0": false, "10.255.255.1:0": false, "bos.example:0": false,
	} {
		l, err := listen(t.Context(), config.Config{Listen: address}, false)
		switch {
		case err == nil:
			_ = l.Close()
			if !allowed {
				t.Errorf("%s was listened on", address)
			}
		case !allowed && (!strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "--allow-remote")):
			t.Errorf("%s: %v", address, err)
		case allowed && strings.Contains(err.Error(), "--allow-remote"): // a machine may have no IPv6
			t.Errorf("%s: %v", address, err)
		}
	}
	l, err := listen(t.Context(), config.Config{Listen: "0.0.0.0:0"}, true)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestNoResolverSaysWhereLocalhostIs(t *testing.T) {
	for given, want := range map[string]string{"localhost:8770": "127.0.0.1:8770", "[::1]:0": "[::1]:0", "0.0.0.0:1": "0.0.0.0:1", "localhost.example:1": "localhost.example:1"} {
		if got := ofThisMachine(given); got != want {
			t.Errorf("%s is listened on as %s, want %s", given, got, want)
		}
	}
}

func TestTheNetworkOfTheNodesHasLittleRoomForEachOfThem(t *testing.T) {
	l, err := listen(t.Context(), config.Config{Listen: "127.0.0.1:0"}, false)
	if err != nil {
		t.Fatal(err)
	}
	server := forNodes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	if server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 {
		t.Errorf("a node may hold a connection for ever: %+v", server)
	}
	running := httptest.Server{Listener: edge.Bound(l, maxNodes, maxNodesAddress), Config: server}
	running.Start()
	defer running.Close()
	for size, want := range map[int]int{1 << 10: http.StatusNoContent, 32 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", size))
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("a header of %d bytes is answered %d, want %d", size, res.StatusCode, want)
		}
	}
}
