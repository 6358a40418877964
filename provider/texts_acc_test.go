package provider_test

import (
	"strings"
	"testing"
	"time"
)

func TestWhatKeepsASessionFromBeingPlannedIsSaidInOneSentenceWithTheWayOut(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	const path = "s3://boot-images/00000000-0000-4000-8000-00000000dead/manifest.json"
	first := r.nodes()[0]
	for name, c := range map[string]struct {
		// old is in the template or the session, and new takes its place.
		old, new string
		says     []string
	}{
		"an image that is not there": {
			"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000dead",
			[]string{`BOS would refuse this session of template "compute"`, `This cannot be booted: boot set "compute" of session template "compute": there is nothing at ` + path, "correct the template's path"},
		},
		"nodes of another architecture": {
			`path `, `arch = "ARM"` + "\n      path ",
			[]string{"Nothing to do: no node matches", `boot set "compute" is for nodes of architecture ARM, and its nodes are X86: x1000c0s0b[0-1]n[0-1]`, "set its arch to what they are"},
		},
		"a kind of image that nobody reads": {`path `, `type = "nfs"` + "\n      path ", []string{`This cannot be booted: boot set "compute" of session template "compute": its type is "nfs"; only images of type s3, http or file can be booted.`}},
		"a folded name in a list":           {`node_roles_groups `, `node_list = ["x1000c0s0b0n[0-1]"]` + "\n      node_roles_groups ", []string{`boot_sets["compute"].node_list[0]: "x1000c0s0b0n[0-1]" stands for more than one node`}},
		"a time in words":                   {`operation `, `timeouts = { create = "5 minutes" }` + "\n  operation ", []string{`timeouts.create: "5 minutes" is not a duration`}},
		"a limit with a slip": {
			`operation `, `limit = "x1000c0s99b0n0"` + "\n  operation ",
			[]string{"Nothing to do: no node matches", "the limit names x1000c0s99b0n0, which the inventory has neither"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			config := template("quiet") + session(rolling)
			if !strings.Contains(config, c.old) {
				t.Fatalf("%q is not in %s", c.old, config)
			}
			w.write(r.block(), strings.Replace(config, c.old, c.new, 1))
			plan := w.plan()
			plan.exits(t, 1)
			plan.says(t, c.says...)
			for _, noise := range []string{"400 Bad Request", "fails check", "Request: POST", "Can't find"} {
				if strings.Contains(plan.out, noise) {
					t.Errorf("it says %q: %s", noise, plan.out)
				}
			}
			if n := len(r.room.Room().Resets(first)); n > 0 {
				t.Errorf("%s had %d power actions", first, n)
			}
		})
	}
}
