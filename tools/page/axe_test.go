package page

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/tools/page/stage"
)

// axe is what npm ci installs.
var axe = filepath.Join("node_modules", "axe-core", "axe.min.js")

// TestNothingIsInTheWayOfWhoSeesOrMovesOtherwise has axe-core look at each view, in both
// themes and at three widths, and at the dialogs.
func TestNothingIsInTheWayOfWhoSeesOrMovesOtherwise(t *testing.T) {
	script, err := os.ReadFile(axe)
	if err != nil {
		t.Skip("axe-core is not there: npm ci in tools/page installs it")
	}
	s := acts(t, 64, someFail, map[string]any{
		"waiting": map[string]int{"power_limits": 4}, "stragglers": map[string]any{"count": 1, "nodes": stage.Xname(3), "beyond": 90},
		"pause": map[string]any{"paused": true, "reason": "cooling", "actor": "bob", "since": "2026-11-29T12:00:00Z"},
		"rollout": map[string]any{"phase": "halted", "held_by": "failures", "detail": "2 failed", "batch": "canary", "failure_budget": 1, "batches": []any{
			map[string]any{"name": "canary", "nodes": stage.Xname(5), "count": 1, "failed": 1}, map[string]any{"name": "rest", "nodes": stage.Xname(6), "count": 63, "waiting": 63},
		}},
	})
	s.Answer("/x/v1/sessions/nightly/status", map[string]any{"boot_sets": []any{map[string]any{"excluded": []any{map[string]any{"boot_set": "c", "nodes": "x1", "reason": "it is disabled"}}}}})
	playNode(s, stage.Xname(5))
	for _, size := range []struct {
		width, height int
		dark          bool
	}{{390, 844, true}, {1280, 900, false}, {2560, 1440, true}} {
		v := look(t, "about:blank")
		v.must(v.Size(size.width, size.height, size.dark))
		for _, c := range []struct{ hash, key, there string }{
			{"#/sessions", "", "table.sessions tbody tr"},
			{"#/sessions/nightly", "", ".nodes tbody tr"},
			{"#/sessions/nightly?full=1", "", ".figures .value"},
			{"#/map?sel=" + stage.Xname(5), "", ".cabinets tbody tr"},
			{"#/nodes?state=failed", "", ".nodes tbody tr"},
			{"#/nodes/" + stage.Xname(5), "", ".timeline li"},
			{"#/sessions/nightly", "x", "dialog[open] textarea"},
			{"#/sessions/nightly", "?", "dialog[open] kbd"},
		} {
			t.Run(fmt.Sprintf("%d, dark %v, %s %s", size.width, size.dark, c.hash, c.key), func(t *testing.T) {
				v := viewer{v.Tab, t}
				v.must(v.Go("about:blank"))
				v.must(v.Go(s.URL + "/ui/" + c.hash))
				v.shows(`document.querySelector('#live').dataset.live === 'live' && document.querySelector('main h1')`)
				if c.key != "" {
					v.sees("bmc unreachable")
					v.press(c.key)
				}
				v.shows(`document.querySelector('` + c.there + `')`)
				v.must(v.Eval(string(script)+"\n;0", nil))
				var found []string
				v.must(v.Eval(`axe.run(document, { resultTypes: ['violations', 'incomplete'] }).then((r) => r.violations.flatMap((x) => x.nodes.map((n) => x.id + ': ' + n.html.slice(0, 200) + ' ' + n.failureSummary)))`, &found))
				for _, what := range found {
					t.Error(what)
				}
			})
		}
	}
}

// playNode plays what is known of one node.
func playNode(s *stage.Stage, id string) {
	s.Answer("/x/v1/components/"+id+"/why", map[string]any{
		"component": id, "session": "nightly", "tenant": "", "phase": "failed", "status": "failed", "since": "2026-11-29T12:00:00Z",
		"waits_for": map[string]any{"reason": "", "cause": "bmc_unreachable", "sentence": "its BMC does not answer while the BMCs of other nodes do; check the BMC's power and network", "detail": "dial tcp: i/o timeout", "since": "2026-11-29T12:00:00Z"},
		"next":      map[string]any{"what": "none", "sentence": "nothing more is done to it by this session"},
		"attempts":  map[string]any{"power_on": map[string]any{"used": 1, "left": 2}}, "last_answer": "i/o timeout", "error": "its BMC does not answer", "cause": "bmc_unreachable",
		"last_action": map[string]any{"action": "powering_on", "at": "2026-11-29T12:00:00Z", "failed": true},
		"commands":    []string{"terraform-provider-bos retry nightly"},
	})
	s.Answer("/x/v1/events", map[string]any{"last": 3, "events": []any{
		map[string]any{"id": 3, "time": "2026-11-29T12:05:00Z", "kind": "node_failed", "session": "nightly", "component": id, "detail": "its BMC does not answer", "from_state": "powering_on", "to_state": "failed", "attempt": 1},
		map[string]any{"id": 2, "time": "2026-11-29T12:01:00Z", "kind": "power_on", "session": "nightly", "component": id, "answer": "i/o timeout", "actor": "alice"},
	}})
}

// TestFromAStuckBootToNodeCauseAndCommandByKeyboardAlone is the way of who is called at
// three in the morning.
func TestFromAStuckBootToNodeCauseAndCommandByKeyboardAlone(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	playNode(s, stage.Xname(5))
	s.Answer("/x/v1/sessions/nightly/status", map[string]any{"boot_sets": []any{}})
	v := look(t, s.URL+"/ui/")
	v.shows(`document.querySelector('table.sessions tbody tr')`)
	v.press("j")
	v.shows(`document.activeElement.textContent === 'nightly'`)
	v.press("Enter")
	v.sees("bmc unreachable")
	v.shows(`document.activeElement.tagName === 'H1'`)
	v.press("f")
	v.shows(`document.activeElement.className === 'cause'`)
	cause := v.text(`document.activeElement.querySelector('.name').textContent`)
	v.press("Enter")
	v.shows(`location.hash.includes('cause=') && document.querySelectorAll('.nodes tbody tr').length === 1`)
	v.press("j")
	v.shows(`document.activeElement.className === 'xname'`)
	node := v.text(`document.activeElement.textContent`)
	if cause == "boot timeout" && node == stage.Xname(9) { // of two causes with a node each, either may be first
		playNode(s, node)
	} else if cause != "bmc unreachable" || node != stage.Xname(5) {
		t.Errorf("of %s there is %s", cause, node)
	}
	v.press("Enter")
	v.sees("its BMC does not answer while the BMCs of other nodes do")
	v.sees("power on")
	v.press("c")
	v.shows(`document.getElementById('said').textContent.startsWith('Copied: terraform-provider-bos retry nightly')`)
	v.press("u")
	v.shows(`location.hash.startsWith('#/sessions/nightly')`)
	// The same by Tab and Enter, for who has switched single keys off.
	v.must(v.Eval(`localStorage.setItem('bos.keys', 'off')`, nil))
	plain := look(t, s.URL+"/ui/#/sessions/nightly")
	plain.sees("bmc unreachable")
	for range 40 {
		if focus, err := plain.Focused(); err != nil {
			t.Fatal(err)
		} else if len(focus) > 11 && focus[:11] == "BUTTON Copy" {
			return
		}
		plain.press("Tab")
	}
	t.Error("Tab does not come to the command that retries")
}
