package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// portWithRoom is a port that is free, with the tenth after it, where the room of serve
// --emulate listens.
func portWithRoom(t *testing.T) (port int) {
	t.Helper()
	for range 100 {
		_, text, err := net.SplitHostPort(freeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(text, &port); err != nil {
			t.Fatal(err)
		}
		var lc net.ListenConfig
		if l, err := lc.Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port+10)); err == nil {
			_ = l.Close() // it was only looked at
			return port
		}
	}
	t.Fatal("no two ports are free")
	return 0
}

// TestTheExampleOfARolloutIsFollowedByItsREADME runs what the README says, line by line,
// with the real Terraform and the real program; only ports are others.
func TestTheExampleOfARolloutIsFollowedByItsREADME(t *testing.T) {
	t.Parallel()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	w := startingWorkspace(t, file)
	if err := os.CopyFS(w.dir, os.DirFS("../examples/rollout")); err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.Symlink(file, filepath.Join(tools, "terraform-provider-bos")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Getenv("TF_ACC_TERRAFORM_PATH"), filepath.Join(tools, "terraform")); err != nil {
		t.Fatal(err)
	}
	var url, room string
	waiting := func() (status bos.RolloutStatus) {
		var sessions []bos.Session
		answer := request(t, http.MethodGet, url+"/v2/sessions")
		if err := json.Unmarshal([]byte(answer), &sessions); err != nil || len(sessions) != 1 {
			t.Fatalf("the sessions are %s (%v)", answer, err)
		}
		answer = request(t, http.MethodGet, url+"/x/v1/sessions/"+sessions[0].Name+"/rollout")
		if err := json.Unmarshal([]byte(answer), &status); err != nil {
			t.Fatal(err)
		}
		return status
	}
	// What each line says, and what becomes of the rollout.
	type step struct {
		begins, says string
		is           string
	}
	steps := []step{
		{"terraform-provider-bos serve", "", ""},
		{"terraform apply", "has halted, as 2 nodes failed to boot: x1000c0s0b0n[0-1]", "halted: batch 1 of 4 (canary); 62 waiting, 0 in work, 0 done, 2 failed; held by halted"},
		{"curl -X DELETE", "", ""},
		{"terraform-provider-bos rollout resume", "session terraform-", ""},
		{"terraform apply", "is healthy; the other batches wait for its promotion", "running: batch 1 of 4 (canary); 62 waiting, 0 in work, 2 done, 0 failed; held by promotion"},
		{"terraform-provider-bos rollout promote", "batch 3", ""},
		{"terraform apply", "0 added, 1 changed, 0 destroyed", "complete: all 4 batches; 0 waiting, 0 in work, 64 done, 0 failed"},
		{"terraform output rollout", `"phase" = "complete"`, ""},
		{"terraform plan", "No changes", ""},
	}
	readme, err := os.ReadFile("../examples/rollout/README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(string(readme), -1)
	if len(lines) != len(steps) {
		t.Fatalf("the README has %d commands and the test knows %d", len(lines), len(steps))
	}
	for i, s := range steps {
		line := strings.TrimSpace(lines[i][1])
		if !strings.HasPrefix(line, s.begins) {
			t.Fatalf("line %d of the README is %q", i+1, line)
		}
		switch {
		case strings.HasPrefix(s.begins, "terraform-provider-bos serve"):
			line, _, _ = strings.Cut(line, "&")
			port := portWithRoom(t)
			args := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(line, s.begins), "faults.yaml", filepath.Join(w.dir, "faults.yaml")))
			url = serve(t, append(args, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--state-dir", t.TempDir())...)
			room = fmt.Sprintf("http://127.0.0.1:%d", port+10)
			w.env = append(w.env, "TF_VAR_endpoint="+url, "BOS_ENDPOINT="+url, "PATH="+tools+":"+os.Getenv("PATH"), "TF_CLI_ARGS_apply=-auto-approve -input=false -no-color",
				"TF_CLI_ARGS_plan=-no-color", "TF_CLI_ARGS_output=-no-color")
			continue
		case strings.HasPrefix(s.begins, "curl"):
			request(t, http.MethodDelete, strings.Replace(strings.TrimPrefix(line, s.begins+" "), "http://127.0.0.1:8780", room, 1))
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		cmd := exec.CommandContext(ctx, "bash", "-c", line)
		cmd.Dir, cmd.Env = w.dir, w.env
		out, err := cmd.CombinedOutput()
		cancel()
		said := result{out: unwrap(string(out))}
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		said.says(t, s.says)
		if s.is != "" {
			if got := waiting().Line(); got != s.is {
				t.Errorf("after line %d, %s, it is\n%s\nand not\n%s", i+1, line, got, s.is)
			}
		}
	}
	if attributes, tainted := w.instance("bos_session.compute"); tainted || attributes["succeeded"] != true {
		t.Errorf("the session is %v", attributes)
	}
}

func TestTheGuideToRolloutsShowsWhatPlans(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/guides/roll-out-an-image.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```terraform\n(.*?)```").FindSubmatch(guide)
	if shown == nil {
		t.Fatal("the guide shows no configuration")
	}
	w := newWorkspace(t)
	w.write("provider \"bos\" {\n  endpoint = \""+serve(t)+"\"\n}\n", string(shown[1]))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "This will boot 8 nodes in ", "canary: 2 nodes, x1000c0s[0-1]b0n0", "It halts when more than 1 node failed, or one of the canary did.")
}
