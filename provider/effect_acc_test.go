package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stagedWindow is a session that stages and the application of what it staged.
func stagedWindow(run string) string {
	return session("stage = true") + `
resource "bos_staged_apply" "now" {
  xnames   = ["x1000c0s[0-3]b0n0"]
  triggers = { run = "` + run + `" }

  depends_on = [bos_session.boot]
}`
}

func TestEveryPlanThatRunsASessionAgainNamesItsNodes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		w := newWorkspace(t)
		block := providerBlock(fake, "applying = terraform.applying")
		replacedBy := func(input string) string {
			return `resource "terraform_data" "x" { input = "` + input + `" }` + session(`limit = "x1000c0s[0-3]b0n0"`, "lifecycle {\n    replace_triggered_by = [terraform_data.x]\n  }")
		}
		w.write(block, template("quiet"), replacedBy("1"))
		w.apply().exits(t, 0)
		w.plan().exits(t, 0)
		w.plan("-replace=bos_session.boot").says(t, `~ effect = "rebooted 4 nodes: x1000c0s[0-3]b0n0" -> "reboots `, "x1000c0s[0-3]b0n0")
		w.write(block, template("quiet"), replacedBy("2"))
		w.plan().says(t, `~ effect = "rebooted 4 nodes: x1000c0s[0-3]b0n0" -> "reboots `, "x1000c0s[0-3]b0n0")
		w.plan("-out=p").exits(t, 2)
		if saved := w.terraform("show", "-no-color", "p"); !strings.Contains(saved.out, `-> "reboots `) {
			t.Errorf("the saved plan does not name nodes:\n%s", saved.out)
		}
		w.terraform("apply", "-no-color", "p").exits(t, 0)
		w.plan().exits(t, 0)
		sessions(t, fake, 2)
	})
}

func TestEveryPlanThatAppliesStagedStateAnewNamesItsNodes(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), stagedWindow("1"))
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	replaced := w.plan("-replace=bos_staged_apply.now")
	replaced.says(t, `~ effect = "applied what was staged for`, `-> "applies what is staged for 4 nodes: x1000c0s[0-3]b0n0"`)
	w.write(providerBlock(fake), template("quiet"), stagedWindow("2"))
	w.plan().says(t, "Warning: This will apply the staged state of 4 nodes: x1000c0s[0-3]b0n0", `-> "applies what is staged for 4 nodes: x1000c0s[0-3]b0n0"`)
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
}

// older makes the state what an older version of the provider wrote, that knew
// less and had null for texts that were empty.
func (w *workspace) older(address string, null ...string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "terraform.tfstate")
	content, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(content, &state); err != nil {
		w.t.Fatal(err)
	}
	resources, ok := state["resources"].([]any)
	for _, each := range resources {
		r, isObject := each.(map[string]any)
		instances, isList := r["instances"].([]any)
		if ok = ok && isObject && isList; !ok || r["type"].(string)+"."+r["name"].(string) != address {
			continue
		}
		attributes := instances[0].(map[string]any)["attributes"].(map[string]any)
		for _, name := range []string{"effect", "scope", "unfinished_nodes", "succeeded", "url"} {
			delete(attributes, name)
		}
		for _, name := range null {
			attributes[name] = nil
		}
	}
	if content, err = json.Marshal(state); err == nil && ok {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil || !ok {
		w.t.Fatalf("the state cannot be made older: %v", err)
	}
}

func TestStatesOfOlderProvidersPlanNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		for name, c := range map[string]struct{ session, staged string }{
			"a session":     {session(rolling), ""},
			"a limited one": {session(rolling, `limit = "x1000c0s0b0n0"`), ""},
			"staged state":  {"", stagedWindow("1")},
		} {
			w := newWorkspace(t)
			config := []string{strings.Replace(providerBlock(fake), "max_retries", "applying = terraform.applying\n  max_retries", 1), strings.Replace(template("quiet"), `= "compute"`, `= "`+strings.ReplaceAll(name, " ", "-")+`"`, 1), c.session, c.staged}
			w.write(config...)
			w.apply().exits(t, 0)
			w.older("bos_session.boot", "error", "retry_limit")
			w.older("bos_staged_apply.now", "retry_limit")
			w.plan("-refresh=false").exits(t, 0)
			w.plan().exits(t, 0)
			w.apply().exits(t, 0)
			if got := w.attributes("bos_session.boot"); got != nil && c.session != "" && (got["succeeded"] != true || got["retry_limit"] != "" || got["error"] != "") {
				t.Errorf("%s: state has %v", name, got)
			}
			if got := w.attributes("bos_staged_apply.now"); got != nil && (got["succeeded"] != true || got["retry_limit"] != "") {
				t.Errorf("%s: state has %v", name, got)
			}
			w.plan().exits(t, 0)
		}
	})
}

func TestAnOlderStateOfASessionWhoseRecordExpiredPlansNothing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	expire(t, fake)
	w.apply().exits(t, 0)
	w.older("bos_session.boot", "error", "retry_limit")
	w.plan().exits(t, 0)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || got["retry_limit"] != "" {
		t.Errorf("state has %v", got)
	}
}
