package api

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// sequenced stores a template by BOS v1, of two boot sets of which one goes first.
func sequenced(s *site) {
	sets := object{}
	for name, node := range map[string]string{"a": "x1c0s1b0n0", "b": "x1c0s2b0n0"} {
		sets[name] = object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{node}, "boot_ordinal": map[string]int{"a": 2, "b": 1}[name]}
	}
	s.do("POST", "/v1/sessiontemplate", object{"name": "t1", "partition": "p1", "boot_sets": sets}).ok(http.StatusCreated, nil)
}

func TestVersion2KeepsWhatItDoesNotShowOfATemplate(t *testing.T) {
	s := newSite(t)
	s.inv.Partitions = map[string][]string{"p1": {"x1c0s1b0n0", "x1c0s2b0n0"}}
	sequenced(s)
	var shown object
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &shown)
	if _, ok := shown["sequence"]; ok {
		t.Errorf("version 2 shows %v", shown)
	}
	delete(shown, "name")
	delete(shown, "tenant")
	shown["description"] = "written by version 2"
	s.do("PUT", "/v2/sessiontemplates/t1", shown).ok(http.StatusOK, &shown)
	if _, ok := shown["sequence"]; ok {
		t.Errorf("version 2 answers %v", shown)
	}
	s.do("PATCH", "/v2/sessiontemplates/t1", object{"description": "again"}).ok(http.StatusOK, nil)
	var old struct {
		Partition string                    `json:"partition"`
		BootSets  map[string]map[string]any `json:"boot_sets"`
	}
	s.do("GET", "/v1/sessiontemplate/t1", nil).ok(http.StatusOK, &old)
	if old.Partition != "p1" || old.BootSets["a"]["boot_ordinal"] != 2.0 || old.BootSets["b"]["boot_ordinal"] != 1.0 {
		t.Errorf("version 1 shows %+v", old)
	}
	one := object{"boot_sets": object{"a": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{"x1c0s1b0n0"}}}}
	s.do("PUT", "/v2/sessiontemplates/t1", one).ok(http.StatusOK, nil)
	var sequence bos.Sequence
	s.do("GET", "/x/v1/sessiontemplates/t1/sequence", nil).ok(http.StatusOK, &sequence)
	if len(sequence.BootOrdinal) != 1 || sequence.BootOrdinal["a"] != 2 || sequence.Partition != "p1" {
		t.Errorf("without boot set b it is %+v", sequence)
	}
	s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", object{}).ok(http.StatusOK, nil)
	var none bos.Sequence
	if s.do("GET", "/x/v1/sessiontemplates/t1/sequence", nil).ok(http.StatusOK, &none); !none.Empty() {
		t.Errorf("taken away, it is %+v", none)
	}
}

func TestAPreviewShowsTheOrderOfBootSetsAndASessionIsHeldToIt(t *testing.T) {
	s := newSite(t)
	s.inv.Partitions = map[string][]string{"p1": {"x1c0s1b0n0", "x1c0s2b0n0"}}
	sequenced(s)
	p := s.preview(ask())
	if len(p.Batches) != 2 || p.Batches[0].Nodes != "x1c0s2b0n0" || p.Batches[1].Nodes != "x1c0s1b0n0" {
		t.Fatalf("the preview shows %+v", p.Batches)
	}
	// A template that is reviewed before it is written keeps the order of the stored one.
	var stored object
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &stored)
	delete(stored, "tenant")
	q := ask()
	q["template"] = stored
	if again := s.preview(q); again.Pin != p.Pin {
		t.Errorf("the same template, given with the question, has another pin")
	}
	create := boot("s1")
	create["pin"] = p.Pin
	s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", object{"partition": "p1", "boot_ordinal": object{"a": 1, "b": 2}}).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/sessions", create).refused(http.StatusConflict, titlePlanOutdated)
	s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", object{"partition": "p1", "boot_ordinal": object{"a": 2, "b": 1}}).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/sessions", create).ok(http.StatusCreated, nil)
	var status bos.RolloutStatus
	s.do("GET", "/x/v1/sessions/s1/rollout", nil).ok(http.StatusOK, &status)
	if status.Rollout.BootOrdinal["a"] != 2 {
		t.Errorf("the session goes by %+v", status.Rollout)
	}
}

func TestWhatNoTemplateCanHaveAsItsOrderIsRefused(t *testing.T) {
	s := newSite(t)
	s.inv.Partitions = map[string][]string{"p1": {"x1c0s1b0n0", "x1c0s2b0n0"}}
	sequenced(s)
	for field, body := range map[string]object{
		"partition":        {"partition": "p 1"},
		"boot_ordinal":     {"boot_ordinal": object{"c": 1}},
		"shutdown_ordinal": {"shutdown_ordinal": object{"a": -1}},
	} {
		s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", body).refused(http.StatusBadRequest, titleBadRequest, field)
	}
	s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", object{"partition": "p9"}).ok(http.StatusOK, nil)
	s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, titleBadRequest, "partition", "p9")
	s.do("PUT", "/x/v1/sessiontemplates/t1/sequence", object{}).ok(http.StatusOK, nil)
	create := boot("s1")
	create["rollout"] = object{"boot_ordinal": object{"c": 1}}
	s.do("POST", "/x/v1/sessions", create).refused(http.StatusBadRequest, titleBadRequest, "boot_ordinal", "c")
}
