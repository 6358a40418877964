package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

func (s *site) preview(body object, headers ...string) bos.Preview {
	s.t.Helper()
	var p bos.Preview
	s.do("POST", "/x/v1/previews", body, headers...).ok(http.StatusOK, &p)
	return p
}

func ask() object { return object{"operation": "boot", "template_name": "t1"} }

func TestAPreviewSaysWhichNodesASessionWouldTouch(t *testing.T) {
	s := newSite(t)
	s.inv.Nodes[2].Locked = true
	s.putTemplate("t1", withSet("node_groups", []string{"green"}))
	p := s.preview(ask())
	if p.Count != 2 || p.Nodes != "x1c0s[1-2]b0n0" || len(p.Skipped) != 1 || p.Skipped[0].Nodes != "x1c0s3b0n0" || len(p.Warnings) != 1 {
		t.Errorf("%+v", p)
	}
	if p.Pin == "" || !p.Created.Equal(noon) || !p.Expires.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("%+v", p)
	}
	if s.lastChange().Sessions != nil {
		t.Error("a preview told the engine something")
	}
}

func TestAPreviewTakesATemplateThatIsNotStored(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	want := s.preview(ask())
	stored := bos.SessionTemplate{}
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &stored)
	for name, body := range map[string]object{
		"as it would be put": {"operation": "boot", "template": template()},
		"as it is read":      {"operation": "boot", "template": stored, "template_name": "t1"},
		"with a null limit":  {"operation": "boot", "template": template(), "limit": nil},
	} {
		if got := s.preview(body); got.Pin != want.Pin {
			t.Errorf("%s: pin %s, want %s", name, got.Pin, want.Pin)
		}
	}
	s.do("GET", "/v2/sessiontemplates/preview", nil).refused(http.StatusNotFound, "")
}

func TestAPreviewOfAClockThatWasSetBackSinceIsNotReused(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.preview(ask())
	s.inv.Nodes = s.inv.Nodes[:1]
	s.advance(-7 * 24 * time.Hour)
	before := s.clock()
	if got := s.preview(with(ask(), "reuse", true)); got.Created.Before(before.Truncate(time.Second)) || got.Created.After(s.clock()) {
		t.Errorf("made at %s, asked for at %s", got.Created, before)
	}
}

func TestAPreviewIsReusedWhateverHappenedSince(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	reuse := with(ask(), "reuse", true)
	reviewed := s.preview(ask())
	s.inv.Nodes = s.inv.Nodes[:1]
	s.invErr, s.imgErr = errOutage, errOutage
	s.advance(23 * time.Hour)
	if diff := cmp.Diff(reviewed, s.preview(reuse)); diff != "" {
		t.Error(diff)
	}
	inline := object{"operation": "boot", "template_name": "t1", "template": with(template(), "enable_cfs", true), "reuse": true}
	if diff := cmp.Diff(reviewed, s.preview(inline)); diff != "" {
		t.Error("the same template given inline is another question:", diff)
	}
	s.do("POST", "/x/v1/previews", with(reuse, "limit", "x1c0s1b0n0")).refused(http.StatusServiceUnavailable, titleUnavailable)
	s.advance(2 * time.Hour)
	s.do("POST", "/x/v1/previews", reuse).refused(http.StatusServiceUnavailable, titleUnavailable)
	s.invErr, s.imgErr = nil, nil
	if got := s.preview(reuse); got.Count != 1 {
		t.Errorf("after its expiry the preview still says %+v", got)
	}
}

func TestTheNewestPreviewIsReused(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.preview(ask())
	s.inv.Nodes = s.inv.Nodes[:1]
	s.advance(time.Minute)
	newest := s.preview(ask())
	if diff := cmp.Diff(newest, s.preview(with(ask(), "reuse", true))); diff != "" {
		t.Error(diff)
	}
}

func TestAPreviewIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site)
		body   any
		status int
		words  []string
	}{
		"inventory out":      {func(s *site) { s.invErr = errOutage }, ask(), 503, []string{"inventory", "connection refused"}},
		"image unreadable":   {func(s *site) { s.imgErr = errOutage }, ask(), 503, []string{"image", "connection refused"}},
		"image missing":      {func(s *site) { s.images = nil }, ask(), 400, []string{`this cannot be booted: boot set "compute" of session template "t1": `, "there is nothing at s3://boot-images/one/manifest.json"}},
		"no inventory":       {func(s *site) { s.config.Inventory = nil }, ask(), 400, []string{"inventory.file"}},
		"no template":        {nil, object{"operation": "boot"}, 400, []string{"template_name"}},
		"unknown template":   {nil, with(ask(), "template_name", "t2"), 400, []string{"Session Template Name invalid: t2"}},
		"bad inline":         {nil, with(ask(), "template", object{"boot_sets": object{}}), 400, []string{"template.boot_sets"}},
		"unknown in inline":  {nil, with(ask(), "template", with(template(), "partition", "p")), 400, []string{"partition"}},
		"no operation":       {nil, object{"template_name": "t1"}, 400, []string{"operation"}},
		"bad limit":          {nil, with(ask(), "limit", ","), 400, []string{"limit"}},
		"unknown member":     {nil, with(ask(), "force", true), 400, []string{"force"}},
		"no object":          {nil, `[]`, 400, nil},
		"null for operation": {nil, with(ask(), "operation", nil), 400, []string{"operation"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.putTemplate("t1", template())
			if c.change != nil {
				c.change(s)
				s.serveAll()
			}
			s.do("POST", "/x/v1/previews", c.body).refused(c.status, "", c.words...)
		})
	}
}

func TestAPreviewOfATenantIsItsOwn(t *testing.T) {
	s := newSite(t)
	red := []string{tenantHeader, "red"}
	s.putTemplate("t1", template())
	s.putTemplate("t1", template(), red...)
	s.preview(ask())
	if got := s.preview(with(ask(), "reuse", true), red...); got.Nodes != "x1c0s1b0n0" {
		t.Errorf("red would touch %q", got.Nodes)
	}
}

func TestASessionIsHeldToItsPin(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	pin := s.preview(ask()).Pin
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", pin)).ok(http.StatusCreated, nil)
	rec, err := s.store.Session(t.Context(), bos.SessionKey{Name: "s1"})
	if err != nil || rec.Pin != pin {
		t.Errorf("pin %q is stored, want %q, %v", rec.Pin, pin, err)
	}

	s.inv.Nodes = append(s.inv.Nodes, bos.Node{ID: "x1c0s7b0n0", Role: "Compute", Enabled: true})
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "pin", pin)).refused(http.StatusConflict, titlePlanOutdated, "x1c0s7b0n0", "plan again")
	s.inv.Nodes = s.inv.Nodes[:4]
	image := s.images["s3://boot-images/one/manifest.json"]
	image.ETag = "e2"
	s.images["s3://boot-images/one/manifest.json"] = image
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "pin", pin)).refused(http.StatusConflict, titlePlanOutdated, "e1", "e2")
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "pin", "nobody's")).refused(http.StatusConflict, titlePlanOutdated, "nobody's", "plan again")
	s.do("GET", "/v2/sessions/s2", nil).refused(http.StatusNotFound, titleNotFound)

	s.invErr = errOutage
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "pin", pin)).refused(http.StatusServiceUnavailable, titleUnavailable, "inventory")
	s.invErr = nil
	s.do("POST", "/x/v1/sessions", boot("s2")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "pin", pin)).refused(http.StatusConflict, titleExists)
}

func TestAPreviewSaysNodeByNodeWhatWouldHappenAndWhy(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.inv.Nodes[0].Seen, s.inv.Nodes[1].Seen, s.inv.Nodes[2].Locked = bos.PowerStateOff, bos.PowerStateOn, true
	s.record("x1c0s1b0n0", nil)
	s.record("x1c0s2b0n0", nil)
	for name, body := range map[string]object{"stored": ask(), "inline": {"operation": "boot", "template": template()}} {
		p := s.preview(body)
		want := []bos.PreviewEffect{
			{Effect: bos.NodeReboots, Reason: "it has not reported what it runs", Count: 1, Nodes: "x1c0s2b0n0"},
			{Effect: bos.NodeBoots, Reason: "it is off", Count: 1, Nodes: "x1c0s1b0n0"},
			{Effect: bos.NodeSkipped, Reason: "locked in the inventory", Count: 1, Nodes: "x1c0s3b0n0"},
		}
		if diff := cmp.Diff(want, p.Effects); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		path := "/x/v1/previews/" + p.Pin + "/nodes"
		var page bos.PreviewNodes
		s.do("GET", path+"?page_size=2", nil).ok(http.StatusOK, &page)
		if diff := cmp.Diff(bos.PreviewNodes{Next: "x1c0s2b0n0", Nodes: []bos.PreviewNode{
			{ID: "x1c0s1b0n0", BootSet: "compute", Effect: bos.NodeBoots, Reason: "it is off"},
			{ID: "x1c0s2b0n0", BootSet: "compute", Effect: bos.NodeReboots, Reason: "it has not reported what it runs"},
		}}, page); diff != "" {
			t.Error(diff)
		}
		page = bos.PreviewNodes{}
		s.do("GET", path+"?start_after_id=x1c0s2b0n0", nil).ok(http.StatusOK, &page)
		if len(page.Nodes) != 1 || page.Nodes[0].BootSet != "" || page.Next != "" {
			t.Errorf("%+v", page)
		}
		s.do("GET", path, nil, tenantHeader, "red").refused(http.StatusNotFound, titleNotFound, p.Pin)
		s.do("GET", path+"?page_size=0", nil).refused(http.StatusBadRequest, "")
	}
	s.do("GET", "/x/v1/previews/nobodys/nodes", nil).refused(http.StatusNotFound, titleNotFound, "nobodys")
}

func TestTheReasonOfASessionIsInItsHistory(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "reason", " CAST-1234: new kernel ")).ok(http.StatusCreated, nil)
	var page bos.EventPage
	s.do("GET", "/x/v1/events?session=s1", nil).ok(http.StatusOK, &page)
	if len(page.Events) != 1 || page.Events[0].Detail != "boot with template t1: CAST-1234: new kernel" {
		t.Errorf("%+v", page.Events)
	}
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "reason", strings.Repeat("x", bos.MaxReason+1))).refused(http.StatusBadRequest, "", "reason")
	s.do("POST", "/v2/sessions", with(boot("s2"), "reason", "x")).refused(http.StatusBadRequest, "", "reason")
}

// BenchmarkPreview is a preview of ten thousand nodes.
func BenchmarkPreview(b *testing.B) {
	inventory := bos.Inventory{}
	records := make(map[string]bos.Record)
	for i := range 10000 {
		id := fmt.Sprintf("x%dc%ds%db0n%d", 1000+i/512, i/64%8, i/2%32, i%2)
		inventory.Nodes = append(inventory.Nodes, bos.Node{ID: id, Role: "Compute", Enabled: true, Seen: bos.PowerStateOn})
		records[id] = bos.Record{Component: bos.Component{ID: id}}
	}
	req := decide.Request{Reach: bos.WholeSite(), Operation: bos.OperationBoot, Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{
		"compute": {Path: "p", Type: "s3", NodeRolesGroups: []string{"Compute"}},
	}}}
	images := map[string]bos.Image{"p": {Path: "p", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}}
	for b.Loop() {
		sel, err := decide.Select(req, inventory)
		if err != nil {
			b.Fatal(err)
		}
		p := decide.MakePreview(req, sel, images, bos.DefaultOptions(), noon, time.Hour)
		p.Effects = decide.Effects(req, sel, inventory, images, records, bos.DefaultOptions())
		if len(decide.PreviewNodes(p)) != 10000 {
			b.Fatal("nodes are missing")
		}
	}
}

func TestASessionIsRefusedWhereAnOptionOrARoleChangedWhatWasReviewed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site)
		says   string
	}{
		"an option that is a kernel parameter": {func(s *site) {
			s.do("PATCH", "/v2/options", object{"component_actual_state_ttl": "8h"}).ok(http.StatusOK, nil)
		}, "bos_update_frequency=8h instead of bos_update_frequency=4h"},
		"parameters in the image": {func(s *site) {
			image := s.images["s3://boot-images/one/manifest.json"]
			image.Parameters = "nosmt"
			s.images["s3://boot-images/one/manifest.json"] = image
		}, "nosmt instead of none"},
		"a node that became another role's": {func(s *site) {
			s.inv.Nodes[0].Role, s.inv.Nodes[0].SubRole = "Management", ""
			s.inv.Groups["all"] = []string{"x1c0s1b0n0"}
		}, "of role Management instead of Compute: x1c0s1b0n0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.inv.Groups["all"] = []string{"x1c0s1b0n0"}
			s.putTemplate("t1", withSet("node_groups", []string{"all"}))
			reviewed := s.preview(ask())
			if got := reviewed.BootSets[0].KernelParameters; got != "bos_update_frequency=4h" {
				t.Errorf("shown are the parameters %q", got)
			}
			c.change(s)
			s.do("POST", "/x/v1/sessions", with(boot("s1"), "pin", reviewed.Pin)).refused(http.StatusConflict, titlePlanOutdated, c.says, "plan again")
		})
	}
}
