package emulator

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

func TestRequestsAreCountedByRouteUntilSomebodyBeginsAnew(t *testing.T) {
	s, err := Start(t.Context(), ServerConfig{Config: machineroom.Config{Nodes: 2}, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	ask := func(method, path string) (body []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints().S3+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var raw json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&raw); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	ask(http.MethodGet, "/hsm/v2/groups")
	ask(http.MethodGet, "/hsm/v2/State/Components/"+first)
	ask(http.MethodGet, "/hsm/v2/State/Components/"+second)
	want := map[string]int{"GET /hsm/v2/groups": 1, "GET /hsm/v2/State/Components/{id}": 2}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		var got map[string]int
		if err := json.Unmarshal(ask(method, wire.RequestsPath), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", method, diff)
		}
	}
	if got := s.Requests(false); len(got) != 0 {
		t.Errorf("after DELETE there is still %v", got)
	}
}
