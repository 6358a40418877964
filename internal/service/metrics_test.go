package service

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
)

// figures are the series of a scrape, by what stands before the number.
func (w *world) figures() map[string]float64 {
	w.t.Helper()
	all := make(map[string]float64)
	for line := range strings.Lines(w.must(http.MethodGet, "/metrics", nil).Body.String()) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			w.t.Fatalf("%q has no number: %v", line, err)
		}
		all[line[:at]] = value
	}
	return all
}

// counted is a world whose service counts.
func counted(t *testing.T, nodes int, test func(t *testing.T, w *world)) {
	t.Helper()
	inWorld(t, nodes, func(t *testing.T, w *world) {
		w.end()
		w.config.Metrics = metrics.New("1.2.3")
		w.start()
		w.advance(10 * time.Second)
		test(t, w)
	})
}

func (w *world) shows(when string, want map[string]float64) {
	w.t.Helper()
	got := w.figures()
	for series, value := range want {
		if is, there := got[series]; !there || is != value {
			w.t.Errorf("%s %s is %v (%v), want %v", when, series, is, there, value)
		}
	}
}

func TestMetricsTellPhasesFailuresAndPowerActionsOfASession(t *testing.T) {
	counted(t, 12, func(t *testing.T, w *world) {
		w.shows("before", map[string]float64{`bos_lease_held`: 1, `bos_engine_running`: 1, `bos_node_failures_total{cause="boot_timeout"}`: 0})
		w.mu.Lock()
		for id := range names(0, 2) {
			w.nodes[id].mute = true // it never reports
		}
		w.mu.Unlock()
		w.options(object{"max_component_boot_time": 600, "default_retry_policy": 1})
		w.session("s", "boot", "t", "")
		w.advance(12 * time.Second)
		w.shows("while they boot", map[string]float64{`bos_nodes_in_work{phase="booting"}`: 12})
		w.complete("s")
		w.shows("at the end", map[string]float64{
			`bos_nodes_in_work{phase="booting"}`:                               0,
			`bos_nodes_ended_total{outcome="done",template="t"}`:               10,
			`bos_nodes_ended_total{outcome="failed",template="t"}`:             2,
			`bos_node_failures_total{cause="boot_timeout"}`:                    2,
			`bos_work_seconds_count{outcome="done",template="t"}`:              10,
			`bos_phase_seconds_bucket{phase="booting",template="t",le="15"}`:   0,
			`bos_phase_seconds_bucket{phase="booting",template="t",le="60"}`:   10,
			`bos_power_actions_total{action="power_on",reason="power_on"}`:     12,
			`bos_calls_total{kind="write_boot_parameters",outcome="accepted"}`: w.figures()[`bos_call_seconds_count{kind="write_boot_parameters"}`],
			`bos_lease_may_act`: 1,
		})
		for series := range w.figures() {
			if slices.ContainsFunc(slices.Collect(maps.Keys(names(0, 12))), func(id string) bool { return strings.Contains(series, id) }) {
				t.Errorf("a series is of a node: %s", series)
			}
		}
	})
}

func TestMetricsTellWhichGateNodesWaitAt(t *testing.T) {
	counted(t, 5, func(_ *testing.T, w *world) {
		w.must(http.MethodPost, "/x/v1/pause", object{"reason": "look"})
		w.session("s", "boot", "t", "")
		w.advance(time.Minute)
		w.shows("while the site is paused", map[string]float64{`bos_nodes_waiting{reason="site_paused"}`: 5, `bos_nodes_in_work{phase="pending"}`: 5})
		w.must(http.MethodPost, "/x/v1/resume", object{})
		w.complete("s")
		w.shows("afterwards", map[string]float64{`bos_nodes_waiting{reason="site_paused"}`: 0, `bos_nodes_ended_total{outcome="done",template="t"}`: 5})
	})
}

func TestMetricsTellThatAServiceDoesNotDrive(t *testing.T) {
	counted(t, 1, func(t *testing.T, w *world) {
		w.must(http.MethodPost, "/x/v1/pause", object{"reason": "look"})
		w.session("s", "boot", "t", "")
		w.advance(10 * time.Second)
		w.shows("before its end", map[string]float64{`bos_nodes_in_work{phase="pending"}`: 1, `bos_nodes_waiting{reason="site_paused"}`: 1, `bos_sessions_open`: 1})
		w.end()
		w.shows("after its end", map[string]float64{`bos_nodes_in_work{phase="pending"}`: 0, `bos_nodes_waiting{reason="site_paused"}`: 0})
		if got := w.figures(); ofSessions(got) > 0 {
			t.Errorf("a service that does not drive says how far sessions are: %v", got)
		}
		w.shows("after its end", map[string]float64{`bos_lease_held`: 0, `bos_lease_may_act`: 0, `bos_engine_running`: 0, `bos_pass_age_seconds`: 0})
		w.start()
		w.advance(10 * time.Second)
		w.shows("when it drives again", map[string]float64{`bos_nodes_in_work{phase="pending"}`: 1, `bos_nodes_waiting{reason="site_paused"}`: 1, `bos_sessions_open`: 1})
	})
}

// ofSessions counts the series that are of sessions.
func ofSessions(figures map[string]float64) (n int) {
	for series := range figures {
		if strings.HasPrefix(series, "bos_session_") || series == "bos_sessions_open" {
			n++
		}
	}
	return n
}

func TestMetricsTellOfARunningSessionWhenItWillBeOverAndHowManyStraggleAndForgetItAfterwards(t *testing.T) {
	counted(t, 200, func(t *testing.T, w *world) {
		const eta, stragglers = `bos_session_eta_seconds{session="s",tenant=""}`, `bos_session_stragglers{session="s",tenant=""}`
		w.mu.Lock()
		for id := range names(0, 1) {
			w.nodes[id].mute = true
		}
		w.mu.Unlock()
		w.options(object{"max_component_boot_time": 1200, "default_retry_policy": 1})
		w.session("s", "boot", "t", "")
		w.advance(10 * time.Second)
		w.shows("at its beginning", map[string]float64{stragglers: 0, `bos_sessions_open`: 1})
		w.advance(10 * time.Minute)
		got := w.figures()
		if left, known := got[eta]; got[stragglers] != 1 || !known || left < 0 {
			t.Errorf("of 200 nodes one never reports, and there is %v (%t), and stragglers %v", left, known, got[stragglers])
		}
		w.complete("s")
		if got := w.figures(); ofSessions(got) != 1 || got[`bos_sessions_open`] != 0 {
			t.Errorf("of a session that is over there are %d series", ofSessions(got)-1)
		}
	})
}

func TestMetricsHaveSeriesOfABoundedNumberOfSessions(t *testing.T) {
	counted(t, 1, func(t *testing.T, w *world) {
		w.must(http.MethodPost, "/x/v1/pause", object{"reason": "look"})
		const more = metrics.MostSessions + 5
		for i := range more {
			w.session(fmt.Sprint("s", i), "boot", "t", "")
		}
		w.advance(10 * time.Second)
		got := w.figures()
		if got[`bos_sessions_open`] > more || ofSessions(got)-1 > 2*metrics.MostSessions {
			t.Errorf("%v sessions have %d series", got[`bos_sessions_open`], ofSessions(got)-1)
		}
	})
}
