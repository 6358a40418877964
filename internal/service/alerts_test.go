package service

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
)

// observability has the rules and the dashboard that sites are given.
const observability = "../../examples/observability/"

// scraping is how often the service is scraped.
const scraping = 15 * time.Second

// recording is what Prometheus would have scraped of a service, for promtool.
type recording struct {
	w      *world
	series map[string][]string
	steps  int
	tests  []exprTest
}

type exprTest struct {
	Expr     string   `json:"expr"`
	EvalTime string   `json:"eval_time"`
	Samples  []sample `json:"exp_samples"`
}

type sample struct {
	Labels string  `json:"labels"`
	Value  float64 `json:"value"`
}

// record scrapes for some time.
func (r *recording) record(d time.Duration) {
	for range int(d / scraping) {
		for series, value := range r.w.figures() {
			if strings.HasPrefix(series, "bos_") {
				r.put(labelled(series), value)
			}
		}
		r.put(up, 1)
		r.steps++
		r.w.advance(scraping)
	}
}

// up is whether Prometheus could scrape the service.
const up = `up{instance="bos:8770",job="bos"}`

// away is a time in which nobody answers a scrape.
func (r *recording) away(d time.Duration) {
	for range int(d / scraping) {
		r.put(up, 0)
		r.steps++
	}
}

func (r *recording) put(series string, value float64) {
	r.fill(series)
	r.series[series] = append(r.series[series], strconv.FormatFloat(value, 'g', -1, 64))
}

// fill notes where a series was missing: one that was there before ends with the first
// scrape that has it no more.
func (r *recording) fill(series string) {
	none := "stale"
	if len(r.series[series]) == 0 {
		none = "_"
	}
	for len(r.series[series]) < r.steps {
		r.series[series] = append(r.series[series], none)
	}
}

// labelled is a series as Prometheus keeps it, with where it was scraped.
func labelled(series string) string {
	const where = `instance="bos:8770",job="bos"`
	if name, labels, has := strings.Cut(series, "{"); has {
		return name + "{" + where + "," + labels
	}
	return series + "{" + where + "}"
}

// firing expects that now these alerts fire, and no others.
func (r *recording) firing(names ...string) {
	slices.Sort(names)
	test := exprTest{
		Expr: `max by (alertname) (ALERTS{alertstate="firing"} == 1)`, EvalTime: (time.Duration(r.steps-1) * scraping).String(), Samples: []sample{},
	}
	for _, name := range names {
		test.Samples = append(test.Samples, sample{fmt.Sprintf("{alertname=%q}", name), 1})
	}
	r.tests = append(r.tests, test)
}

// check has promtool evaluate the rules over what was recorded.
func (r *recording) check(t *testing.T, promtool string) {
	t.Helper()
	rules, err := filepath.Abs(observability + "bos.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type input struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
	var inputs []input
	for _, series := range slices.Sorted(maps.Keys(r.series)) {
		r.fill(series)
		inputs = append(inputs, input{series, strings.Join(r.series[series], " ")})
	}
	body, err := json.Marshal(map[string]any{
		"rule_files": []string{rules}, "evaluation_interval": scraping.String(),
		"tests": []any{map[string]any{"interval": scraping.String(), "input_series": inputs, "promql_expr_test": r.tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.yaml")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// stuck is a database whose commits of the engine hang while a test wants it.
type stuck struct {
	bos.Store
	hang chan chan struct{}
}

func (s stuck) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	select {
	case over := <-s.hang:
		<-over
	default:
	}
	return s.Store.Commit(ctx, c)
}

func needPromtool(t *testing.T) string {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("the alert rules are not tried: promtool is not on PATH; install the package prometheus")
	}
	return promtool
}

func TestAlertsFireWhenSomethingIsWrongAndAtNoOtherTime(t *testing.T) {
	promtool := needPromtool(t)
	for name, scenario := range map[string]func(t *testing.T, w *world, r *recording){
		"all is well": func(_ *testing.T, w *world, r *recording) {
			w.session("s", "boot", "t", "")
			r.record(15 * time.Minute)
			r.firing()
		},
		"BMCs are dead": func(_ *testing.T, w *world, r *recording) {
			r.record(time.Minute)
			w.silent(names(0, 4))
			w.session("s", "boot", "t", "")
			r.record(8 * time.Minute)
			r.firing("BOSBMCsUnwell")
		},
		"nodes fail above the budget": func(_ *testing.T, w *world, r *recording) {
			w.options(object{"max_component_boot_time": 300, "default_retry_policy": 1})
			w.mu.Lock()
			for id := range names(0, 3) {
				w.nodes[id].mute = true
			}
			w.mu.Unlock()
			w.session("before", "boot", "t", nodeName(10))
			r.record(2 * time.Minute)
			r.firing()
			w.session("s", "boot", "t", "")
			r.record(40 * time.Minute)
			r.firing("BOSFailuresAboveBudget")
		},
		"a node takes long": func(_ *testing.T, w *world, r *recording) {
			w.options(object{"max_component_boot_time": 4 * 3600})
			w.mu.Lock()
			for id := range names(0, 1) {
				w.nodes[id].mute = true
			}
			w.mu.Unlock()
			w.session("s", "boot", "t", "")
			r.record(20 * time.Minute)
			r.firing()
			r.record(20 * time.Minute)
			r.firing("BOSNodesTakeLong")
			w.must(http.MethodPost, "/x/v1/sessions/s/cancel", object{"reason": "it is enough"})
			r.record(time.Minute)
			r.firing()
		},
		"the lease is lost": func(_ *testing.T, w *world, r *recording) {
			r.record(2 * time.Minute)
			r.firing()
			w.end()
			r.record(3 * time.Minute)
			r.firing("BOSNobodyDrives")
			w.start()
			r.record(time.Minute)
			r.firing()
		},
		"a service is down": func(_ *testing.T, _ *world, r *recording) {
			r.record(2 * time.Minute)
			r.firing()
			r.away(3 * time.Minute)
			r.firing("BOSServiceDown")
			r.record(time.Minute)
			r.firing()
		},
		"the engine is stuck": func(_ *testing.T, w *world, r *recording) {
			over := make(chan struct{})
			store := stuck{w.store, make(chan chan struct{}, 1)}
			w.end()
			w.config.Store = store
			w.start()
			r.record(2 * time.Minute)
			r.firing()
			store.hang <- over
			w.session("s", "boot", "t", "")
			r.record(4 * time.Minute)
			r.firing("BOSEngineStuck")
			close(over)
			r.record(time.Minute)
			r.firing()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recording{series: make(map[string][]string)}
			counted(t, 20, func(t *testing.T, w *world) {
				w.config.Metrics.WatchQueue(func() metrics.Queue { return metrics.Queue{Writes: true} })
				r.w = w
				scenario(t, w, r)
			})
			r.check(t, promtool)
		})
	}
}

func TestTheRulesAreWhatPrometheusTakes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), needPromtool(t), "check", "rules", observability+"bos.rules.yaml").CombinedOutput()
	if err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

var ourName = regexp.MustCompile(`\bbos_[a-z_]+`)

func TestEveryMetricThatRulesAndDashboardNameIsServed(t *testing.T) {
	counted(t, 40, func(t *testing.T, w *world) {
		m := w.config.Metrics
		m.WatchQueue(func() metrics.Queue { return metrics.Queue{Newest: 1, Writes: true} })
		m.Wrote(metrics.Written{Jobs: 1})
		m.Asked("power.pcs", "ok", time.Second)
		m.Request("/v2", http.MethodGet, http.StatusOK, time.Second, false)
		w.silent(names(0, 1))
		w.mu.Lock()
		for id := range names(1, 2) {
			w.nodes[id].mute = true // when the session will be over is known while this one boots
		}
		w.mu.Unlock()
		w.session("s", "boot", "t", "")
		w.advance(12 * time.Second)
		served := make(map[string]bool)
		note := func() {
			for series := range w.figures() {
				name, _, _ := strings.Cut(series, "{")
				served[name] = true
			}
		}
		for range 12 { // when it will be over is not known from its beginning on
			note()
			w.advance(10 * time.Second)
		}
		w.advance(30 * time.Minute)
		note()
		for _, file := range []string{"bos.rules.yaml", "dashboard.json"} {
			text, err := os.ReadFile(observability + file)
			if err != nil {
				t.Fatal(err)
			}
			found := ourName.FindAllString(string(text), -1)
			if len(found) < 5 {
				t.Errorf("%s names only %v", file, found)
			}
			for _, name := range found {
				if !served[name] {
					t.Errorf("%s names %s, which is not served", file, name)
				}
			}
		}
	})
}
