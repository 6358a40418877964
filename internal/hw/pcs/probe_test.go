package pcs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestWhatPCSSaysOfANodeIsAStateOrUnknown(t *testing.T) {
	f := &fake{nodes: map[string]map[string]any{
		"x1c0s0b0n0": node("on", "available", ""),
		"x1c0s1b0n0": node("off", "available", ""),
		"x1c0s2b0n0": node("On", "Available", ""),
		"x1c0s3b0n0": node("undefined", "unavailable", ""),
		"x1c0s4b0n0": node("on", "unavailable", ""),
		"x1c0s5b0n0": node("off", "available", "401 from the controller"),
		"x1c0s6b0n0": node("", "", ""),
		"x1c0s7b0n0": nil,
		"x1c0s9b0n0": node("", "", "Invalid component name."),
		"x1c1s0b0n0": node("undefined", "available", ""),
		"x1c1s1b0n0": node("undefined", "unavailable", "No response from target"),
		"x1c1s2b0n0": node("undefined", "unavailable", "401 Unauthorized"),
		"x1c1s3b0n0": node("undefined", "unavailable", "403 Forbidden"),
		"x1c1s4b0n0": node("undefined", "unavailable", "404 Not Found"),
		"x1c1s5b0n0": node("undefined", "unavailable", "503 Service Unavailable"),
		"x1c1s6b0n0": node("undefined", "available", "Unable to unmarshal power payload"),
		"x1c1s7b0n0": node("", "", "Component can not have power state and management state data"),
	}}
	c, _ := start(t, f)
	want := map[string]bos.PowerReading{
		"x1c0s0b0n0": {State: bos.PowerStateOn},
		"x1c0s1b0n0": {State: bos.PowerStateOff},
		"x1c0s2b0n0": {State: bos.PowerStateOn},
		"x1c0s3b0n0": {Symptom: bos.SymptomSilent},
		"x1c0s4b0n0": {Symptom: bos.SymptomSilent},
		"x1c0s5b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCAuth},
		"x1c0s6b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCError},
		"x1c0s7b0n0": {Cause: bos.CauseUnknownToPower},
		"x1c0s8b0n0": {Cause: bos.CauseUnknownToPower},
		"x1c0s9b0n0": {Cause: bos.CauseUnknownToPower},
		"x1c1s0b0n0": {Symptom: bos.SymptomChanging},
		"x1c1s1b0n0": {Symptom: bos.SymptomSilent},
		"x1c1s2b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCAuth},
		"x1c1s3b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCPermission},
		"x1c1s4b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCError},
		"x1c1s5b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCError},
		"x1c1s6b0n0": {Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCError},
		"x1c1s7b0n0": {Cause: bos.CauseUnknownToPower},
	}
	var ids []string
	for id := range want {
		ids = append(ids, id)
	}
	got := probe(t, c, ids...)
	for id, w := range want {
		g := got[id]
		if g.State != w.State || g.Symptom != w.Symptom || g.Cause != w.Cause {
			t.Errorf("%s: got %+v, want %+v", id, g, w)
		}
		if w.State == bos.PowerStateUnknown && w.Symptom != bos.SymptomChanging && !strings.Contains(g.Detail, ";") {
			t.Errorf("%s: %q names no way out", id, g.Detail)
		}
	}
	if !strings.Contains(got["x1c0s5b0n0"].Detail, "401 from the controller") {
		t.Errorf("%q hides what PCS said", got["x1c0s5b0n0"].Detail)
	}
	if seen := f.seen(); !slices.Equal(seen, []string{"POST /power-status"}) {
		t.Errorf("asked %v", seen)
	}
}

func TestAPCSThatAnswersWithAnErrorIsAnOutageOfAllNodes(t *testing.T) {
	f := &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"title":"Internal Server Error","detail":"etcd is gone"}`, http.StatusInternalServerError)
		return true
	}}
	c, _ := start(t, f)
	for id, r := range probe(t, c, "x1c0s0b0n0", "x1c0s1b0n0") {
		if r.State != bos.PowerStateUnknown || r.Symptom != bos.SymptomSilent || r.Cause != bos.CauseUpstreamOutage ||
			!strings.Contains(r.Detail, "etcd is gone") || !strings.Contains(r.Detail, "power.pcs.url") {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestAPCSThatKnowsNobodySaysNothingOfItsNodes(t *testing.T) {
	room := func() map[string]map[string]any {
		return map[string]map[string]any{"x1c0s0b0n0": node("on", "available", ""), "x1c0s1b0n0": node("on", "available", ""), "x1c0s2b0n0": node("off", "available", "")}
	}
	all := []string{"x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0"}
	wantNothing := func(readings map[string]bos.PowerReading) {
		t.Helper()
		for id, r := range readings {
			if r.Symptom != bos.SymptomSilent || r.Cause != bos.CauseUpstreamOutage || !strings.Contains(r.Detail, "knows no node at all") {
				t.Errorf("%s: %+v", id, r)
			}
		}
	}
	f := &fake{}
	c, _ := start(t, f) // PCS has just started, and so has BOS
	wantNothing(probe(t, c, all...))
	f.change(func() { f.nodes = room() })
	if r := probe(t, c, all...)["x1c0s2b0n0"]; r.State != bos.PowerStateOff {
		t.Errorf("got %+v", r)
	}
	f.change(func() { f.nodes = nil }) // it starts again
	wantNothing(probe(t, c, all[0]))
	f.change(func() { f.nodes = room(); delete(f.nodes, all[0]) })
	if r := probe(t, c, all[0])[all[0]]; r.Symptom != bos.SymptomNone || r.Cause != bos.CauseUnknownToPower {
		t.Errorf("one node that PCS does not know any more: %+v", r)
	}
}

func TestANodeThatPCSDoesNotKnowIsToldFromAPCSThatKnowsNobodyAlsoAtTheFirstProbe(t *testing.T) {
	c, _ := start(t, &fake{nodes: map[string]map[string]any{"x1c0s9b0n0": node("on", "available", "")}})
	for id, r := range probe(t, c, "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0") {
		if r.Symptom != bos.SymptomNone || r.Cause != bos.CauseUnknownToPower {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestAnEmptyListOfPCSIsNoAnswerAboutNodes(t *testing.T) {
	c, _ := start(t, &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`{"status":[]}`))
		return true
	}})
	for id, r := range probe(t, c, "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0") {
		if r.Symptom != bos.SymptomSilent || r.Cause != bos.CauseUpstreamOutage {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestAnAnswerWithoutAListIsNoAnswer(t *testing.T) {
	c, _ := start(t, &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`{"version":"something else"}`))
		return true
	}})
	if r := probe(t, c, "x1c0s0b0n0")["x1c0s0b0n0"]; r.Symptom != bos.SymptomSilent || !strings.Contains(r.Detail, "lacks the status") {
		t.Errorf("got %+v", r)
	}
}

func TestNobodyIsNoQuestion(t *testing.T) {
	f := &fake{}
	c, _ := start(t, f)
	probe(t, c)
	apply(t, c, bos.PowerOn)
	if seen := f.seen(); len(seen) != 0 {
		t.Errorf("asked %v: an empty list is all nodes to PCS", seen)
	}
}

func TestAnOldPCSIsAskedInItsOwnWayAndOnlyOnceInTheOther(t *testing.T) {
	f := &fake{nodes: make(map[string]map[string]any)}
	var ids []string
	for i := range 700 {
		id := fmt.Sprintf("x1000c%ds%db0n%d", i/100, i/10%10, i%10)
		ids, f.nodes[id] = append(ids, id), node("off", "available", "")
	}
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return true
		}
		if len(r.URL.String()) > 8000 {
			t.Errorf("the address has %d bytes", len(r.URL.String()))
		}
		return false
	}
	c, _ := start(t, f)
	for range 2 {
		for id, r := range probe(t, c, ids...) {
			if r.State != bos.PowerStateOff {
				t.Errorf("%s: %+v", id, r)
			}
		}
	}
	seen := f.seen()
	if slices.Index(seen, "POST /power-status") != 0 || slices.Contains(seen[1:], "POST /power-status") || len(seen) > 9 {
		t.Errorf("asked %v", seen)
	}
}

func TestManyQuestionsAtOnceTravelInFewRequests(t *testing.T) {
	f := &fake{nodes: make(map[string]map[string]any)}
	for i := range 200 {
		f.nodes[fmt.Sprintf("x1c0s0b0n%d", i)] = node("on", "available", "")
	}
	// The first request is held until everybody has asked.
	held, letGo := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.answer = func(http.ResponseWriter, *http.Request) bool {
		once.Do(func() {
			close(held)
			<-letGo
		})
		return false
	}
	c, _ := start(t, f)
	var all sync.WaitGroup
	ask := func(i int) {
		all.Go(func() { probe(t, c, fmt.Sprintf("x1c0s0b0n%d", i)) })
	}
	ask(0)
	<-held
	for i := 1; i < 200; i++ {
		ask(i)
	}
	c.AwaitQuestions(199)
	close(letGo)
	all.Wait()
	if seen := f.seen(); len(seen) != 2 {
		t.Errorf("200 questions took %d requests", len(seen))
	}
}

func TestALargeQuestionIsCut(t *testing.T) {
	f := &fake{nodes: make(map[string]map[string]any)}
	var ids []string
	for i := range pcs.MaxQuestion + 1 {
		ids = append(ids, fmt.Sprintf("x1c0s0b0n%d", i))
		f.nodes[ids[i]] = node("on", "available", "")
	}
	c, _ := start(t, f)
	if got := probe(t, c, ids...); len(got) != len(ids) {
		t.Errorf("%d of %d", len(got), len(ids))
	}
	if seen := f.seen(); len(seen) != 2 {
		t.Errorf("asked %v", seen)
	}
}

func TestACancelledQuestionSaysSo(t *testing.T) {
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer s.Close()
	defer close(over)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var got []bos.PowerReading
	pcs.New(pcs.Config{Upstream: transport.Upstream{URL: s.URL}}).Probe(ctx, []string{"x1c0s0b0n0"}, func(r bos.PowerReading) { got = append(got, r) })
	if len(got) != 1 || got[0].Symptom != bos.SymptomSilent || !strings.Contains(got[0].Detail, "cancelled") {
		t.Errorf("got %+v", got)
	}
}
