package client

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestStagedNodesAreAppliedInPartsOfWhatTheAPITakes(t *testing.T) {
	c, s := dial(t, 3, func(n int, _ *http.Request) (*http.Response, error) {
		if n == 3 {
			return answer(503, `{}`), nil
		}
		return answer(200, `{"succeeded":["a"],"failed":["b"],"ignored":["c"]}`), nil
	})
	got, err := c.ApplyStaged(t.Context(), []string{"a", "b", "c"}, StagedBounds{})
	if err != nil || !slices.Equal(got.Succeeded, []string{"a"}) || s.bodies[0] != `{"xnames":["a","b","c"]}` {
		t.Errorf("%+v, %v after %s", got, err, s.bodies)
	}
	got, err = c.ApplyStaged(t.Context(), slices.Repeat([]string{"n"}, bos.MaxStagedXnames+1), StagedBounds{})
	if err == nil || len(got.Failed) != 1 || len(s.log) != 3 || strings.Count(s.bodies[2], "n\"") != 1 {
		t.Errorf("%+v, %v after %d requests; a request that failed is not repeated", got, err, len(s.log))
	}
}

func TestAReasonGoesToAServerThatKeepsIt(t *testing.T) {
	for extensions, want := range map[string]string{`"pinned_sessions","folded_limits"`: "POST /apis/bos/x/v1/sessions", ``: "POST /apis/bos/v2/sessions"} {
		c, s := dial(t, 0, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return answer(200, `{"extensions":[`+extensions+`]}`), nil
			}
			return answer(201, `{"name":"s"}`), nil
		})
		wanted := bos.PinnedSession{SessionCreate: bos.SessionCreate{Name: "s", Operation: bos.OperationBoot, TemplateName: "t"}, Reason: "r"}
		if _, err := c.CreateSession(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if s.log[1] != want || strings.Contains(s.bodies[1], `"reason":"r"`) != (extensions != "") {
			t.Errorf("it sent %s with %s", s.log[1], s.bodies[1])
		}
	}
}

func TestStagedStateIsOfferedAgainByAReceiptAlone(t *testing.T) {
	for receipt, want := range map[string]int{"r": 2, "": 1} {
		offered := 0
		c, _ := dial(t, 3, func(_ int, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return answer(200, `{"extensions":["bound_applystaged","staged_receipts"]}`), nil
			}
			if offered++; offered == 1 {
				return answer(504, `{}`), nil
			}
			return answer(200, `{"succeeded":["a"],"failed":[],"ignored":[],"sessions":{"s":"a"},"repeated":["a"]}`), nil
		})
		got, err := c.ApplyStaged(t.Context(), []string{"a"}, StagedBounds{Receipt: receipt})
		if offered != want || (err == nil) != (receipt != "") || receipt != "" && (got.Sessions["s"] != "a" || !slices.Equal(got.Repeated, []string{"a"})) {
			t.Errorf("by receipt %q it was offered %d times: %+v, %v", receipt, offered, got, err)
		}
	}
}
