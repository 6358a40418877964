package provider

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestTheRunOfAPipelineIsTheReasonOfItsSessions(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]map[string]string{
		"":                                       {"HOME": "/root"},
		"HCP Terraform run run-1 of workspace w": {"TFC_RUN_ID": "run-1", "TFC_WORKSPACE_NAME": "w", "CI_JOB_URL": "https://g/1"},
		"GitLab job https://g/1":                 {"CI_JOB_URL": "https://g/1"},
		"GitHub run https://h/o/r/actions/runs/7": {"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://h", "GITHUB_REPOSITORY": "o/r"},
		"build https://j/ 5":                      {"BUILD_URL": "https://j/\n5"},
	} {
		if got := pipelineRun(func(name string) string { return env[name] }); got != want {
			t.Errorf("%v is %q, want %q", env, got, want)
		}
	}
	if got := pipelineRun(func(string) string { return strings.Repeat("x", 5000) }); len(got) > bos.MaxReason {
		t.Errorf("%d characters", len(got))
	}
}
