//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// answers is a write of a kind that is answered so.
func (c *cluster) answers(want int, method, path string, body func(n int) any) func(int) (int, int) {
	return func(n int) (int, int) { return c.ask(method, path, body(n), nil), want }
}

// gone reads something that is not to be there.
func (c *cluster) nothingAt(path string) string {
	if status := c.ask(http.MethodGet, path, nil, nil); status != http.StatusNotFound {
		return fmt.Sprintf("%d to %s", status, path)
	}
	return ""
}

// none is a body of nothing.
func none(int) any { return nil }

// ownPromotions are rollouts that wait to be promoted: of a shutdown of two nodes that are
// on, as what is done already waits for nobody.
func (c *cluster) ownPromotions(nodes ...string) []ownWrite {
	path := func(n int, verb string) string { return fmt.Sprint("/x/v1/sessions/promoted-", n, "/", verb) }
	limit := strings.Join(nodes, ",")
	return []ownWrite{
		{"the promotion of a rollout", func(n int) (int, int) {
			on := map[string]any{"name": fmt.Sprint("on-", n), "template_name": "compute", "operation": "boot", "limit": limit}
			if status := c.ask(http.MethodPost, "/v2/sessions", on, nil); status != http.StatusCreated {
				return status, http.StatusCreated
			}
			c.awaits(func() bool { return c.on(nodes) })
			c.ask(http.MethodPost, fmt.Sprint("/x/v1/sessions/on-", n, "/cancel"), map[string]any{"reason": "they are on"}, nil)
			if status := c.ask(http.MethodDelete, fmt.Sprint("/v2/sessions/on-", n), nil, nil); status != http.StatusNoContent {
				return status, http.StatusNoContent
			}
			body := map[string]any{"name": fmt.Sprint("promoted-", n), "template_name": "compute", "operation": "shutdown", "limit": limit, "rollout": map[string]any{"canary_nodes": nodes[0]}}
			if status := c.ask(http.MethodPost, "/x/v1/sessions", body, nil); status != http.StatusCreated {
				return status, http.StatusCreated
			}
			// That the canary is healthy is not of the client: what follows needs it.
			c.awaits(func() bool {
				var is bos.RolloutStatus
				return c.ask(http.MethodGet, path(n, "rollout"), nil, &is) == http.StatusOK && is.HeldBy == bos.HoldPromotion
			})
			return c.ask(http.MethodPost, path(n, "promote"), map[string]any{"reason": "it is fine"}, nil), http.StatusOK
		}, func(n int) string {
			var got bos.RolloutStatus
			if wrong := c.reads(path(n, "rollout"), &got, func() bool { return got.HeldBy != bos.HoldPromotion }); wrong != "" {
				return wrong
			}
			// Whoever promotes it again is told that it is, or that it is over.
			if status := c.ask(http.MethodPost, path(n, "promote"), map[string]any{}, nil); status != http.StatusOK && status != http.StatusConflict {
				return fmt.Sprint(status, " to who promotes it again")
			}
			var page struct{ Events []bos.Event }
			return c.reads(fmt.Sprint("/x/v1/events?session=promoted-", n, "&kind=rollout_promoted"), &page, func() bool { return len(page.Events) > 0 })
		}},
		{"the end of a promoted rollout", func(n int) (int, int) {
			c.awaits(func() bool {
				var is bos.RolloutStatus
				return c.ask(http.MethodGet, path(n, "rollout"), nil, &is) == http.StatusOK && is.Phase == bos.RolloutComplete
			})
			return c.ask(http.MethodDelete, fmt.Sprint("/v2/sessions/promoted-", n), nil, nil), http.StatusNoContent
		}, func(n int) string { return c.nothingAt(path(n, "rollout")) }},
	}
}

// on reports whether the room has powered nodes on.
func (c *cluster) on(ids []string) bool {
	on := 0
	for _, n := range c.truth() {
		if last := len(n.Resets) - 1; last >= 0 && n.Resets[last].Type == machineroom.ResetOn && slices.Contains(ids, n.ID) {
			on++
		}
	}
	return on == len(ids)
}

// awaits asks until something is so.
func (c *cluster) awaits(is func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() && c.t.Context().Err() == nil {
		<-tick.C
	}
}

// ownLists are writes that are read in lists and in what is made of several records.
func (c *cluster) ownLists(node string) []ownWrite {
	const other, template = "x9999c0s0b0n0", "/v2/sessiontemplates/listed"
	named := func(path string, name func(n int) string, want bool) func(int) string {
		return func(n int) string {
			var list []struct{ ID, Name string }
			return c.reads(path, &list, func() bool {
				return want == slices.ContainsFunc(list, func(of struct{ ID, Name string }) bool { return of.ID == name(n) || of.Name == name(n) })
			})
		}
	}
	always := func(name string) func(int) string { return func(int) string { return name } }
	holds := func(body any, path string, status int, want bool) (write func(int) (int, int), read func(int) string) {
		return c.answers(status, http.MethodPost, path, func(int) any { return body }), func(int) string {
			var why bos.Why
			if wrong := c.reads("/x/v1/components/"+node+"/why", &why, func() bool { return (why.Held != nil) == want }); wrong != "" {
				return wrong
			}
			var list struct{ Holds []struct{ ID string } }
			return c.reads("/x/v1/holds", &list, func() bool {
				return want == slices.ContainsFunc(list.Holds, func(h struct{ ID string }) bool { return h.ID == node })
			})
		}
	}
	hold, held := holds(map[string]any{"ids": []string{node}, "reason": "a leak"}, "/x/v1/holds", http.StatusOK, true)
	release, released := holds(map[string]any{"ids": []string{node}}, "/x/v1/holds/release", http.StatusNoContent, false)
	session := func(n int) string { return fmt.Sprint("listed-", n) }
	return []ownWrite{
		{"a list of components", c.answers(http.StatusOK, http.MethodPatch, "/v2/components", func(n int) any {
			return []any{map[string]any{"id": node, "retry_policy": first + n}}
		}), func(n int) string {
			var list []bos.Component
			return c.reads("/v2/components?ids="+node, &list, func() bool { return len(list) == 1 && policy(list[0]) == first+n })
		}},
		{"components by a filter", c.answers(http.StatusOK, http.MethodPatch, "/v2/components", func(n int) any {
			return map[string]any{"patch": map[string]any{"retry_policy": 2*first + n}, "filters": map[string]any{"ids": node}}
		}), func(n int) string {
			var list []bos.Component
			return c.reads("/v2/components", &list, func() bool {
				return slices.ContainsFunc(list, func(of bos.Component) bool { return of.ID == node && policy(of) == 2*first+n })
			})
		}},
		{"a component that is new", c.answers(http.StatusOK, http.MethodPut, "/v2/components/"+other, func(int) any {
			return map[string]any{"id": other, "enabled": false}
		}), named("/v2/components", always(other), true)},
		{"the end of a component", c.answers(http.StatusNoContent, http.MethodDelete, "/v2/components/"+other, none), func(int) string {
			return c.nothingAt("/v2/components/"+other) + named("/v2/components", always(other), false)(0)
		}},
		{"several holds", hold, held},
		{"the end of several holds", release, released},
		{"a template of BOS v1", c.answers(http.StatusCreated, http.MethodPost, "/v1/sessiontemplate", func(int) any {
			body := map[string]any{"name": "listed"}
			for k, v := range computeTemplate {
				body[k] = v
			}
			return body
		}), named("/v2/sessiontemplates", always("listed"), true)},
		{"a change of a template", c.answers(http.StatusOK, http.MethodPatch, template, func(n int) any {
			return map[string]any{"description": fmt.Sprint("number ", n)}
		}), func(n int) string {
			var got bos.SessionTemplate
			return c.reads("/v1/sessiontemplate/listed", &got, func() bool { return got.Description == fmt.Sprint("number ", n) })
		}},
		{"the end of a template", c.answers(http.StatusNoContent, http.MethodDelete, template, none), func(int) string {
			return c.nothingAt(template) + named("/v2/sessiontemplates", always("listed"), false)(0)
		}},
		{"a session, in a list", func(n int) (int, int) {
			body := map[string]any{"name": session(n), "template_name": "compute", "operation": "shutdown", "limit": node}
			return c.ask(http.MethodPost, "/v2/sessions", body, nil), http.StatusCreated
		}, named("/v2/sessions", session, true)},
		{"a cancellation, by steps, nodes and the page", func(n int) (int, int) {
			return c.ask(http.MethodPost, "/x/v1/sessions/"+session(n)+"/cancel", map[string]any{"reason": "enough"}, nil), http.StatusOK
		}, func(n int) string { return c.overEverywhere(session(n)) }},
		{"the end of a session, in a list", func(n int) (int, int) {
			return c.ask(http.MethodDelete, "/v2/sessions/"+session(n), nil, nil), http.StatusNoContent
		}, named("/v2/sessions", session, false)},
		{"an export of the history", c.answers(http.StatusOK, http.MethodPatch, "/v2/options", func(n int) any {
			return map[string]any{"discovery_frequency": first + n%2}
		}), func(int) string {
			var page struct{ Last int64 }
			if wrong := c.reads("/x/v1/events?limit=1&newest=true", &page, func() bool { return page.Last > 0 }); wrong != "" {
				return wrong
			}
			var is answered
			status := c.ask(http.MethodGet, fmt.Sprint("/x/v1/audit?after=", max(page.Last-20, 0)), nil, &is)
			if status != http.StatusOK || !strings.Contains(is.text, "options_changed") {
				return fmt.Sprintf("%d %s", status, is.text)
			}
			return ""
		}},
	}
}

// overEverywhere asks all that says how far a session is which was cancelled.
func (c *cluster) overEverywhere(session string) string {
	var steps struct{ Status bos.SessionPhase }
	if wrong := c.reads("/x/v1/sessions/"+session+"/status", &steps, func() bool { return steps.Status == bos.SessionComplete }); wrong != "" {
		return wrong
	}
	var nodes bos.NodeOutcomes
	if wrong := c.reads("/x/v1/sessions/"+session+"/components", &nodes, func() bool { return nodes.Components != nil }); wrong != "" {
		return wrong
	}
	var all struct {
		Sessions []struct {
			Name   string
			Status bos.SessionPhase
		}
	}
	return c.reads("/x/v1/stream?nodes=no", &all, func() bool {
		for _, s := range all.Sessions {
			if s.Name == session {
				return s.Status == bos.SessionComplete
			}
		}
		return false
	})
}
