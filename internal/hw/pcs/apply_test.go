package pcs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestATransitionIsOneRequestForAllNodes(t *testing.T) {
	f := &fake{}
	c, _ := start(t, f)
	for id, r := range apply(t, c, bos.PowerSoftOff, "x1c0s0b0n0", "x1c0s1b0n0") {
		if r.Outcome != bos.CallDone {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if len(f.posts) != 1 || f.posts[0].Operation != "Soft-Off" || f.posts[0].TaskDeadlineMinutes != 1 || len(f.posts[0].Location) != 2 {
		t.Errorf("sent %+v", f.posts)
	}
}

func TestATransitionOfManyNodesIsCut(t *testing.T) {
	f := &fake{}
	c, _ := start(t, f)
	var ids []string
	for i := range 2*pcs.MaxTransition + 1 {
		ids = append(ids, fmt.Sprintf("x1c0s0b0n%d", i))
	}
	apply(t, c, bos.PowerOn, ids...)
	total := 0
	for _, p := range f.posts {
		if len(p.Location) > pcs.MaxTransition {
			t.Errorf("%d nodes in one transition", len(p.Location))
		}
		total += len(p.Location)
	}
	if len(f.posts) != 3 || total != len(ids) {
		t.Errorf("%d nodes in %d transitions", total, len(f.posts))
	}
}

func TestATransitionTooLargeForPCSIsHalved(t *testing.T) {
	f := &fake{}
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		var body transitionBody
		f.decode(r, &body)
		if len(body.Location) > 2 {
			http.Error(w, `{"detail":"etcdserver: request is too large"}`, http.StatusInternalServerError)
			return true
		}
		f.write(w, map[string]any{"transitionID": "t"})
		return true
	}
	c, _ := start(t, f)
	for id, r := range apply(t, c, bos.PowerOn, "x1c0s0b0n0", "x1c0s0b0n1", "x1c0s0b0n2", "x1c0s0b0n3", "x1c0s0b0n4") {
		if r.Outcome != bos.CallDone {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestATransitionThatPCSDoesNotStartSaysWhatIsKnown(t *testing.T) {
	for status, want := range map[int]bos.CallOutcome{
		400: bos.CallRefused, 413: bos.CallRefused, 401: bos.CallNotAttempted, 404: bos.CallNotAttempted, 302: bos.CallNotAttempted,
		429: bos.CallBusy, 500: bos.CallBusy, 503: bos.CallBusy, 502: bos.CallUnknown, 504: bos.CallUnknown,
	} {
		c, _ := start(t, &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "7")
			http.Error(w, `{"detail":"what PCS says"}`, status)
			return true
		}})
		r := apply(t, c, bos.PowerOn, "x1c0s0b0n0")["x1c0s0b0n0"]
		if r.Outcome != want || r.Cause == bos.CauseNone || !strings.Contains(r.Detail, "what PCS says") || r.RetryAfter != 7*time.Second {
			t.Errorf("status %d: %+v", status, r)
		}
	}
}

func TestAPageOfAGatewayStartsNoTransition(t *testing.T) {
	for _, status := range []int{200, 302, 400, 404} {
		c, _ := start(t, &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>the gateway reloads</html>"))
			return true
		}})
		if r := apply(t, c, bos.PowerOn, id)[id]; r.Outcome != bos.CallNotAttempted || r.Cause != bos.CauseUpstreamOutage {
			t.Errorf("status %d: %+v", status, r)
		}
	}
}

func TestAPCSThatIsNotThereWasNotAttempted(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	r := apply(t, pcs.New(pcs.Config{Upstream: transport.Upstream{URL: s.URL}}), bos.PowerOn, "x1c0s0b0n0")["x1c0s0b0n0"]
	if r.Outcome != bos.CallNotAttempted || r.Cause != bos.CauseUpstreamOutage {
		t.Errorf("got %+v", r)
	}
}

func TestATransitionWithoutAnswerIsUnknownAndNotRepeated(t *testing.T) {
	f := &fake{answer: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }}
	c, _ := start(t, f)
	r := apply(t, c, bos.PowerOn, "x1c0s0b0n0")["x1c0s0b0n0"]
	if r.Outcome != bos.CallUnknown || r.Cause != bos.CauseResetUnconfirmed || len(f.seen()) != 1 {
		t.Errorf("got %+v after %v", r, f.seen())
	}
}

func TestAHaltedCallStartsNothing(t *testing.T) {
	f := &fake{}
	c, _ := start(t, f)
	c.Apply(bos.WithPermission(t.Context(), func(string) bool { return false }), bos.PowerOn, []string{"x1c0s0b0n0"}, func(r bos.CallResult) {
		if r.Outcome != bos.CallNotAttempted {
			t.Errorf("got %+v", r)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Apply(ctx, bos.PowerOn, []string{"x1c0s0b0n0"}, func(r bos.CallResult) {
		if r.Outcome != bos.CallNotAttempted {
			t.Errorf("got %+v", r)
		}
	})
	if seen := f.seen(); len(seen) != 0 {
		t.Errorf("asked %v", seen)
	}
}

const id = "x1c0s0b0n0"

func TestACallThatIsHaltedAtTheLastMomentBlamesNobody(t *testing.T) {
	f := &fake{}
	asked := 0
	may := func(string) bool {
		asked++
		return asked == 1
	}
	c, _ := start(t, f)
	c.Apply(bos.WithPermission(t.Context(), may), bos.PowerOn, []string{"x1c0s0b0n0"}, func(r bos.CallResult) {
		if !r.Withheld() {
			t.Errorf("got %+v after %d questions", r, asked)
		}
	})
}

func TestATaskThatPCSGaveUpIsToldWithItsCause(t *testing.T) {
	for name, c := range map[string]struct {
		op      bos.PowerOp
		said    [3]string
		outcome bos.CallOutcome
		cause   bos.Cause
	}{
		"locked":          {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Unable to reserve component"}, bos.CallRefused, bos.CauseLocked},
		"unknown":         {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Xname not found in HSM"}, bos.CallRefused, bos.CauseUnknownToPower},
		"HSM is out":      {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Error retrieving HSM data"}, bos.CallNotAttempted, bos.CauseUpstreamOutage},
		"no such action":  {bos.PowerSoftOff, [3]string{"unsupported", "Power action not supported", "gracefulshutdown"}, bos.CallUnsupported, bos.CauseResetRefused},
		"dead BMC":        {bos.PowerOn, [3]string{"failed", "Failed to apply transition, on", "dial tcp: i/o timeout"}, bos.CallRefused, bos.CauseBMCUnreachable},
		"the BMC's no":    {bos.PowerOn, [3]string{"failed", "Failed to apply transition, on", "status 400"}, bos.CallRefused, bos.CauseResetRefused},
		"works on it":     {bos.PowerOn, [3]string{"in-progress", "Confirming", ""}, bos.CallDone, bos.CauseNone},
		"no reservation":  {bos.PowerOn, [3]string{"failed", "Error acquiring reservations", "dial tcp: connection refused"}, bos.CallNotAttempted, bos.CauseUpstreamOutage},
		"HSM forgot it":   {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Reservation expired"}, bos.CallNotAttempted, bos.CauseUpstreamOutage},
		"a deputy key":    {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Invalid deputy key and unable to reserve component"}, bos.CallRefused, bos.CauseLocked},
		"no confirmation": {bos.PowerOn, [3]string{"failed", "Failed to confirm transition", "etcdserver: request timed out"}, bos.CallDone, bos.CauseNone},
		"a silent BMC":    {bos.PowerOn, [3]string{"failed", "Failed to apply transition, on", "No response from target"}, bos.CallRefused, bos.CauseBMCUnreachable},
		"stopped watch":   {bos.PowerOn, [3]string{"failed", "Failed to achieve transition", "Timeout waiting for transition, on."}, bos.CallDone, bos.CauseNone},
	} {
		t.Run(name, func(t *testing.T) {
			state := "off"
			if c.op != bos.PowerOn {
				state = "on"
			}
			f := &fake{
				nodes: map[string]map[string]any{id: node(state, "available", "")},
				tasks: map[string][3]string{id: c.said},
			}
			client, now := start(t, f)
			apply(t, client, c.op, id)
			if r := probe(t, client, id)[id]; r.Undone.Outcome != bos.CallDone {
				t.Errorf("at once: %+v", r)
			}
			now.add(time.Second)
			for range 2 {
				r := probe(t, client, id)[id]
				if r.Undone.Outcome != c.outcome || r.Undone.Cause != c.cause || r.State == bos.PowerStateUnknown {
					t.Errorf("got %+v", r)
				}
				if c.outcome != bos.CallDone && (!strings.Contains(r.Undone.Detail, c.said[2]) || r.Undone.ID != id) {
					t.Errorf("detail %q", r.Undone.Detail)
				}
			}
			// The next action is another matter.
			apply(t, client, c.op, id)
			if r := probe(t, client, id)[id]; r.Undone.Outcome != bos.CallDone {
				t.Errorf("after the next action: %+v", r)
			}
		})
	}
}

// TestNoTransitionIsStartedForANodeThatAnEarlierOneOfOursStillHas: PCS would fail it,
// and say of its own reservation that somebody works on the node.
func TestNoTransitionIsStartedForANodeThatAnEarlierOneOfOursStillHas(t *testing.T) {
	const other = "x1c0s0b0n1"
	f := &fake{nodes: map[string]map[string]any{id: node("off", "available", ""), other: node("on", "available", "")}}
	c, now := start(t, f)
	apply(t, c, bos.PowerSoftOff, id, other)
	for range 3 {
		now.add(5 * time.Second)
		free := fmt.Sprintf("x1c0s1b0n%d", len(f.posts))
		r := apply(t, c, bos.PowerOn, id, free)
		if got := r[id]; got.Outcome != bos.CallBusy || got.Cause != bos.CauseTransition || got.RetryAfter <= 0 || !strings.Contains(got.Detail, "earlier Soft-Off (transition id-1)") || strings.Contains(got.Detail, "unlock") {
			t.Errorf("while it is held: %+v", got)
		}
		if got := r[free]; got.Outcome != bos.CallDone {
			t.Errorf("another node: %+v", got)
		}
	}
	f.change(func() { f.state = "completed" })
	now.add(2 * time.Second)
	if got := apply(t, c, bos.PowerOn, id)[id]; got.Outcome != bos.CallDone {
		t.Errorf("when it is over: %+v", got)
	}
	// Who then has the node is somebody else.
	f.change(func() {
		f.tasks = map[string][3]string{id: {"failed", "Failed to achieve transition", "Unable to reserve component"}}
	})
	now.add(5 * time.Second)
	if r := probe(t, c, id)[id].Undone; r.Outcome != bos.CallRefused || r.Cause != bos.CauseLocked || r.RetryAfter <= 0 || !strings.Contains(r.Detail, "unlock it") {
		t.Errorf("after that: %+v", r)
	}
}

// TestANodeIsPoweredOnWhenTheLastOfItsTransitionIsSeenOff: until then PCS keeps it, and
// need not be asked.
func TestANodeIsPoweredOnWhenTheLastOfItsTransitionIsSeenOff(t *testing.T) {
	const last = "x1c0s0b0n1"
	f := &fake{nodes: map[string]map[string]any{id: node("off", "available", ""), last: node("on", "available", "")}}
	c, _ := start(t, f)
	apply(t, c, bos.PowerSoftOff, id, last)
	probe(t, c, id, last)
	waits := make(chan struct{}, 10)
	c.WaitForNews(func() { waits <- struct{}{} })
	ended := make(chan bos.CallResult, 1)
	go c.Apply(t.Context(), bos.PowerOn, []string{id}, func(r bos.CallResult) { ended <- r })
	<-waits
	if seen := f.seen(); slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, "GET /transitions/") }) {
		t.Errorf("asked %v while a node was known to be on", seen)
	}
	f.change(func() { f.nodes[last], f.state = node("off", "available", ""), "completed" })
	probe(t, c, last)
	if r := <-ended; r.Outcome != bos.CallDone {
		t.Errorf("got %+v", r)
	}
}

// TestATransitionThatCannotBeAskedAboutHoldsItsNodesNoLongerThanPCSDoes is about a PCS
// that is away meanwhile.
func TestATransitionThatCannotBeAskedAboutHoldsItsNodesNoLongerThanPCSDoes(t *testing.T) {
	f := &fake{nodes: map[string]map[string]any{id: node("off", "available", "")}}
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/v1/transitions/") {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	c, now := start(t, f)
	apply(t, c, bos.PowerSoftOff, id)
	now.add(30 * time.Second)
	if got := apply(t, c, bos.PowerOn, id)[id]; got.Outcome != bos.CallBusy {
		t.Errorf("while it may last: %+v", got)
	}
	now.add(2 * time.Minute)
	if got := apply(t, c, bos.PowerOn, id)[id]; got.Outcome != bos.CallDone {
		t.Errorf("after that: %+v", got)
	}
}

func TestATransitionIsAskedAboutRarelyAndOnlyWhileANodeDoesNotShow(t *testing.T) {
	f := &fake{nodes: map[string]map[string]any{id: node("on", "available", ""), "x1c0s0b0n1": node("on", "available", "")}}
	c, now := start(t, f)
	apply(t, c, bos.PowerSoftOff, id, "x1c0s0b0n1")
	polls := func() int {
		count := 0
		for _, call := range f.seen() {
			if strings.HasPrefix(call, "GET /transitions/") {
				count++
			}
		}
		return count
	}
	for range 240 { // a minute
		now.add(250 * time.Millisecond)
		probe(t, c, id, "x1c0s0b0n1")
	}
	if n := polls(); n < 4 || n > 9 {
		t.Errorf("asked %d times in a minute", n)
	}
	before := polls()
	f.change(func() {
		f.nodes[id], f.nodes["x1c0s0b0n1"] = node("off", "available", ""), node("undefined", "unavailable", "")
	})
	for range 5 {
		now.add(time.Minute)
		probe(t, c, id, "x1c0s0b0n1")
	}
	if polls() != before {
		t.Errorf("asked %d times more", polls()-before)
	}
}

func TestATransitionThatIsOverIsNotAskedAboutAgain(t *testing.T) {
	for name, over := range map[string]func(f *fake){
		"completed": func(f *fake) { f.state = "completed" },
		"aborted":   func(f *fake) { f.state = "aborted" },
		"gone, as PCS says itself": func(f *fake) {
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/v1/transitions/") {
					return false
				}
				http.Error(w, `{"detail":"does not exist"}`, http.StatusNotFound)
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{nodes: map[string]map[string]any{id: node("on", "available", "")}}
			over(f)
			c, now := start(t, f)
			apply(t, c, bos.PowerSoftOff, id)
			for range 5 {
				now.add(time.Minute)
				if r := probe(t, c, id)[id]; r.State != bos.PowerStateOn || r.Undone.Outcome != bos.CallDone {
					t.Errorf("got %+v", r)
				}
			}
			seen := f.seen()
			if n := len(slices.DeleteFunc(seen, func(s string) bool { return !strings.HasPrefix(s, "GET /transitions/") })); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestATransitionThatCannotBeAskedAboutHidesNoState(t *testing.T) {
	f := &fake{nodes: map[string]map[string]any{id: node("on", "available", "")}}
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/v1/transitions/") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	c, now := start(t, f)
	apply(t, c, bos.PowerSoftOff, id)
	now.add(time.Minute)
	if r := probe(t, c, id)[id]; r.State != bos.PowerStateOn || r.Undone.Outcome != bos.CallDone {
		t.Errorf("got %+v", r)
	}
}

// TestANodeThatPCSGaveUpIsHeldUntilItsTransitionIsOver: PCS lets go of no node before the
// last of a transition is done, also of one that it gave up.
func TestANodeThatPCSGaveUpIsHeldUntilItsTransitionIsOver(t *testing.T) {
	const other = "x1c0s0b0n1"
	for name, c := range map[string]struct {
		said  [3]string
		keeps bool
	}{
		"what its BMC refused":     {[3]string{"failed", "Failed to apply transition, gracefulshutdown", "status 400"}, true},
		"what failed for its slot": {[3]string{"failed", "Failed to achieve transition", "Unable to reserve dependent component, x1c0s0."}, true},
		"what it never reserved":   {[3]string{"failed", "Failed to achieve transition", "Unable to reserve component"}, false},
		"what it cannot do":        {[3]string{"unsupported", "Component does not support the specified transition operation", "Unsupported for transition operation"}, false},
		"what is in another state": {[3]string{"failed", "Component must be in the On state for SoftRestart", "Component is in the wrong power state"}, false},
		"what it does not know":    {[3]string{"failed", "Failed to achieve transition", "Xname not found in HSM"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{nodes: map[string]map[string]any{id: node("on", "available", ""), other: node("on", "available", "")}, tasks: map[string][3]string{id: c.said}}
			client, now := start(t, f)
			apply(t, client, bos.PowerSoftOff, id, other)
			now.add(2 * time.Second)
			if r := probe(t, client, id)[id].Undone; r.Outcome == bos.CallDone {
				t.Fatalf("it was given up, and is told as %+v", r)
			}
			got := apply(t, client, bos.PowerForceOff, id)[id]
			if held := got.Outcome == bos.CallBusy && got.Cause == bos.CauseTransition; held != c.keeps {
				t.Errorf("while its transition runs: %+v", got)
			}
			f.change(func() { f.state = "completed" })
			now.add(10 * time.Second)
			if got := apply(t, client, bos.PowerForceOff, id)[id]; c.keeps && got.Outcome != bos.CallDone {
				t.Errorf("when it is over: %+v", got)
			}
		})
	}
}

// TestWhoIsNotToBeResetAnyMoreIsNotWaitedFor: the call would keep its place for nothing.
func TestWhoIsNotToBeResetAnyMoreIsNotWaitedFor(t *testing.T) {
	f := &fake{nodes: map[string]map[string]any{id: node("on", "available", "")}}
	c, now := start(t, f)
	apply(t, c, bos.PowerSoftOff, id)
	before, told := now.Now(), 0
	c.Apply(bos.WithPermission(t.Context(), func(string) bool { return false }), bos.PowerForceOff, []string{id}, func(r bos.CallResult) {
		if told++; r.Outcome != bos.CallBusy || r.Cause != bos.CauseTransition {
			t.Errorf("got %+v", r)
		}
	})
	if waited := now.Now().Sub(before); told != 1 || waited > 2*time.Second || len(f.posts) != 1 {
		t.Errorf("told %d times after %v, sent %+v", told, waited, f.posts)
	}
}

// TestThatPCSStillHoldsANodeForThisServiceIsNoLockOfSomebodyElse: where the answer to a
// transition was lost, PCS cannot be asked about it.
func TestThatPCSStillHoldsANodeForThisServiceIsNoLockOfSomebodyElse(t *testing.T) {
	for name, lost := range map[string]func(w http.ResponseWriter){
		"an answer without an id": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{}`)) },
		"an answer cut in half":   func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"transitionID":"id-`)) },
		"no answer":               func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"an answer of a gateway":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{
				nodes: map[string]map[string]any{id: node("off", "available", "")},
				tasks: map[string][3]string{id: {"failed", "Failed to achieve transition", "Unable to reserve component"}},
			}
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost || r.URL.Path != "/v1/transitions" {
					return false
				}
				lost(w)
				return true
			}
			c, now := start(t, f)
			apply(t, c, bos.PowerSoftOff, id)
			f.change(func() { f.answer = nil })
			refused := func() bos.CallResult {
				apply(t, c, bos.PowerOn, id)
				now.add(2 * time.Second)
				return probe(t, c, id)[id].Undone
			}
			if r := refused(); r.Outcome != bos.CallBusy || r.Cause != bos.CauseTransition || r.RetryAfter <= 0 || strings.Contains(r.Detail, "unlock") || !strings.Contains(r.Detail, "this service's earlier power action") {
				t.Errorf("while PCS may work on it: %+v", r)
			}
			// Whoever has it after that is somebody else.
			now.add(2 * time.Minute)
			if r := refused(); r.Outcome != bos.CallRefused || r.Cause != bos.CauseLocked || !strings.Contains(r.Detail, "unlock it") {
				t.Errorf("after that: %+v", r)
			}
		})
	}
}
