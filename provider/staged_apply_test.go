package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// Nodes of a request that was refused, or never sent, are counted as left alone:
// whatever happens, each node is applied, refused or ignored.
func TestEveryNodeOfAStagedApplyIsAppliedRefusedOrIgnored(t *testing.T) {
	t.Parallel()
	const more = 3
	names := make([]string, bos.MaxStagedXnames+more)
	for i := range names {
		names[i] = fmt.Sprintf("x%dc0s0b0n0", i)
	}
	for what, c := range map[string]struct {
		// second is the status of the second request.
		second int
		want   [3]int64
	}{
		"the second request is refused":      {http.StatusBadRequest, [3]int64{bos.MaxStagedXnames - 1, 0, more + 1}},
		"an answer does not name every node": {http.StatusOK, [3]int64{bos.MaxStagedXnames, 0, more}},
	} {
		t.Run(what, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if req.Method == http.MethodGet {
					fmt.Fprint(w, "[]") //nolint:errcheck // the client would notice
					return
				}
				requests++
				answer := bos.StagedOutcome{Succeeded: []string{}, Failed: []string{}, Ignored: []string{}}
				switch {
				case requests == 1:
					answer.Succeeded = names[1:bos.MaxStagedXnames]
				case c.second == http.StatusOK:
					answer.Succeeded = names[bos.MaxStagedXnames : bos.MaxStagedXnames+1]
				default:
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(c.second)
				}
				_ = json.NewEncoder(w).Encode(answer)
			}))
			defer server.Close()
			to, err := client.New(client.Config{Endpoint: server.URL, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			r := &stagedApplyResource{shared: &shared{components: newComponentCache()}, now: time.Now}
			var m stagedApplyModel
			var diags diag.Diagnostics
			if _, ok := r.apply(t.Context(), to, &m, names, "", &diags); !ok {
				t.Fatal(diags)
			}
			got := [3]int64{m.AppliedCount.ValueInt64(), m.RefusedCount.ValueInt64(), m.IgnoredCount.ValueInt64()}
			if got != c.want {
				t.Errorf("applied, refused and ignored are %v instead of %v: %v", got, c.want, diags)
			}
			if m.judged().ValueBool() {
				t.Error("it counts as a success")
			}
		})
	}
}
