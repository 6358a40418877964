package hsm

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestTheStatesOfNodesAreThoseOfHSM(t *testing.T) {
	body := `{"Components":[{"ID":"X1000c0s0b0n0","Type":"Node","State":"Ready"},{"ID":"x1000c0s0b0n1","Type":"Node","State":"Off"},{"ID":"x1000c0s0b1n0","Type":"Node"}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/State/Components" || r.URL.Query().Get("type") != "Node" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	c := New(transport.Upstream{URL: server.URL})
	states, err := c.States(t.Context())
	if err != nil || len(states) != 3 || states["x1000c0s0b0n0"] != "Ready" || states["x1000c0s0b0n1"] != "Off" || states["x1000c0s0b1n0"] != "" {
		t.Errorf("%v, %v", states, err)
	}
	body = `{}`
	if states, err = c.States(t.Context()); err == nil {
		t.Errorf("no list is taken as %v", states)
	}
}
