package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// refusal fails the test unless err is what a client may be told about its
// body: a 400 or 413, in words.
func refusal(t *testing.T, err error) {
	t.Helper()
	var (
		p       *problem
		invalid *bos.Invalid
	)
	switch {
	case errors.As(err, &p):
		if p.Status != http.StatusBadRequest && p.Status != http.StatusRequestEntityTooLarge || p.Detail == "" {
			t.Errorf("%+v", p)
		}
	case errors.As(err, &invalid):
		if invalid.Error() == "" {
			t.Error("refused without a word")
		}
	default:
		t.Errorf("not a refusal: %v", err)
	}
}

func FuzzTemplateBody(f *testing.F) {
	f.Add(`{"boot_sets":{"c":{"path":"p","type":"s3","node_list":["X01c0s1b0n0"],"arch":"ARM","cfs":{"configuration":"c"}}}}`)
	f.Add(`{"description":"d","enable_cfs":false,"cfs":{},"boot_sets":{"c":{"path":"p","type":"s3","etag":null}}}`)
	f.Add(`{"boot_sets":{"c":{"path":"","type":"s3","node_groups":[]}}} x`)
	f.Fuzz(func(t *testing.T, text string) {
		var body templateBody
		err := decodeFrom(strings.NewReader(text), &body)
		if err == nil {
			err = body.check()
		}
		if err != nil {
			refusal(t, err)
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("took what is no JSON: %q", text)
		}
		stored := bos.SessionTemplate{Name: "t"}
		body.apply(&stored)
		if err := bos.ValidateTemplate(stored, bos.DefaultOptions()); err != nil {
			refusal(t, err)
			return
		}
		bos.SanitizeTemplate(&stored)
		if err := bos.ValidateTemplate(stored, bos.DefaultOptions()); err != nil {
			t.Errorf("a template is not valid any more in its stored form: %v", err)
		}
	})
}

func FuzzComponentPatch(f *testing.F) {
	f.Add(`[{"id":"x1","actual_state":{"bss_token":"T"}}]`)
	f.Add(`{"patch":{"enabled":true,"retry_policy":3},"filters":{"ids":"a,b","session":null}}`)
	f.Add(`{"patch":{"error":""},"filters":{"session":"s1"}}`)
	f.Add(` [{"id":"a","status":{"phase":"powering_on"},"last_action":{"action":"powering_on","failed":true}}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		body, err := bulkPatchFrom(strings.NewReader(text))
		if err != nil {
			refusal(t, err)
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("took what is no JSON: %q", text)
		}
		var patches []bos.ComponentPatch
		if body.patch != nil {
			patches = append(patches, *body.patch)
		} else {
			patches = slices.AppendSeq(patches, maps.Values(body.list.patches))
		}
		for _, patch := range patches {
			rec := bos.Record{Component: bos.Component{ID: "x"}}
			patch.Apply(&rec, nil, noon)
			if rec.Enabled && rec.DeriveStatus() != bos.StatusOnHold {
				t.Errorf("%s armed a component without holding it: %+v", text, rec)
			}
		}
	})
}

// FuzzOneComponent is the body of a write to one component; FuzzComponentPatch has
// the lists and the filters.
func FuzzOneComponent(f *testing.F) {
	f.Add(`{"id":"x1","actual_state":{"bss_token":"T"}}`, "x1")
	f.Add(`{"enabled":true,"desired_state":{"boot_artifacts":{"kernel":"k"},"configuration":"c"},"session":""}`, "x1c0s0b0n0")
	f.Add(`{"staged_state":{"session":"s1"},"last_action":{"action":"powering_on"},"event_stats":{"power_on_attempts":1}}`, "")
	f.Add(`{"status":{"phase":"","status_override":"failed"},"retry_policy":0,"error":"e"}`, "x")
	f.Fuzz(func(t *testing.T, text, id string) {
		patch, err := componentFrom(strings.NewReader(text), id)
		if err != nil {
			refusal(t, err)
			return
		}
		if !json.Valid([]byte(text)) || patch.ID != nil && *patch.ID != id {
			t.Fatalf("took %q for component %q", text, id)
		}
		rec := bos.Record{Component: bos.Component{ID: id}}
		patch.Replace(&rec, &bos.BootArtifacts{Kernel: "k"}, noon)
		var again bos.Component
		view := rec.View()
		if err := json.Unmarshal(document.AppendComponent(nil, &view, nil), &again); err != nil {
			t.Errorf("%s is shown as no JSON: %v", text, err)
		}
		if rec.Enabled && rec.DeriveStatus() != bos.StatusOnHold || again.Status.Status != rec.DeriveStatus() {
			t.Errorf("%s made %+v", text, again)
		}
	})
}

func FuzzSessionBody(f *testing.F) {
	f.Add(`{"name":"s1","operation":"boot","template_name":"t1","limit":null,"stage":true,"include_disabled":false,"pin":"p"}`)
	f.Add(`{"operation":"reboot","template_name":"t1","limit":"a,,b"}`)
	f.Add(`{"operation":"boot","operation":"boot"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var body pinnedBody
		err := decodeFrom(strings.NewReader(text), &body)
		if err == nil {
			err = body.Session.check()
		}
		if err == nil {
			err = checkLimit(body.Session.Limit.orZero(), bos.DefaultOptions())
		}
		if err != nil {
			refusal(t, err)
		}
	})
}

func FuzzOptionsBody(f *testing.F) {
	f.Add(`{"reject_nids":true,"future":[null],"component_actual_state_ttl":"4h"}`)
	f.Add(`{"discovery_frequency":33554433}`)
	f.Add(`{"logging_level":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var body optionsBody
		err := decodeFrom(strings.NewReader(text), &body)
		if err == nil {
			err = body.Known.Validate()
		}
		if err != nil {
			refusal(t, err)
			return
		}
		o := bos.DefaultOptions()
		body.Known.Apply(&o)
	})
}

func FuzzSessionPatch(f *testing.F) {
	f.Add(`{"components":"a,b","status":{"status":"complete","start_time":"2026-03-01T12:00:00","end_time":null,"error":"e"}}`)
	f.Add(`{"status":{"status":"pending"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var patch sessionPatch
		err := decodeFrom(strings.NewReader(text), &patch)
		if err == nil {
			err = patch.check()
		}
		rec := bos.SessionRecord{Session: bos.Session{Status: bos.SessionStatus{Status: bos.SessionRunning}}}
		if err == nil {
			err = patch.apply(&rec)
		}
		if err != nil {
			refusal(t, err)
			return
		}
		if rec.Status.Status == bos.SessionPending {
			t.Errorf("%s sent a running session back", text)
		}
	})
}

func FuzzPreviewBody(f *testing.F) {
	f.Add(`{"template_name":"t1","operation":"boot","limit":null,"stage":true,"include_disabled":true,"reuse":true}`)
	f.Add(`{"template":{"name":"n","tenant":null,"boot_sets":{"c":{"path":"p","type":"s3","node_list":["x1"]}}},"operation":"reboot"}`)
	f.Add(`{"template":{"boot_sets":{}},"operation":"shutdown"}`)
	f.Add(`{"template_name":"-","operation":"boot"} x`)
	f.Fuzz(func(t *testing.T, text string) {
		var body previewBody
		err := decodeFrom(strings.NewReader(text), &body)
		if err == nil {
			err = body.check()
		}
		var template bos.SessionTemplate
		if err == nil && body.Template != nil {
			template, err = (&server{}).templateToPreview(t.Context(), "", body, bos.DefaultOptions())
		}
		if err != nil {
			refusal(t, err)
			return
		}
		if body.Template == nil && orZero(body.TemplateName) == "" || body.Template != nil && (template.Name == "" || len(template.BootSets) == 0) {
			t.Errorf("%s asks about no template: %+v", text, template)
		}
	})
}

func FuzzApplyStagedBody(f *testing.F) {
	f.Add(`{"xnames":["x1c0s0b0n0","x1c0s0b0n0","X1"]}`)
	f.Add(`{"xnames":[""]}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		var body applyStagedBody
		err := decodeFrom(strings.NewReader(text), &body)
		if err == nil {
			err = body.check()
		}
		if err != nil {
			refusal(t, err)
			return
		}
		if !json.Valid([]byte(text)) || len(bos.Distinct(body.Xnames)) > bos.MaxStagedXnames {
			t.Errorf("took %q", text)
		}
	})
}

func FuzzCancelBody(f *testing.F) {
	f.Add(`{"reason":" power cut "}`, "application/json")
	f.Add(``, "")
	f.Add(` `, "text/plain")
	f.Add(`{"reason":null}`, "application/problem+json; charset=utf-8")
	f.Fuzz(func(t *testing.T, text, media string) {
		body, err := cancelFrom(strings.NewReader(text), media)
		var p *problem
		if errors.As(err, &p) && p.Status == http.StatusUnsupportedMediaType {
			return
		}
		if err != nil {
			refusal(t, err)
			return
		}
		if strings.TrimSpace(text) != "" && !json.Valid([]byte(text)) || strings.TrimSpace(body.Reason) != body.Reason {
			t.Errorf("took %q as %q", text, body.Reason)
		}
	})
}
