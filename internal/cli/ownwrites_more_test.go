//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// builtinScripts has the services have the boot parameters themselves.
func builtinScripts(settings, url string) string {
	return regexp.MustCompile(`(?m)^boot_parameters: .*$`).ReplaceAllString(settings, "boot_parameters: { builtin: { url: \""+url+"/boot/v1\" } }")
}

// ownTokens are tokens that are made and revoked, asked of each service.
func (c *cluster) ownTokens() []ownWrite {
	token := func(n int) string { return fmt.Sprintf("%032d", n) }
	everywhere := func(want int) func(int) string {
		return func(n int) string {
			for range c.services {
				if status := c.ask(http.MethodGet, "/v2/options", nil, nil, "Authorization", "Bearer "+token(n)); status != want {
					return fmt.Sprint(status)
				}
			}
			return ""
		}
	}
	writes := func(of func(n int) string) func(int) (int, int) {
		return func(n int) (int, int) {
			if err := c.knowing(of(n)); err != nil {
				c.t.Error(err)
				return 0, http.StatusOK
			}
			return http.StatusOK, http.StatusOK
		}
	}
	return []ownWrite{
		{"a token", writes(token), everywhere(http.StatusOK)},
		{"the end of a token", writes(func(int) string { return "" }), everywhere(http.StatusUnauthorized)},
	}
}

// ownScripts are boot parameters, which nodes are told as scripts.
func (c *cluster) ownScripts(node string) []ownWrite {
	const path = "/boot/v1/bootparameters"
	script := func() (int, string) {
		var is answered
		status := c.ask(http.MethodGet, "/boot/v1/bootscript?name="+node, nil, &is)
		return status, is.text
	}
	written := func(method string, want int) func(int) (int, int) {
		return func(n int) (int, int) {
			body := map[string]any{"hosts": []string{node}, "kernel": fmt.Sprintf("http://files/kernel-%s-%d", method, n), "params": "quiet"}
			return c.ask(method, path, body, nil), want
		}
	}
	booted := func(method string) func(int) string {
		return func(n int) string {
			if status, text := script(); status != http.StatusOK || !strings.Contains(text, fmt.Sprintf("/kernel-%s-%d ", method, n)) {
				return fmt.Sprintf("%d %s", status, text)
			}
			return ""
		}
	}
	return []ownWrite{
		{"boot parameters, as a script", written(http.MethodPut, http.StatusOK), booted(http.MethodPut)},
		{"a kernel, as a script", written(http.MethodPatch, http.StatusOK), booted(http.MethodPatch)},
		{"the end of boot parameters", func(int) (int, int) {
			return c.ask(http.MethodDelete, path, map[string]any{"hosts": []string{node}}, nil), http.StatusOK
		}, func(int) string {
			if _, text := script(); strings.Contains(text, "/kernel-") {
				return text
			}
			return ""
		}},
	}
}

// ownTags are changes of what the page shows, asked for with the tag that another service
// gave before.
func (c *cluster) ownTags(node string) []ownWrite {
	var tag string
	held := func(method string, body any, want int) func(int) (int, int) {
		return func(int) (int, int) {
			var before answered
			if status := c.ask(http.MethodGet, "/x/v1/stream", nil, &before); status != http.StatusOK {
				return status, http.StatusOK
			}
			tag = before.header.Get("ETag")
			return c.ask(method, "/x/v1/components/"+node+"/hold", body, nil), want
		}
	}
	shown := func(want int) func(int) string {
		return func(int) string {
			for range c.services {
				var page struct {
					Nodes struct {
						ID   []string
						Held []int
					}
				}
				status := c.ask(http.MethodGet, "/x/v1/stream", nil, &page, "If-None-Match", tag)
				if i := slices.Index(page.Nodes.ID, node); status != http.StatusOK || i < 0 || page.Nodes.Held[i] != want {
					return fmt.Sprintf("%d %+v with the tag %s", status, page, tag)
				}
			}
			return ""
		}
	}
	return []ownWrite{
		{"a hold, by the tag of the page", held(http.MethodPut, map[string]any{"reason": "a leak"}, http.StatusOK), shown(1)},
		{"the end of a hold, by the tag of the page", held(http.MethodDelete, nil, http.StatusNoContent), shown(0)},
	}
}

// ownTenants are writes of a tenant.
func (c *cluster) ownTenants() []ownWrite {
	header := []string{"Cray-Tenant-Name", "blue"}
	const template = "/v2/sessiontemplates/blues"
	session := func(n int) string { return fmt.Sprint("/v2/sessions/blue-", n) }
	return []ownWrite{
		{"a template of a tenant", func(n int) (int, int) {
			body := map[string]any{"description": fmt.Sprint("number ", n), "boot_sets": computeTemplate["boot_sets"]}
			return c.ask(http.MethodPut, template, body, nil, header...), http.StatusOK
		}, func(n int) string {
			var got bos.SessionTemplate
			if status := c.ask(http.MethodGet, template, nil, &got, header...); status != http.StatusOK || got.Description != fmt.Sprint("number ", n) {
				return fmt.Sprintf("%d %+v", status, got)
			}
			return ""
		}},
		{"a session of a tenant", func(n int) (int, int) {
			body := map[string]any{"name": fmt.Sprint("blue-", n), "template_name": "blues", "operation": "shutdown"}
			return c.ask(http.MethodPost, "/v2/sessions", body, nil, header...), http.StatusCreated
		}, func(n int) string {
			var got bos.ExtendedStatus
			if status := c.ask(http.MethodGet, session(n)+"/status", nil, &got, header...); status != http.StatusOK || got.Status == "" {
				return fmt.Sprintf("%d %+v", status, got)
			}
			if status := c.ask(http.MethodGet, session(n), nil, nil); status != http.StatusNotFound {
				return fmt.Sprintf("%d to who is not of the tenant", status)
			}
			return ""
		}},
		{"the end of a session of a tenant", func(n int) (int, int) {
			c.ask(http.MethodPost, fmt.Sprint("/x/v1/sessions/blue-", n, "/cancel"), map[string]any{"reason": "enough"}, nil, header...)
			return c.ask(http.MethodDelete, session(n), nil, nil, header...), http.StatusNoContent
		}, func(n int) string {
			if status := c.ask(http.MethodGet, session(n), nil, nil, header...); status != http.StatusNotFound {
				return fmt.Sprint(status)
			}
			return ""
		}},
	}
}

// ownRollouts are sessions with a rollout, and what they are told.
func (c *cluster) ownRollouts(node string) []ownWrite {
	path := func(n int, verb string) string { return fmt.Sprint("/x/v1/sessions/roll-", n, "/", verb) }
	phase := func(want ...bos.RolloutPhase) func(int) string {
		return func(n int) string {
			var got bos.RolloutStatus
			return c.reads(path(n, "rollout"), &got, func() bool { return slices.Contains(want, got.Phase) })
		}
	}
	return []ownWrite{
		{"a rollout", func(n int) (int, int) {
			body := map[string]any{"name": fmt.Sprint("roll-", n), "template_name": "compute", "operation": "reboot", "limit": node, "rollout": map[string]any{"canary": 1, "min_healthy_time": "1h"}}
			return c.ask(http.MethodPost, "/x/v1/sessions", body, nil), http.StatusCreated
		}, phase(bos.RolloutPlanned, bos.RolloutRunning)},
		{"the failure of a rollout", func(n int) (int, int) {
			return c.ask(http.MethodPost, path(n, "fail"), map[string]any{"reason": "enough"}, nil), http.StatusOK
		}, phase(bos.RolloutFailed)},
		{"the end of a rollout", func(n int) (int, int) {
			c.ask(http.MethodPost, path(n, "cancel"), map[string]any{"reason": "enough"}, nil)
			return c.ask(http.MethodDelete, fmt.Sprint("/v2/sessions/roll-", n), nil, nil), http.StatusNoContent
		}, func(n int) string {
			if status := c.ask(http.MethodGet, path(n, "rollout"), nil, nil); status != http.StatusNotFound {
				return fmt.Sprint(status)
			}
			return ""
		}},
	}
}

// ownStages are writes of what is staged, and its application by a receipt.
func (c *cluster) ownStages(node string) []ownWrite {
	name := func(n int) string { return fmt.Sprint("stage-", n) }
	component := "/v2/components/" + node
	var receipt bos.StagedReceipt
	apply := func() (status int, got bos.StagedAnswer) {
		body := map[string]any{"xnames": []string{node}, "receipt": receipt.Receipt}
		status = c.ask(http.MethodPost, "/x/v1/applystaged", body, &got)
		return status, got
	}
	return []ownWrite{
		{"what is staged for a node", func(n int) (int, int) {
			return c.ask(http.MethodPatch, component, map[string]any{"staged_state": map[string]any{"configuration": fmt.Sprint("c", n)}}, nil), http.StatusOK
		}, func(n int) string {
			var got bos.Component
			return c.reads(component, &got, func() bool { return got.StagedState.Configuration == fmt.Sprint("c", n) })
		}},
		{"a staged session", func(n int) (int, int) {
			body := map[string]any{"name": name(n), "template_name": "compute", "operation": "shutdown", "limit": node, "stage": true}
			return c.ask(http.MethodPost, "/v2/sessions", body, nil), http.StatusCreated
		}, func(n int) string {
			var got bos.Session
			if wrong := c.reads("/v2/sessions/"+name(n), &got, func() bool { return got.Stage }); wrong != "" {
				return wrong
			}
			// It is not the client that stages: what follows needs it done.
			for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
				var is bos.Component
				if c.ask(http.MethodGet, component, nil, &is); is.StagedState.Session == name(n) {
					return ""
				}
				if c.t.Context().Err() != nil {
					return "never staged"
				}
			}
		}},
		{"a receipt, by which it is applied", func(n int) (int, int) {
			receipt = bos.StagedReceipt{}
			return c.ask(http.MethodPost, "/x/v1/applystaged/receipts", map[string]any{"run_key": name(n)}, &receipt), http.StatusOK
		}, func(n int) string {
			if status, got := apply(); status != http.StatusOK || !slices.Contains(got.Succeeded, node) || len(got.Repeated) > 0 {
				return fmt.Sprintf("%d %+v", status, got)
			}
			if status, got := apply(); status != http.StatusOK || !slices.Contains(got.Succeeded, node) || !slices.Contains(got.Repeated, node) {
				return fmt.Sprintf("%d %+v the second time", status, got)
			}
			var is bos.Component
			return c.reads(component, &is, func() bool {
				return is.Session == name(n) && is.LastAction.Action == bos.ActionApplyStaged
			})
		}},
		{"the end of a staged session", func(n int) (int, int) {
			c.ask(http.MethodPost, "/x/v1/sessions/"+name(n)+"/cancel", map[string]any{"reason": "enough"}, nil)
			return c.ask(http.MethodDelete, "/v2/sessions/"+name(n), nil, nil), http.StatusNoContent
		}, func(n int) string {
			if status := c.ask(http.MethodGet, "/v2/sessions/"+name(n), nil, nil); status != http.StatusNotFound {
				return fmt.Sprint(status)
			}
			return ""
		}},
	}
}
