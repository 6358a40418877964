package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// call is a request as a known client sends it, to the byte, and what the client
// reads of the answer: members by path, such as status.status.
type call struct {
	method, path, body string
	status             int
	reads              map[string]any
}

// replay sends the calls in order, as clients do that go through the gateway.
func (s *site) replay(calls []call) {
	s.t.Helper()
	for _, c := range calls {
		var body any
		if c.body != "" {
			body = c.body
		}
		r := s.do(c.method, "/apis/bos"+c.path, body, "Accept", "application/json", "Authorization", "Bearer a.b.c", "User-Agent", "a known client")
		if r.status != c.status {
			s.t.Errorf("%s %s answers %d, want %d: %s", c.method, c.path, r.status, c.status, r.body)
			continue
		}
		var answer any
		if r.body != "" {
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
				s.t.Errorf("%s %s: %v in %s", c.method, c.path, err, r.body)
			}
		}
		for path, want := range c.reads {
			if got := member(answer, path); got != want {
				s.t.Errorf("%s %s: the client reads %s = %v, want %v", c.method, c.path, path, got, want)
			}
		}
	}
}

// member follows a path of names and, for the first of a list, 0.
func member(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			if len(at) == 0 {
				return nil
			}
			v = at[0]
		default:
			return nil
		}
	}
	return v
}

func TestTheCrayCommandWorksUnchanged(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	s.record("x1c0s2b0n0", func(r *bos.Record) { r.Session = "other" })
	s.replay([]call{
		{"GET", "/v2", "", 200, map[string]any{"major": "2"}},
		{"GET", "/v2/version", "", 200, map[string]any{"major": "2"}},
		{"GET", "/v2/healthz", "", 200, map[string]any{"dbStatus": "ok", "apiStatus": "ok"}},
		{"GET", "/v2/sessiontemplatetemplate", "", 200, map[string]any{"boot_sets.compute.type": "s3"}},
		{"PUT", "/v2/sessiontemplates/cos-2.5", `{"boot_sets": {"compute": {"arch": "X86", "etag": "e1", "kernel_parameters": "ip=dhcp quiet spire_join_token=${SPIRE_JOIN_TOKEN}", "node_roles_groups": ["Compute"], "path": "s3://boot-images/one/manifest.json", "rootfs_provider": "sbps", "rootfs_provider_passthrough": "sbps:v1:iqn.2023-06.csm.iscsi:_sbps-hsn._tcp.my-system.my-site-domain:300", "type": "s3"}}, "cfs": {"configuration": "cos-config"}, "enable_cfs": true}`, 200, map[string]any{"name": "cos-2.5", "tenant": nil, "enable_cfs": true}},
		{"GET", "/v2/sessiontemplates", "", 200, map[string]any{"0.name": "cos-2.5"}},
		{"GET", "/v2/sessiontemplatesvalid/cos-2.5", "", 200, nil},
		{"POST", "/v2/sessions", `{"operation": "boot", "template_name": "cos-2.5", "limit": "x1c0s1b0n0", "name": "mine"}`, 201, map[string]any{"name": "mine", "status.status": "pending", "status.error": nil, "components": ""}},
		{"POST", "/v2/sessions", `{"include_disabled": true, "operation": "reboot", "stage": true, "template_name": "cos-2.5"}`, 201, map[string]any{"stage": true, "include_disabled": true, "limit": ""}},
		{"GET", "/v2/sessions/mine", "", 200, map[string]any{"operation": "boot", "template_name": "cos-2.5"}},
		{"GET", "/v2/sessions/mine/status", "", 200, map[string]any{"status": "pending", "managed_components_count": 0.0, "percent_successful": 0.0, "phases.percent_complete": 0.0}},
		{"POST", "/v2/sessions/mine/status", "", 200, map[string]any{"status": "pending"}},
		{"GET", "/v2/components?enabled=False&page_size=1", "", 200, map[string]any{"0.id": "x1c0s1b0n0"}},
		{"PATCH", "/v2/components/x1c0s1b0n0", `{"enabled": true}`, 200, map[string]any{"enabled": true, "status.status": "on_hold"}},
		{"PATCH", "/v2/components", `{"filters": {"ids": "x1c0s1b0n0,x1c0s2b0n0"}, "patch": {"enabled": false}}`, 200, map[string]any{"0.enabled": false}},
		{"PATCH", "/v2/components", `{"filters": {"session": "other"}, "patch": {"retry_policy": 5}}`, 200, map[string]any{"0.retry_policy": 5.0}},
		{"POST", "/v2/applystaged", `{"xnames": ["x1c0s1b0n0"]}`, 200, map[string]any{"ignored.0": "x1c0s1b0n0"}},
		{"PATCH", "/v2/options", `{"disable_components_on_completion": true, "logging_level": "DEBUG", "max_component_batch_size": 1800}`, 200, map[string]any{"logging_level": "DEBUG", "max_component_batch_size": 1800.0, "disable_components_on_completion": true}},
		{"GET", "/v2/options", "", 200, map[string]any{"default_retry_policy": 3.0, "disable_components_on_completion": nil}},
		{"DELETE", "/v2/sessions?min_age=1d&status=complete", "", 204, nil},
		{"DELETE", "/v2/sessions/mine", "", 204, nil},
		{"DELETE", "/v2/sessiontemplates/cos-2.5", "", 204, nil},
		{"GET", "/v2/sessiontemplates/cos-2.5", "", 404, map[string]any{"title": titleNotFound, "detail": "Session template 'cos-2.5' does not exist"}},
	})
}

func TestSatBootsysWorksUnchanged(t *testing.T) {
	s := newSite(t)
	s.putTemplate("compute-23.7", template())
	s.replay([]call{
		{"GET", "/v2/sessiontemplates/compute-23.7", "", 200, map[string]any{"name": "compute-23.7", "boot_sets.compute.node_roles_groups.0": "Compute"}},
		{"POST", "/v2/sessions", `{"template_name": "compute-23.7", "operation": "shutdown"}`, 201, map[string]any{"operation": "shutdown"}},
		{"POST", "/v2/sessions", `{"template_name": "compute-23.7", "operation": "boot", "limit": "x1c0s1b0n0,x1c0s2b0n0", "stage": false}`, 201, map[string]any{"limit": "x1c0s1b0n0,x1c0s2b0n0"}},
	})
	s.record("x1c0s1b0n0", func(r *bos.Record) {
		r.Session, r.Error, r.Status.StatusOverride = "run", "no answer", bos.StatusFailed
	})
	s.do("POST", "/v2/sessions", object{"name": "run", "operation": "boot", "template_name": "compute-23.7"}).ok(http.StatusCreated, nil)
	s.setSession("run", func(r *bos.SessionRecord) {
		r.Status.Status, r.Components, r.Status.EndTime = bos.SessionComplete, "x1c0s1b0n0", bos.At(noon)
	})
	s.replay([]call{
		{"GET", "/v2/sessions/run", "", 200, map[string]any{"status.status": "complete", "components": "x1c0s1b0n0"}},
		{"GET", "/v2/sessions/run/status", "", 200, map[string]any{
			"status": "complete", "managed_components_count": 1.0, "percent_failed": 100.0, "percent_successful": 0.0, "phases.percent_complete": 100.0,
			"error_summary.no answer.count": 1.0, "error_summary.no answer.list": "x1c0s1b0n0", "timing.end_time": "2026-03-01T12:00:00",
		}},
		{"GET", "/v2/components", "", 200, map[string]any{"0.id": "x1c0s1b0n0", "0.status.status": "failed", "0.session": "run"}},
	})
}

func TestMantaWorksUnchanged(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	s.replay([]call{
		{"PUT", "/v2/sessiontemplates/zinal", `{"enable_cfs":true,"cfs":{"configuration":"runtime"},"boot_sets":{"compute":{"type":"s3","path":"s3://boot-images/one/manifest.json","etag":"e1","kernel_parameters":"quiet","node_groups":["blue"],"arch":"X86","rootfs_provider":"cpss3","rootfs_provider_passthrough":"dvs:api-gw-service-nmn.local:300:nmn0"}}}`, 200, map[string]any{"name": "zinal"}},
		{"GET", "/v2/sessiontemplates", "", 200, map[string]any{"0.boot_sets.compute.node_groups.0": "blue", "0.cfs.configuration": "runtime"}},
		{"POST", "/v2/sessions", `{"name":"m1","operation":"reboot","template_name":"zinal","limit":"x1c0s1b0n0","stage":false,"include_disabled":true}`, 201, map[string]any{"name": "m1", "include_disabled": true}},
		{"POST", "/v2/sessions", `{"operation":"boot","template_name":"zinal","limit":null}`, 201, map[string]any{"limit": ""}},
		{"GET", "/v2/components?ids=x1c0s1b0n0", "", 200, map[string]any{"0.id": "x1c0s1b0n0", "0.enabled": false, "0.error": "", "0.event_stats.power_on_attempts": 0.0, "0.last_action.action": "newly_discovered"}},
		{"PATCH", "/v2/components", `[{"id":"x1c0s1b0n0","desired_state":{"boot_artifacts":{"kernel":"k","initrd":"i","kernel_parameters":"p"},"configuration":"runtime"}}]`, 200, map[string]any{"0.desired_state.configuration": "runtime"}},
		{"PUT", "/v2/components/x1c0s1b0n0", `{"desired_state":{"boot_artifacts":{"kernel":"k","initrd":"i","kernel_parameters":"p"},"configuration":"runtime"},"enabled":false,"retry_policy":3}`, 200, map[string]any{"retry_policy": 3.0, "desired_state.boot_artifacts.kernel": "k"}},
		{"DELETE", "/v2/sessions/m1", "", 204, nil},
		{"DELETE", "/v2/sessiontemplates/zinal", "", 204, nil},
	})
}

func TestTheStateReporterWorksUnchanged(t *testing.T) {
	s := newSite(t)
	s.token("T", bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"})
	s.record("x1c0s1b0n0", func(r *bos.Record) {
		r.Enabled, r.Status.Phase, r.LastAction.Action = true, bos.PhasePoweringOn, bos.ActionPoweringOn
	})
	s.record("x1c0s2b0n0", func(r *bos.Record) {
		r.Enabled, r.Status.Phase, r.LastAction.Action = true, bos.PhasePoweringOff, bos.ActionPowerOffGraceful
	})
	s.replay([]call{
		{"PATCH", "/v2/components/x1c0s1b0n0", `{"id": "x1c0s1b0n0", "actual_state": {"bss_token": "T"}}`, 200, map[string]any{"actual_state.boot_artifacts.kernel": "k", "actual_state.last_updated": "2026-03-01T12:00:00"}},
		{"PATCH", "/v2/components/x1c0s2b0n0", `{"id": "x1c0s2b0n0", "actual_state": {"bss_token": "T"}}`, 409, map[string]any{"title": titleReportRefused}},
		{"PATCH", "/v2/components/x9c0s0b0n0", `{"id": "x9c0s0b0n0", "actual_state": {"bss_token": "T"}}`, 404, map[string]any{"detail": "Component 'x9c0s0b0n0' does not exist"}},
	})
}

func TestScriptsWithCurlWorkUnchanged(t *testing.T) {
	s := newSite(t)
	s.replay([]call{
		{"PUT", "/v2/sessiontemplates/t1", "{\n  \"boot_sets\": {\n    \"compute\": {\n      \"node_list\": [\"X1C0S01B0N0\"],\n      \"path\": \"s3://boot-images/one/manifest.json\",\n      \"type\": \"s3\"\n    }\n  }\n}\n", 200, map[string]any{"boot_sets.compute.node_list.0": "x1c0s1b0n0", "boot_sets.compute.arch": "X86"}},
		{"PATCH", "/v2/sessiontemplates/t1", `{"enable_cfs": false}`, 200, map[string]any{"enable_cfs": false}},
		{"POST", "/v2/sessions", `{"template_name": "t1", "operation": "boot", "limit": "all,!Application"}`, 201, map[string]any{"template_name": "t1"}},
		{"POST", "/v2/sessions", `{"templateUuid": "t1", "operation": "boot"}`, 400, map[string]any{"title": titleBadRequest}},
		{"GET", "/v2/sessions?status=pending&max_age=1h", "", 200, map[string]any{"0.status.status": "pending"}},
		{"DELETE", "/v2/sessions", "", 204, nil},
		{"GET", "/v2/sessions", "", 200, map[string]any{"0.template_name": "t1"}},
		{"PUT", "/v2/components", `[{"id": "x1c0s1b0n0", "enabled": false}]`, 200, map[string]any{"0.id": "x1c0s1b0n0"}},
		{"DELETE", "/v2/components/x1c0s1b0n0", "", 204, nil},
	})
	s.do("POST", "/apis/bos/v2/sessions", `{"template_name": "t1", "operation": "boot"}`, "Content-Type", "application/x-www-form-urlencoded").refused(http.StatusUnsupportedMediaType, "", "application/json")
}
