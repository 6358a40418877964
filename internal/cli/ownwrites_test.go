//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// ownWrite is a kind of write, and how who wrote reads it at once: both get the number of
// the round. A read reports what is wrong, empty if it finds what was written.
type ownWrite struct {
	what  string
	write func(n int) (status, want int)
	read  func(n int) string
}

// TestAClientReadsWhatItWroteFromTheNextService writes through one of three services and
// reads from the next at once, all kinds of things. OWN_WRITES sets how often each.
func TestAClientReadsWhatItWroteFromTheNextService(t *testing.T) {
	postgrestest.Skip(t)
	dsn := postgrestest.New(t)
	c := clusterOf(t, 6, makeup{room: []string{"--tenant", "blue=x1000c0s[0-7]b0n0", "--also", "tapms"}, settings: builtinScripts}, dsn, dsn, dsn, dsn)
	nodes := c.truth()
	kinds := slices.Concat(c.ownRecords(nodes[1].ID), c.ownSessions(nodes[0].ID), c.ownTokens(), c.ownScripts(nodes[1].ID), c.ownTags(nodes[1].ID),
		c.ownTenants(), c.ownRollouts(nodes[2].ID), c.ownStages(nodes[3].ID), c.ownPromotions(nodes[4].ID, nodes[5].ID), c.ownLists(nodes[4].ID))
	began := time.Now()
	for n := range setting(t, "OWN_WRITES", 10) {
		for _, kind := range kinds {
			if status, want := kind.write(n); status != want {
				t.Fatalf("%s %d is answered %d, want %d", kind.what, n, status, want)
			}
			if wrong := kind.read(n); wrong != "" {
				t.Errorf("%s %d: the next service says %s", kind.what, n, wrong)
			}
		}
		if n%100 == 99 {
			t.Logf("%d rounds in %s", n+1, time.Since(began).Round(time.Second))
		}
	}
	t.Logf("%d kinds of writes, %d of each, in %s", len(kinds), setting(t, "OWN_WRITES", 10), time.Since(began).Round(time.Millisecond))
}

// reads asks for something that is to be there, and says what is wrong with it. It asks again
// where it is not answered: on a busy machine the balancer takes a service for dead and ends
// its requests.
func (c *cluster) reads(path string, into any, right func() bool) string {
	status := 0
	for (status == 0 || status == http.StatusBadGateway) && c.t.Context().Err() == nil {
		status = c.ask(http.MethodGet, path, nil, into)
	}
	if status != http.StatusOK {
		return fmt.Sprintf("%d to %s", status, path)
	}
	if !right() {
		return fmt.Sprintf("%+v at %s", into, path)
	}
	return ""
}

// ownRecords are writes of what stays.
func (c *cluster) ownRecords(node string) []ownWrite {
	put := func(method, path string, body any) func(int) (int, int) {
		return func(int) (int, int) { return c.ask(method, path, body, nil), http.StatusOK }
	}
	described := func(n int) map[string]any {
		body := map[string]any{"description": fmt.Sprint("number ", n)}
		for k, v := range computeTemplate {
			body[k] = v
		}
		return body
	}
	held := func(want bool) func(int) string {
		return func(int) string {
			var list struct{ Holds []struct{ ID string } }
			return c.reads("/x/v1/holds", &list, func() bool { return (len(list.Holds) > 0) == want })
		}
	}
	paused := func(want bool) func(int) string {
		return func(int) string {
			var p bos.PauseState
			return c.reads("/x/v1/pause", &p, func() bool { return p.Paused == want })
		}
	}
	return []ownWrite{
		{"a component", func(n int) (int, int) {
			return c.ask(http.MethodPatch, "/v2/components/"+node, map[string]any{"retry_policy": first + n}, nil), http.StatusOK
		}, func(n int) string {
			var got bos.Component
			return c.reads("/v2/components/"+node, &got, func() bool { return policy(got) == first+n })
		}},
		{"what a node booted", func(n int) (int, int) {
			body := map[string]any{"actual_state": map[string]any{"boot_artifacts": map[string]any{"kernel": fmt.Sprint("k", n), "initrd": "i", "kernel_parameters": "p"}}}
			return c.ask(http.MethodPatch, "/v2/components/"+node, body, nil), http.StatusOK
		}, func(n int) string {
			var got bos.Component
			return c.reads("/v2/components/"+node, &got, func() bool { return got.ActualState.BootArtifacts.Kernel == fmt.Sprint("k", n) })
		}},
		{"an option", func(n int) (int, int) {
			return c.ask(http.MethodPatch, "/v2/options", map[string]any{"max_boot_wait_time": first + n}, nil), http.StatusOK
		}, func(n int) string {
			var got map[string]any
			return c.reads("/v2/options", &got, func() bool { return got["max_boot_wait_time"] == float64(first+n) })
		}},
		{"a template", func(n int) (int, int) {
			return c.ask(http.MethodPut, "/v2/sessiontemplates/own", described(n), nil), http.StatusOK
		}, func(n int) string {
			var got bos.SessionTemplate
			return c.reads("/v2/sessiontemplates/own", &got, func() bool { return got.Description == fmt.Sprint("number ", n) })
		}},
		{"the sequence of a template", func(n int) (int, int) {
			body := map[string]any{"boot_ordinal": map[string]int{"compute": n + 1}}
			return c.ask(http.MethodPut, "/x/v1/sessiontemplates/own/sequence", body, nil), http.StatusOK
		}, func(n int) string {
			var got bos.Sequence
			return c.reads("/x/v1/sessiontemplates/own/sequence", &got, func() bool { return got.BootOrdinal["compute"] == n+1 })
		}},
		{"a hold", put(http.MethodPut, "/x/v1/components/"+node+"/hold", map[string]any{"reason": "a leak"}), held(true)},
		{"the end of a hold", func(int) (int, int) {
			return c.ask(http.MethodDelete, "/x/v1/components/"+node+"/hold", nil, nil), http.StatusNoContent
		}, held(false)},
		{"a pause", put(http.MethodPost, "/x/v1/pause", map[string]any{"reason": "a leak"}), paused(true)},
		{"the end of a pause", put(http.MethodPost, "/x/v1/resume", map[string]any{}), paused(false)},
		{"a line of the history", func(n int) (int, int) {
			return c.ask(http.MethodPatch, "/v2/options", map[string]any{"polling_frequency": 10 + n%2}, nil), http.StatusOK
		}, func(int) string {
			var page struct{ Events []bos.Event }
			return c.reads("/x/v1/events?limit=1&newest=true", &page, func() bool { return len(page.Events) == 1 && page.Events[0].Kind == "options_changed" })
		}},
	}
}

// ownSessions are writes of sessions and of what belongs to them.
func (c *cluster) ownSessions(node string) []ownWrite {
	name := func(n int) string { return fmt.Sprint("own-", n) }
	var pin string
	return []ownWrite{
		{"a preview, done by its pin", func(n int) (int, int) {
			var p bos.Preview
			body := map[string]any{"template_name": "compute", "operation": "boot", "limit": node}
			status := c.ask(http.MethodPost, "/x/v1/previews", body, &p)
			pin = p.Pin
			return status, http.StatusOK
		}, func(n int) string {
			body := map[string]any{"name": name(n), "template_name": "compute", "operation": "boot", "limit": node, "pin": pin}
			if status := c.ask(http.MethodPost, "/x/v1/sessions", body, nil); status != http.StatusCreated {
				return fmt.Sprint(status)
			}
			return ""
		}},
		{"the pause of a session", func(n int) (int, int) {
			return c.ask(http.MethodPost, "/x/v1/sessions/"+name(n)+"/pause", map[string]any{"reason": "a leak"}, nil), http.StatusOK
		}, func(n int) string {
			var p bos.PauseState
			return c.reads("/x/v1/sessions/"+name(n)+"/pause", &p, func() bool { return p.Paused })
		}},
		{"a cancellation", func(n int) (int, int) {
			return c.ask(http.MethodPost, "/x/v1/sessions/"+name(n)+"/cancel", map[string]any{"reason": "enough"}, nil), http.StatusOK
		}, func(n int) string {
			var s bos.ExtendedStatus
			return c.reads("/v2/sessions/"+name(n)+"/status", &s, func() bool { return s.Status == bos.SessionComplete })
		}},
		{"a session, by its status", func(n int) (int, int) {
			body := map[string]any{"name": name(n) + "-b", "template_name": "compute", "operation": "shutdown", "limit": node}
			return c.ask(http.MethodPost, "/v2/sessions", body, nil), http.StatusCreated
		}, func(n int) string {
			var s bos.ExtendedStatus
			return c.reads("/v2/sessions/"+name(n)+"-b/status", &s, func() bool { return s.Status != "" })
		}},
		{"a session, in what the page shows", func(n int) (int, int) {
			body := map[string]any{"name": name(n) + "-c", "template_name": "compute", "operation": "shutdown", "limit": node}
			return c.ask(http.MethodPost, "/v2/sessions", body, nil), http.StatusCreated
		}, func(n int) string {
			var shown struct{ Sessions []struct{ Name string } }
			return c.reads("/x/v1/stream?nodes=no&session="+name(n)+"-c", &shown, func() bool { return len(shown.Sessions) == 1 })
		}},
		{"the end of sessions", func(n int) (int, int) {
			for _, of := range []string{"", "-b", "-c"} {
				path := "/v2/sessions/" + name(n) + of
				c.ask(http.MethodPost, "/x/v1/sessions/"+name(n)+of+"/cancel", map[string]any{"reason": "enough"}, nil)
				if status := c.ask(http.MethodDelete, path, nil, nil); status != http.StatusNoContent {
					return status, http.StatusNoContent
				}
			}
			return http.StatusNoContent, http.StatusNoContent
		}, func(n int) string {
			if status := c.ask(http.MethodGet, "/v2/sessions/"+name(n)+"-c", nil, nil); status != http.StatusNotFound {
				return fmt.Sprint(status)
			}
			return ""
		}},
	}
}
