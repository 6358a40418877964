package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// sentRequest is a request of the provider that is no GET.
type sentRequest struct {
	method, path string
	body         []byte
}

// asks reports whether it changes nothing.
func (r sentRequest) asks() bool {
	return r.path == "/x/v1/previews" || r.path == "/x/v1/applystaged/receipts"
}

func (r sentRequest) String() string { return fmt.Sprintf("%s %s %s", r.method, r.path, r.body) }

// recorder hands the provider's requests on and keeps those that write.
type recorder struct {
	mu     sync.Mutex
	writes []sentRequest
	url    string
}

func recorded(t *testing.T, r *realBOS) *recorder {
	t.Helper()
	rec := &recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
			rec.mu.Lock()
			rec.writes = append(rec.writes, sentRequest{req.Method, req.URL.Path, body})
			rec.mu.Unlock()
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	rec.url = server.URL
	return rec
}

// take returns what was sent since it was asked last.
func (r *recorder) take() []sentRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	writes := r.writes
	r.writes = nil
	return writes
}

// walkedKind is what one type of resource does differently on a walk.
type walkedKind struct {
	name  string
	begin func(*realBOS) map[string]any
	// edit changes the configuration; drift is what somebody else does.
	edit, drift func(*wanderer)
	// story is a few steps in an order that chance alone seldom takes; stories is how
	// often it is told, of that many and 11 steps.
	story   func(*wanderer)
	stories int
	// named are the nodes that a plan says may be acted on.
	named func(*wanderer, *savedPlan) []string
	// judge holds what an apply sent to what its plan said.
	judge func(*wanderer, *savedPlan, []sentRequest)
	// calm makes the configuration one after whose apply there is nothing left to do.
	calm func(*wanderer)
	// stands fails unless BOS has what is configured, once a plan finds nothing to do.
	stands func(*wanderer)
}

func walkedKinds() []walkedKind {
	waits := func(w *wanderer) { w.conf["wait_for_completion"] = true }
	return []walkedKind{
		{
			name: "bos_session",
			begin: func(r *realBOS) map[string]any {
				return map[string]any{"template_name": "compute", "operation": "reboot", "poll_interval": "100ms", "limit": r.nodes()[0]}
			},
			edit: (*wanderer).editSession, drift: (*wanderer).editTemplate, calm: waits, story: (*wanderer).applyTwice, stories: 1, judge: (*wanderer).judgeSession, stands: func(*wanderer) {},
			named: func(w *wanderer, p *savedPlan) []string { return w.texts(p.planned["planned_nodes"]) },
		},
		{
			name:  "bos_component",
			begin: func(r *realBOS) map[string]any { return map[string]any{"xname": r.nodes()[2]} },
			edit:  (*wanderer).editComponent, drift: (*wanderer).driftComponent, calm: func(*wanderer) {}, story: (*wanderer).holdAndLift, stories: 5, judge: (*wanderer).judgeComponent,
			named: (*wanderer).namedComponent, stands: (*wanderer).componentStands,
		},
		{
			name: "bos_staged_apply",
			begin: func(r *realBOS) map[string]any {
				return map[string]any{"xnames": r.nodes()[3:], "poll_interval": "100ms"}
			},
			edit: (*wanderer).editStaged, drift: (*wanderer).driftStaged, calm: waits, story: (*wanderer).applyTwice, stories: 1, judge: (*wanderer).judgeStaged, stands: func(*wanderer) {},
			named: func(w *wanderer, p *savedPlan) []string {
				if !p.create {
					return nil
				}
				return w.xnames(p)
			},
		},
	}
}

func warnings(resp *tfprotov6.PlanResourceChangeResponse) (summaries []string) {
	for _, d := range resp.Diagnostics {
		summaries = append(summaries, d.Summary)
	}
	return summaries
}

// drift is what somebody does to the nodes of the session.
func (w *ground) drift() {
	id := w.room.nodes()[w.rand.IntN(2)]
	w.allowed[id] = true
	w.note("somebody reboots %s", id)
	send(w.t, http.MethodPost, w.room.url+"/v2/sessions", strings.NewReader(`{"template_name":"compute","operation":"reboot","limit":"`+id+`"}`))
}

func (w *wanderer) editTemplate() {
	w.note("somebody edits the template")
	w.room.aTemplate(w.t, fmt.Sprintf("quiet n=%d", w.rand.IntN(3)))
}

func (w *wanderer) editSession() {
	pick := w.rand.IntN
	switch pick(4) {
	case 0:
		w.conf["triggers"] = map[string]string{"n": fmt.Sprint(pick(3))}
	case 1:
		if w.whole && pick(2) == 0 {
			delete(w.conf, "limit")
		} else {
			w.conf["limit"] = strings.Join(w.room.nodes()[:1+pick(2)], ",")
		}
	case 2:
		w.conf["operation"] = []string{"boot", "reboot", "shutdown"}[pick(3)]
	case 3:
		w.conf["wait_for_completion"] = pick(2) == 0
	}
}

func (w *wanderer) judgeSession(p *savedPlan, sent []sentRequest) {
	w.t.Helper()
	for _, r := range sent {
		forgets := p.replaced != "" && r.method == http.MethodDelete && r.path == "/v2/sessions/"+p.replaced
		if !forgets && !r.asks() && r.path != "/v2/sessions" && r.path != "/x/v1/sessions" {
			w.failf("the apply of a session in place of %q sends %s", p.replaced, r)
		}
		if p.empty && !r.asks() {
			w.failf("an empty plan sends %s", r)
		}
	}
}

// object is a value of a nested attribute; what is not given is null.
func (w *wanderer) object(attribute string, given map[string]any) map[string]tftypes.Value {
	kind, ok := w.resourceSchema().ValueType().(tftypes.Object)
	if !ok {
		w.t.Fatal("the schema is no object")
	}
	return members(kind.AttributeTypes[attribute], given)
}

func members(kind tftypes.Type, given map[string]any) map[string]tftypes.Value {
	values := make(map[string]tftypes.Value)
	object, ok := kind.(tftypes.Object)
	if !ok {
		return values
	}
	for name, member := range object.AttributeTypes {
		if inner, nested := given[name].(map[string]any); nested {
			values[name] = tftypes.NewValue(member, members(member, inner))
		} else {
			values[name] = tftypes.NewValue(member, given[name])
		}
	}
	return values
}

const aKernel = "s3://boot-images/00000000-0000-4000-8000-000000000001/kernel"

func (w *wanderer) editComponent() {
	pick := w.rand.IntN
	if w.conf["hold"] != nil && pick(3) == 0 {
		delete(w.conf, "hold") // what lifts it is rare else
		return
	}
	switch pick(5) {
	case 0:
		w.conf["enabled"] = pick(2) == 0
	case 1:
		delete(w.conf, []string{"enabled", "desired_state", "hold"}[pick(3)])
	case 2:
		w.conf["desired_state"] = w.object("desired_state", map[string]any{"boot_artifacts": map[string]any{
			"kernel": []string{"", aKernel}[pick(2)], "kernel_parameters": fmt.Sprintf("quiet n=%d", pick(2)),
		}})
	case 3:
		w.conf["hold"] = w.object("hold", map[string]any{"reason": ticket(w)})
	case 4:
		w.conf["xname"] = w.room.nodes()[2+pick(2)]
	}
}

// driftComponent is what somebody does to the node beside Terraform.
func (w *wanderer) driftComponent() {
	pick := w.rand.IntN
	id := fmt.Sprint(w.conf["xname"])
	component := w.room.url + "/v2/components/" + id
	switch pick(4) {
	case 0:
		w.allowed[id] = true
		w.note("somebody enables %s", id)
		send(w.t, http.MethodPatch, component, strings.NewReader(`{"enabled":true}`))
	case 1:
		w.note("somebody disables %s", id)
		send(w.t, http.MethodPatch, component, strings.NewReader(`{"enabled":false}`))
	case 2:
		w.foreignHold()
	case 3:
		w.foreignLift()
	}
}

// walkedHold is why a node is held, empty if it is not, and whether somebody else than
// Terraform relies on that.
type walkedHold struct {
	reason string
	others bool
}

// ticket is a reason for a hold. There are two, so that two often ask with the same.
func ticket(w *wanderer) string { return fmt.Sprintf("CAST-%d", w.rand.IntN(2)) }

// foreignHold is a hold of somebody else: for a reason that Terraform may have too,
// for another, or for what the node is held for already, put on anew.
func (w *wanderer) foreignHold() {
	id := fmt.Sprint(w.conf["xname"])
	reason := ticket(w)
	switch standing := w.holds[id].reason; {
	case w.rand.IntN(3) == 0:
		reason = "somebody works on it"
	case standing != "":
		if reason = standing; w.rand.IntN(2) == 0 {
			w.foreignLift()
		}
	}
	w.holds[id] = walkedHold{reason, true}
	w.note("somebody holds %s for %q", id, reason)
	send(w.t, http.MethodPut, w.room.url+"/x/v1/components/"+id+"/hold", strings.NewReader(fmt.Sprintf(`{"reason":%q}`, reason)))
}

// foreignLift is somebody who takes off whatever hold there is.
func (w *wanderer) foreignLift() {
	id := fmt.Sprint(w.conf["xname"])
	w.allowed[id] = true // it may have waited for that
	w.holds[id] = walkedHold{}
	w.note("somebody lifts the hold of %s", id)
	send(w.t, http.MethodDelete, w.room.url+"/x/v1/components/"+id+"/hold", nil)
}

// holdAndLift puts a hold on and takes it out again, and at one moment somebody else
// holds the node as well, most often when the plan that lifts it was reviewed.
func (w *wanderer) holdAndLift() {
	moments := []string{"before", "meanwhile", "reviewed", "reviewed", "never"}
	moment := moments[w.rand.IntN(len(moments))]
	foreign := func(now string) {
		if now == moment {
			w.foreignHold()
		}
	}
	w.note("a hold, and somebody else's: %s", moment)
	foreign("before")
	w.conf["hold"] = w.object("hold", map[string]any{"reason": ticket(w)})
	if p := w.plan(true); p != nil {
		w.apply(p, false)
	}
	if foreign("meanwhile"); w.rand.IntN(2) == 0 {
		w.plan(true)
	}
	delete(w.conf, "hold")
	if p := w.plan(true); p != nil {
		foreign("reviewed")
		w.apply(p, false)
	}
}

// applyTwice asks for another run, and applies its plan a second time after a kill,
// perhaps after somebody planned.
func (w *wanderer) applyTwice() {
	w.kind.drift(w)
	w.conf["triggers"] = map[string]string{"n": fmt.Sprint(3 + w.rand.IntN(3))}
	p := w.plan(true)
	if p == nil {
		return
	}
	w.apply(p, true)
	if w.rand.IntN(2) == 0 {
		w.plan(true)
	}
	w.apply(p, w.rand.IntN(2) == 0)
}

const lifts = "BOS may act on nodes whose hold is lifted"

func (w *wanderer) namedComponent(p *savedPlan) []string {
	for _, summary := range p.warned {
		if strings.HasPrefix(summary, "BOS will act") || strings.HasPrefix(summary, "BOS may act") {
			return []string{fmt.Sprint(p.config["xname"])}
		}
	}
	return nil
}

func (w *wanderer) judgeComponent(p *savedPlan, sent []sentRequest) {
	w.t.Helper()
	id := fmt.Sprint(p.config["xname"])
	for _, r := range sent {
		if p.empty {
			w.failf("an empty plan sends %s", r)
		}
		var patch bos.ComponentPatch
		switch r.method + " " + r.path {
		case "PATCH /v2/components/" + id:
			if err := json.Unmarshal(r.body, &patch); err != nil {
				w.failf("it sends %s: %s", r, err)
			}
			if patch.Enabled != nil && *patch.Enabled && len(p.nodes) == 0 {
				w.failf("it sends %s, and the plan named no node that BOS acts on", r)
			}
			if patch.DesiredState != nil && p.config["desired_state"] == nil {
				w.failf("it sends %s, and no desired state is configured", r)
			}
		case "PUT /x/v1/components/" + id + "/hold":
			var put struct{ Reason string }
			if err := json.Unmarshal(r.body, &put); err != nil || p.config["hold"] == nil {
				w.failf("it sends %s, and no hold is configured: %v", r, err)
			}
			if w.holds[id].reason != put.Reason {
				w.holds[id] = walkedHold{reason: put.Reason}
			}
		case "DELETE /x/v1/components/" + id + "/hold":
			if !slices.Contains(p.warned, lifts) || w.holds[id].others {
				w.failf("it sends %s, and the plan lifts no hold, or others rely on it: %+v", r, w.holds[id])
			}
			w.holds[id] = walkedHold{}
		default:
			w.failf("the apply of a component sends %s", r)
		}
	}
}

// holdStands fails where a plan finds nothing to do, and the node is not held for what
// is configured.
func (w *wanderer) holdStands() {
	w.t.Helper()
	id := fmt.Sprint(w.conf["xname"])
	given := w.members(w.value(w.resourceSchema(), w.conf))
	if reason := textIn(w.t, given["hold"], "reason"); reason != "" && w.holds[id].reason != reason {
		w.failf("nothing is to do, and %s is configured to be held for %q; its hold is %+v", id, reason, w.holds[id])
	}
}

// componentStands compares the hold and the desired state that are configured with
// what BOS has.
func (w *wanderer) componentStands() {
	w.t.Helper()
	id := fmt.Sprint(w.conf["xname"])
	var record bos.Component
	var holds bos.Holds
	for path, into := range map[string]any{"/v2/components/" + id: &record, "/x/v1/holds": &holds} {
		if err := json.Unmarshal([]byte(request(w.t, http.MethodGet, w.room.url+path)), into); err != nil {
			w.t.Fatal(err)
		}
	}
	given := w.members(w.value(w.resourceSchema(), w.conf))
	if hold := textIn(w.t, given["hold"], "reason"); hold != "" && !slices.ContainsFunc(holds.Holds, func(h bos.HeldComponent) bool { return h.ID == id && h.Reason == hold }) {
		w.failf("nothing is left to do, and %s is configured to be held for %q; the holds are %+v", id, hold, holds.Holds)
	}
	if line := textIn(w.t, given["desired_state"], "boot_artifacts", "kernel_parameters"); line != "" && record.DesiredState.BootArtifacts.KernelParameters != line {
		w.failf("nothing is left to do, and the kernel parameters of %s are configured to be %q; the desired state is %+v", id, line, record.DesiredState)
	}
}

// textIn is a text deep in an object; empty if it or what it is in is null.
func textIn(t *testing.T, value tftypes.Value, names ...string) (text string) {
	t.Helper()
	for _, name := range names {
		var inner map[string]tftypes.Value
		if value.IsNull() {
			return ""
		}
		if err := value.As(&inner); err != nil {
			t.Fatal(err)
		}
		value = inner[name]
	}
	if value.IsNull() {
		return ""
	}
	if err := value.As(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *wanderer) editStaged() {
	pick := w.rand.IntN
	switch pick(4) {
	case 0:
		w.conf["triggers"] = map[string]string{"n": fmt.Sprint(pick(3))}
	case 1:
		w.conf["xnames"] = w.room.nodes()[2+pick(2):]
	case 2:
		w.conf["wait_for_completion"] = pick(2) == 0
	case 3:
		delete(w.conf, "session")
		for name, s := range w.names() {
			if s.Stage && pick(2) == 0 {
				w.conf["session"] = name
			}
		}
	}
}

// driftStaged stages something, which touches no node.
func (w *wanderer) driftStaged() {
	id := w.room.nodes()[2+w.rand.IntN(2)]
	w.note("somebody stages something for %s", id)
	send(w.t, http.MethodPost, w.room.url+"/v2/sessions", strings.NewReader(`{"template_name":"compute","operation":"reboot","stage":true,"limit":"`+id+`"}`))
}

func (w *wanderer) xnames(p *savedPlan) []string {
	ids, ok := p.config["xnames"].([]string)
	if !ok {
		w.failf("the xnames are %v", p.config["xnames"])
	}
	return ids
}

func (w *wanderer) judgeStaged(p *savedPlan, sent []sentRequest) {
	w.t.Helper()
	applied := 0
	for _, r := range sent {
		if r.asks() {
			continue
		}
		if applied++; !strings.HasSuffix(r.path, "/applystaged") || !p.create || applied > 1 {
			w.failf("the apply of staged state sends %s as request %d, and the plan applies: %t", r, applied, p.create)
		}
		var asked struct {
			Xnames  []string
			Session string
		}
		if err := json.Unmarshal(r.body, &asked); err != nil {
			w.failf("it sends %s: %s", r, err)
		}
		if only, _ := p.config["session"].(string); asked.Session != only {
			w.failf("it sends %s, and the plan was for what session %q has staged", r, only)
		}
		for _, id := range asked.Xnames {
			if !slices.Contains(p.nodes, id) {
				w.failf("it sends %s, and the plan named %v", r, p.nodes)
			}
		}
	}
}

// destroy is "terraform destroy", which touches no node: it lets go of everything,
// and deletes the record of a session that is over.
func (w *wanderer) destroy(killed bool) {
	server := w.process(false)
	w.refresh(server)
	if w.state.value == nil {
		return
	}
	own := "none"
	if name := w.members(w.state.value)["name"]; name.Type() != nil {
		if err := name.As(&own); err != nil {
			w.t.Fatal(err)
		}
	}
	w.note("%s is destroyed, killed %t", w.kind.name, killed)
	w.sent.take()
	if _, err := w.change(server, w.state, &tfprotov6.PlanResourceChangeResponse{PlannedState: w.null()}, w.conf); err != nil {
		w.failf("destroying fails: %s", err)
	}
	for _, r := range w.sent.take() {
		if r.method != http.MethodDelete || r.path != "/v2/sessions/"+own {
			w.failf("destroying %s sends %s", own, r)
		}
	}
	w.state.version++
	if !killed {
		w.state = stored{version: w.state.version}
	}
}
