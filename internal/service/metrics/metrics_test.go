package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("a scrape answers %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// ends has one node of a template's session go through its work.
func ends(m *Metrics, template string, n int) {
	s := bos.SessionRecord{Session: bos.Session{Name: fmt.Sprint("s", n), TemplateName: template}}
	node := bos.Record{Component: bos.Component{ID: fmt.Sprint("x", n), Session: s.Name, Enabled: true}}
	m.Loaded(0, false, []bos.Record{node}, nil, []bos.SessionRecord{s}, nil)
	node.Enabled = false
	m.Committed(time.Minute, bos.Commit{Components: []bos.Record{node}}, bos.Conflicts{}, nil)
	m.Loaded(time.Minute, false, nil, nil, nil, []bos.SessionKey{s.Key()})
}

func TestTemplatesBeyondTheLimitAreCountedAsOther(t *testing.T) {
	m := New("1")
	for n := range 10 * mostTemplates {
		ends(m, fmt.Sprintf("t%d", n), n)
	}
	ends(m, "bad \xff text", 1) // no more than a label may hold
	text := scrape(t, m)
	series := strings.Count(text, "\nbos_nodes_ended_total{")
	if series != 3*(mostTemplates+1) {
		t.Errorf("%d series of ended nodes, want three for each of %d templates and for all others", series, mostTemplates)
	}
	if want := fmt.Sprintf("bos_nodes_ended_total{outcome=\"done\",template=\"other\"} %d\n", 9*mostTemplates+1); !strings.Contains(text, want) {
		t.Errorf("no line %q", want)
	}
	if len(m.nodes.templates) != 0 || len(m.nodes.of) != 0 {
		t.Errorf("%d sessions and %d nodes are kept that are over", len(m.nodes.templates), len(m.nodes.of))
	}
}

func TestANodeThatAPassMetNewerIsNotCountedAsThePassHadIt(t *testing.T) {
	m := New("1")
	s := bos.SessionRecord{Session: bos.Session{Name: "s", TemplateName: "t"}}
	node := bos.Record{Component: bos.Component{ID: "x1", Session: "s", Enabled: true}}
	m.Loaded(0, false, []bos.Record{node}, nil, []bos.SessionRecord{s}, nil)
	node.Enabled, node.Status.StatusOverride, node.Work.Cause = false, bos.StatusFailed, bos.CauseBMCError
	m.Committed(time.Second, bos.Commit{Components: []bos.Record{node}}, bos.Conflicts{Components: []string{"x1"}}, nil)
	text := scrape(t, m)
	if !strings.Contains(text, "bos_node_failures_total{cause=\"bmc_error\"} 0\n") || strings.Contains(text, "bos_nodes_ended_total{outcome=\"failed\",template=\"t\"} 1\n") {
		t.Error("a failure was counted that was never stored")
	}
	m.Committed(time.Second, bos.Commit{Components: []bos.Record{node}}, bos.Conflicts{}, nil)
	if text := scrape(t, m); !strings.Contains(text, "bos_node_failures_total{cause=\"bmc_error\"} 1\n") {
		t.Error("a failure that was stored was not counted")
	}
}

func TestANodeThatAnotherSessionTakesHasLeftTheFirst(t *testing.T) {
	m := New("1")
	of := func(session, template string) ([]bos.Record, []bos.SessionRecord) {
		return []bos.Record{{Component: bos.Component{ID: "x1", Session: session, Enabled: true}}},
			[]bos.SessionRecord{{Session: bos.Session{Name: session, TemplateName: template}}}
	}
	nodes, sessions := of("a", "one")
	m.Loaded(0, false, nodes, nil, sessions, nil)
	nodes, sessions = of("b", "two")
	m.Loaded(time.Second, false, nodes, nil, sessions, nil)
	m.Loaded(2*time.Second, false, nil, []string{"x1"}, nil, nil)
	text := scrape(t, m)
	for _, template := range []string{"one", "two"} {
		if !strings.Contains(text, `bos_nodes_ended_total{outcome="left",template="`+template+"\"} 1\n") {
			t.Errorf("nobody has left template %s", template)
		}
	}
	if !strings.Contains(text, "bos_nodes_in_work{phase=\"pending\"} 0\n") {
		t.Error("somebody is in work")
	}
}

func TestOfAServiceThatStartsAgainNoTimeIsCountedThatNobodySaw(t *testing.T) {
	m := New("1")
	s := bos.SessionRecord{Session: bos.Session{Name: "s", TemplateName: "t"}}
	node := bos.Record{Component: bos.Component{ID: "x1", Session: "s", Enabled: true}}
	node.Status.Phase = bos.PhasePoweringOff
	m.Loaded(time.Hour, true, []bos.Record{node}, nil, []bos.SessionRecord{s}, nil)
	node.Status.Phase = bos.PhaseConfiguring
	m.Committed(2*time.Hour, bos.Commit{Components: []bos.Record{node}}, bos.Conflicts{}, nil)
	node.Enabled = false
	m.Committed(2*time.Hour+30*time.Second, bos.Commit{Components: []bos.Record{node}}, bos.Conflicts{}, nil)
	text := scrape(t, m)
	if strings.Contains(text, `phase="powering_off",template=`) || strings.Contains(text, "bos_work_seconds_count") {
		t.Error("a time is counted of which nobody saw the beginning")
	}
	if want := "bos_phase_seconds_sum{phase=\"configuring\",template=\"t\"} 30\n"; !strings.Contains(text, want) {
		t.Errorf("no line %q", want)
	}
}
