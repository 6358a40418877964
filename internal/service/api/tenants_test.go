package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The nodes of the two tenants, and one of nobody. The words are in every record
// that is not red's.
const (
	redNode    = "x1c0s1b0n0"
	greenNode  = "x1c0s2b0n0"
	nobodyNode = "x1c0s3b0n0"
	greenWord  = "greensecret"
	nobodyWord = "nobodysecret"
)

// twoTenants is a site on which green and nobody have templates, sessions and
// components under the names that red uses as well.
func twoTenants(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.tenants = map[string][]string{"red": {redNode}, "green": {greenNode}}
	s.inv.Groups["blue"] = []string{redNode, greenNode, nobodyNode}
	for _, owner := range []struct {
		tenant, word, node string
	}{{"green", greenWord, greenNode}, {"", nobodyWord, nobodyNode}} {
		set := object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{owner.node}}
		headers := []string{tenantHeader, owner.tenant}
		if owner.tenant == "" {
			headers = nil
		}
		for _, name := range []string{"t1", "t2"} {
			s.putTemplate(name, object{"description": owner.word, "boot_sets": object{"compute": set}}, headers...)
		}
		for _, name := range []string{"s1", "s2"} {
			s.do("POST", "/v2/sessions", with(boot(name), "limit", owner.node), headers...).ok(http.StatusCreated, nil)
		}
		key := bos.SessionKey{Tenant: owner.tenant, Name: "s1"}
		_, err := s.store.MutateSession(t.Context(), key, func(r *bos.SessionRecord) error {
			text := owner.word
			r.Status.Status, r.Status.Error, r.Components = bos.SessionRunning, &text, owner.node
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.record(owner.node, func(r *bos.Record) {
			r.Error, r.Session, r.Enabled = owner.word, "s1", true
			r.StagedState = bos.StagedState{Session: "s2", BootArtifacts: bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}}
		})
	}
	s.record(redNode, func(r *bos.Record) { r.StagedState.Session = "s1" })
	return s
}

// notOfRed is everything that red must not change.
func (s *site) notOfRed() string {
	s.t.Helper()
	ctx := s.t.Context()
	templates, err := s.store.Templates(ctx, bos.AllTenants())
	if err != nil {
		s.t.Fatal(err)
	}
	sessions, err := s.store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants()}, s.clock())
	if err != nil {
		s.t.Fatal(err)
	}
	components, err := s.store.Components(ctx, bos.ComponentFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	options, err := s.store.Options(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	isRed := func(tenant *string) bool { return bos.TenantOf(tenant) == "red" }
	all := []any{
		slices.DeleteFunc(templates, func(t bos.SessionTemplate) bool { return isRed(t.Tenant) }),
		slices.DeleteFunc(sessions, func(r bos.SessionRecord) bool { return isRed(r.Tenant) }),
		slices.DeleteFunc(components, func(r bos.Record) bool { return r.ID == redNode }),
		options,
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// redRequest draws anything that a client of red may send to v2 and /x/v1, but
// for the options, which are the service's.
func redRequest(rt *rapid.T) (method, path string, body any) {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, label) }
	template, session := pick("template", "t1", "t2", "t3"), pick("session", "s1", "s2", "s3")
	node := pick("node", redNode, greenNode, nobodyNode, "x9c0s0b0n0")
	nodes := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{redNode, greenNode, nobodyNode}), 1, 3, rapid.ID[string]).Draw(rt, "nodes")
	set := object{"path": "s3://boot-images/one/manifest.json", "type": "s3"}
	switch pick("selector", "list", "group", "role") {
	case "list":
		set["node_list"] = nodes
	case "group":
		set["node_groups"] = []string{"blue"}
	default:
		set["node_roles_groups"] = []string{"Compute"}
	}
	written := object{"boot_sets": object{"compute": set}}
	operation := pick("operation", "boot", "reboot", "shutdown")
	create := object{"name": session, "operation": operation, "template_name": template, "limit": pick("limit", "", "*", "Compute", "blue", greenNode), "stage": rapid.Bool().Draw(rt, "stage")}
	patch := object{"error": "red was here", "enabled": rapid.Bool().Draw(rt, "enabled"), "session": pick("of", "", "s1", "s2")}
	var list []object
	for _, id := range nodes {
		list = append(list, with(patch, "id", id))
	}
	type request struct {
		method, path string
		body         any
	}
	requests := []request{
		{"GET", "/v2/sessiontemplates", nil},
		{"GET", "/v2/sessiontemplates/" + template, nil},
		{"GET", "/v2/sessiontemplatesvalid/" + template, nil},
		{"PUT", "/v2/sessiontemplates/" + template, written},
		{"PATCH", "/v2/sessiontemplates/" + template, object{"enable_cfs": false}},
		{"DELETE", "/v2/sessiontemplates/" + template, nil},
		{"GET", "/v2/sessions", nil},
		{"DELETE", "/v2/sessions?status=" + pick("status", "pending", "running", "complete"), nil},
		{"POST", "/v2/sessions", create},
		{"POST", "/x/v1/sessions", create},
		{"GET", "/v2/sessions/" + session, nil},
		{"PATCH", "/v2/sessions/" + session, object{"status": object{"status": pick("status", "running", "complete")}}},
		{"DELETE", "/v2/sessions/" + session, nil},
		{"GET", "/v2/sessions/" + session + "/status", nil},
		{"POST", "/v2/sessions/" + session + "/status", nil},
		{"GET", "/x/v1/sessions/" + session + "/components", nil},
		{"POST", "/x/v1/sessions/" + session + "/cancel", nil},
		{"GET", "/v2/components?session=" + session, nil},
		{"GET", "/v2/components?ids=" + strings.Join(nodes, ","), nil},
		{"GET", "/v2/components", nil},
		{"PUT", "/v2/components", list},
		{"PATCH", fmt.Sprintf("/v2/components?skip_bad_ids=%t", rapid.Bool().Draw(rt, "skip")), list},
		{"PATCH", "/v2/components", object{"patch": patch, "filters": object{"session": session}}},
		{"PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": strings.Join(nodes, ",")}}},
		{"GET", "/v2/components/" + node, nil},
		{"PUT", "/v2/components/" + node, patch},
		{"PATCH", "/v2/components/" + node, patch},
		{"DELETE", "/v2/components/" + node, nil},
		{"POST", "/v2/applystaged", object{"xnames": nodes}},
		{"POST", "/x/v1/previews", object{"operation": operation, "template": written}},
		{"POST", "/x/v1/previews", object{"operation": operation, "template_name": template}},
		{"GET", "/x/v1/events", nil},
		{"GET", "/x/v1/events?component=" + node, nil},
		{"GET", "/x/v1/events?session=" + session, nil},
	}
	r := requests[rapid.IntRange(0, len(requests)-1).Draw(rt, "request")]
	return r.method, r.path, r.body
}

func TestATenantNeverSeesOrChangesWhatIsNotItsOwn(t *testing.T) {
	s := twoTenants(t)
	before := s.notOfRed()
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 5).Draw(rt, "requests") {
			method, path, body := redRequest(rt)
			r := s.do(method, path, body, tenantHeader, "red")
			if r.status >= 500 {
				rt.Fatalf("%s %s answers %d: %s", method, path, r.status, r.body)
			}
			for _, word := range []string{greenWord, nobodyWord} {
				if strings.Contains(r.body, word) {
					rt.Fatalf("%s %s %v tells red what is not its own: %s", method, path, body, r.body)
				}
			}
			if r.status < 300 {
				for _, id := range []string{greenNode, nobodyNode} {
					named := fmt.Sprint(body, path)
					if strings.Contains(r.body, id) && !strings.Contains(named, id) && !mentionedByRed(s, id) {
						rt.Fatalf("%s %s %v tells red of a node that it does not have: %s", method, path, body, r.body)
					}
				}
			}
		}
		if diff := cmp.Diff(before, s.notOfRed()); diff != "" {
			rt.Fatalf("red changed what is not its own: %s", diff)
		}
	})
}

// mentionedByRed reports whether a template or session of red names the node:
// then red has said the name itself.
func mentionedByRed(s *site, id string) bool {
	templates, err := s.store.Templates(s.t.Context(), bos.OneTenant("red"))
	if err != nil {
		s.t.Fatal(err)
	}
	sessions, err := s.store.Sessions(s.t.Context(), bos.SessionFilter{Of: bos.OneTenant("red")}, s.clock())
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Contains(fmt.Sprintf("%+v %+v", templates, sessions), id)
}

func TestAnUnknownTenantIsInvalidExactlyWhereTheContractSaysSo(t *testing.T) {
	s := twoTenants(t)
	stranger := []string{tenantHeader, "stranger"}
	node := "/v2/components/" + redNode
	for _, c := range []struct {
		method, path string
		body         any
		status       int // 400 stands for Invalid tenant, 4000 for a 400 as all others
	}{
		{"PUT", "/v2/sessiontemplates/t1", template(), 400},
		{"POST", "/v2/sessions", boot("s9"), 400},
		{"POST", "/x/v1/sessions", boot("s9"), 400},
		{"POST", "/x/v1/previews", ask(), 400},
		{"POST", "/v2/applystaged", object{"xnames": []string{redNode}}, 4000},
		{"GET", "/v2/components", nil, 400},
		{"GET", node, nil, 400},
		{"PATCH", "/v2/components", []object{{"id": redNode, "error": ""}}, 4000},
		{"PATCH", node, object{"error": ""}, 400},
		{"DELETE", node, nil, 400},
		{"GET", "/v2/sessiontemplates", nil, 200},
		{"GET", "/v2/sessiontemplates/t1", nil, 404},
		{"PATCH", "/v2/sessiontemplates/t1", object{}, 404},
		{"DELETE", "/v2/sessiontemplates/t1", nil, 404},
		{"GET", "/v2/sessiontemplatesvalid/t1", nil, 404},
		{"GET", "/v2/sessions", nil, 200},
		{"DELETE", "/v2/sessions?status=running", nil, 204},
		{"GET", "/v2/sessions/s1", nil, 404},
		{"PATCH", "/v2/sessions/s1", object{}, 404},
		{"DELETE", "/v2/sessions/s1", nil, 404},
		{"GET", "/v2/sessions/s1/status", nil, 404},
		{"POST", "/v2/sessions/s1/status", nil, 404},
	} {
		r := s.do(c.method, c.path, c.body, stranger...)
		if c.status == http.StatusBadRequest {
			r.refused(c.status, titleInvalidTenant, "stranger")
			continue
		}
		if c.status == 4000 {
			r.refused(http.StatusBadRequest, titleBadRequest, "stranger")
			continue
		}
		if r.ok(c.status, nil); c.status == http.StatusOK && r.body != "[]\n" {
			t.Errorf("%s %s: %s", c.method, c.path, r.body)
		}
	}
}

func TestAPreviewTellsATenantOfNoOtherNodes(t *testing.T) {
	s := twoTenants(t)
	inline := object{"boot_sets": object{"compute": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_groups": []string{"blue"}, "node_roles_groups": []string{"Compute"}}}}
	for _, limit := range []string{"all", redNode, "!blue"} {
		p := s.preview(object{"operation": "boot", "template": inline, "limit": limit}, tenantHeader, "red")
		told := []string{p.Nodes}
		for _, skip := range p.Skipped {
			told = append(told, skip.Nodes)
		}
		for _, effect := range p.Effects {
			told = append(told, effect.Nodes)
		}
		for _, folded := range told {
			ids, err := bos.Expand(folded, 10)
			if err != nil || len(ids) > 1 || len(ids) == 1 && ids[0] != redNode {
				t.Errorf("with limit %q red is told of %q, %v", limit, folded, err)
			}
		}
	}
}

func TestAnotherTenantsPlanIsRefusedAndNothingOfItIsTold(t *testing.T) {
	s := newSite(t)
	s.tenants["blue"] = []string{"x1c0s2b0n0"}
	red, blue := []string{tenantHeader, "red"}, []string{tenantHeader, "blue"}
	var reds bos.Preview
	s.putTemplate("t1", template(), red...)
	s.putTemplate("t1", template(), blue...)
	s.do("POST", "/x/v1/previews", ask(), red...).ok(http.StatusOK, &reds)

	refused := s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", reds.Pin), blue...)
	refused.refused(http.StatusConflict, titlePlanOutdated, reds.Pin, "plan again")
	unknown := s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", "nobody's"), blue...)
	if got := strings.ReplaceAll(refused.body, reds.Pin, "nobody's"); got != unknown.body {
		t.Errorf("a pin of red is refused with\n%s\nand one of nobody with\n%s", got, unknown.body)
	}
	nodes := "/x/v1/previews/" + reds.Pin + "/nodes"
	s.do("GET", nodes, nil, blue...).refused(http.StatusNotFound, titleNotFound, reds.Pin)
	var page bos.PreviewNodes
	for _, of := range [][]string{red, nil} {
		if s.do("GET", nodes, nil, of...).ok(http.StatusOK, &page); len(page.Nodes) == 0 || page.Nodes[0].ID != "x1c0s1b0n0" {
			t.Errorf("%v reads %+v", of, page)
		}
	}
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", reds.Pin), red...).ok(http.StatusCreated, nil)
}

func TestRefusalsOfATenantReadAsThoseOfTheOriginal(t *testing.T) {
	s := newSite(t)
	red := []string{tenantHeader, "red"}
	s.putTemplate("t1", template(), red...)
	s.do("POST", "/v2/sessions", boot("s1"), red...).ok(http.StatusCreated, nil)
	s.do("POST", "/v2/sessions", boot("s1"), red...).refused(http.StatusConflict, titleExists, "Session 's1' already exists for tenant 'red'")
	s.do("GET", "/v2/sessions/s2", nil, red...).refused(http.StatusNotFound, titleNotFound, "Session for tenant 'red' 's2' does not exist")
	s.do("GET", "/v2/components/x1c0s2b0n0", nil, red...).refused(http.StatusNotFound, titleNotFound, "Component 'x1c0s2b0n0' does not exist")
}
