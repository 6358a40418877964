package api

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// receipt asks for a number for staged state.
func (s *site) receipt(key string, more ...any) (got bos.StagedReceipt) {
	s.t.Helper()
	body := object{"run_key": key}
	for i := 0; i < len(more); i += 2 {
		name, _ := more[i].(string)
		body[name] = more[i+1]
	}
	s.do("POST", "/x/v1/applystaged/receipts", body).ok(http.StatusOK, &got)
	return got
}

func (s *site) applyBy(receipt string, xnames ...string) (got bos.StagedAnswer) {
	s.t.Helper()
	s.do("POST", "/x/v1/applystaged", object{"xnames": xnames, "receipt": receipt}).ok(http.StatusOK, &got)
	return got
}

// booted is a node that BOS is done with.
func (s *site) booted(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		s.record(id, func(r *bos.Record) {
			r.Enabled, r.ActualState.BootArtifacts, r.Status.StatusOverride = false, r.DesiredState.BootArtifacts, ""
			r.LastAction.Action = "powering_on"
		})
	}
}

func TestWhatWasAppliedByAReceiptIsNotAppliedByItAgain(t *testing.T) {
	for name, c := range map[string]struct {
		clear bool
		world func(*site)
	}{
		"while BOS is at work":              {false, func(*site) {}},
		"when BOS is done":                  {false, func(s *site) { s.booted("a", "b") }},
		"when what is staged is cleared":    {true, func(s *site) { s.booted("a", "b") }},
		"when another session has the node": {false, func(s *site) { s.record("a", func(r *bos.Record) { r.Session, r.Enabled = "other", true }) }},
		"when its session is gone":          {false, func(s *site) { s.do("DELETE", "/v2/sessions/s1", nil).ok(http.StatusNoContent, nil) }},
		"when something else is staged since": {false, func(s *site) {
			s.booted("a", "b")
			s.stagedSession("s2", bos.OperationReboot, "a,b", "")
			s.stage("a", "s2")
			s.stage("b", "s2")
		}},
		"after weeks": {false, func(s *site) { s.booted("a", "b"); s.advance(20 * 24 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.do("PATCH", "/v2/options", object{"clear_stage": c.clear}).ok(http.StatusOK, nil)
			s.stagedSession("s1", bos.OperationReboot, "a,b", "")
			s.stage("a", "s1")
			s.stage("b", "s1")
			s.record("c", nil)
			number := s.receipt("k").Receipt
			first := s.applyBy(number, "a", "b", "c")
			if len(first.Repeated)+len(first.UnderWay) > 0 || first.Sessions["s1"] != "a,b" {
				t.Errorf("first %+v", first)
			}
			c.world(s)
			a, b := s.stored("a"), s.stored("b")
			again := s.applyBy(number, "a", "b", "c")
			if diff := cmp.Diff(first.StagedOutcome, again.StagedOutcome); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(again.Repeated, []string{"a", "b", "c"}) || again.Sessions["s1"] != "a,b" {
				t.Errorf("again %+v", again)
			}
			if s.stored("a") != a || s.stored("b") != b {
				t.Errorf("a node was touched: %+v", s.stored("a"))
			}
		})
	}
}

func TestANodeForWhichNothingWasStagedHasItsTurnByTheSameReceiptLater(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a,b", "")
	s.stage("a", "s1")
	number := s.receipt("k").Receipt
	s.record("b", nil)
	if got := s.applyBy(number, "a", "b"); !slices.Equal(got.Ignored, []string{"b"}) {
		t.Errorf("%+v", got)
	}
	s.booted("a")
	s.stage("b", "s1")
	before := s.stored("a")
	if got := s.applyBy(number, "a", "b"); !slices.Equal(got.Succeeded, []string{"a", "b"}) || !slices.Equal(got.Repeated, []string{"a"}) {
		t.Errorf("%+v", got)
	}
	if s.stored("a") != before || !s.stored("b").Enabled {
		t.Errorf("a is %+v, b is %+v", s.stored("a"), s.stored("b"))
	}
}

func TestANodeThatBOSIsBringingToWhatIsStagedIsNotAppliedTo(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a,b", "")
	s.stage("a", "s1")
	s.stage("b", "s1")
	s.apply([]string{"a"})
	before := s.stored("a")
	number := s.receipt("k").Receipt
	got := s.applyBy(number, "a", "b")
	if !slices.Equal(got.UnderWay, []string{"a"}) || !slices.Equal(got.Succeeded, []string{"a", "b"}) || s.stored("a") != before {
		t.Errorf("%+v", got)
	}
	// A guard counts those alone that are touched.
	s.booted("a", "b")
	var all bos.StagedAnswer
	s.do("POST", "/x/v1/applystaged", object{"xnames": []string{"a", "b"}, "receipt": number, "guards": object{"max_nodes": 0}}).ok(http.StatusOK, &all)
	if !slices.Equal(all.Repeated, []string{"a", "b"}) {
		t.Errorf("%+v", all)
	}
}

func TestAReceiptSaysWhatTheSameConfigurationHasApplied(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	first := s.receipt("k", "walk", "plan")
	if first.Ran != nil || first.Walk != "plan" || !first.AppliedAt.IsZero() {
		t.Errorf("%+v", first)
	}
	if same := s.receipt("k", "walk", "apply"); same.Receipt != first.Receipt || same.Walk != "plan" {
		t.Errorf("a number that was not used is given again: %+v", same)
	}
	if other := s.receipt("other"); other.Receipt == first.Receipt {
		t.Error("another configuration has the same number")
	}
	s.applyBy(first.Receipt, "a")
	if again := s.receipt("k", "reuse", true); again.Receipt != first.Receipt || again.AppliedAt.IsZero() {
		t.Errorf("what was reviewed is %+v", again)
	}
	next := s.receipt("k")
	if next.Receipt == first.Receipt || next.Ran == nil || *next.Ran != (bos.StagedRan{Receipt: first.Receipt, AppliedAt: bos.At(noon), InFlight: true}) {
		t.Errorf("next %+v, %+v", next, next.Ran)
	}
	s.booted("a")
	if stays := s.receipt("k", "reuse", true); stays.Receipt != next.Receipt || !stays.Ran.InFlight {
		t.Errorf("what was reviewed does not change: %+v", stays)
	}
	if by := s.receipt("k", "receipt", first.Receipt); by.Receipt != first.Receipt {
		t.Errorf("by number %+v", by)
	}
	if by := s.receipt("other", "receipt", first.Receipt); by.Receipt == first.Receipt {
		t.Error("a number answers for another configuration")
	}
	// Once something else is staged, nothing of it is a repetition.
	s.stagedSession("s2", bos.OperationReboot, "a", "")
	s.record("a", func(r *bos.Record) { r.StagedState.Session = "s2" })
	want := bos.StagedRan{Receipt: first.Receipt, AppliedAt: bos.At(noon), Anew: true}
	fresh := s.receipt("k")
	if fresh.Ran == nil || *fresh.Ran != want || fresh.Receipt == next.Receipt || fresh.Receipt == first.Receipt {
		t.Errorf("%+v, %+v", fresh, fresh.Ran)
	}
	if applies := s.receipt("k", "reuse", true); applies.Receipt != fresh.Receipt {
		t.Errorf("the apply of what was reviewed has %+v", applies)
	}
}

func TestAnApplyOfAPlanThatWasCarriedOutHearsThatSomethingElseIsStaged(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	first := s.receipt("k")
	s.applyBy(first.Receipt, "a")
	s.booted("a")
	s.stagedSession("s2", bos.OperationReboot, "a", "")
	s.stage("a", "s2")
	again := s.receipt("k", "reuse", true)
	if again.Receipt == first.Receipt || again.Ran == nil || !again.Ran.Anew || again.Ran.Receipt != first.Receipt {
		t.Errorf("%+v, %+v", again, again.Ran)
	}
}

func TestAReceiptIsGoodForItsTenantAndAsLongAsItIsKept(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	number := s.receipt("k").Receipt
	for _, c := range []struct {
		number string
		later  time.Duration
		header []string
	}{
		{"no-such", 0, nil},
		{number, 0, []string{"Cray-Tenant-Name", "red"}},
		{number, 25 * time.Hour, nil},
	} {
		s.advance(c.later)
		s.do("POST", "/x/v1/applystaged", object{"xnames": []string{"a"}, "receipt": c.number}, c.header...).refused(http.StatusConflict, titlePlanOutdated, c.number, "nothing was touched")
	}
	if s.stored("a").Enabled {
		t.Error("it was applied")
	}
}

func TestOfManyWhoApplyByOneReceiptOneDoes(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	number := s.receipt("k").Receipt
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { s.do("POST", "/x/v1/applystaged", object{"xnames": []string{"a"}, "receipt": number}) })
	}
	all.Wait()
	events, err := s.store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Component: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(events, func(e bos.Event) bool { return e.Kind != eventStageApplied })); n != 1 {
		t.Errorf("applied %d times", n)
	}
}

func TestANumberForStagedStateIsOfItsTenantAndOfItsTime(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a,b", "")
	s.stage("a", "s1")
	s.stage("b", "s1")
	first := s.receipt("k")
	var red bos.StagedReceipt
	s.do("POST", "/x/v1/applystaged/receipts", object{"run_key": "k", "reuse": true}, tenantHeader, "red").ok(http.StatusOK, &red)
	if red.Receipt == first.Receipt {
		t.Error("another tenant is given the same number")
	}
	s.advance(-time.Hour)
	if got := s.receipt("k", "reuse", true); got.Receipt == first.Receipt {
		t.Error("a number from the future is given again")
	}
	s.advance(time.Hour)
	last := s.receipt("k", "reuse", true)
	s.advance(receiptTTL)
	if got := s.receipt("k", "reuse", true); got.Receipt == last.Receipt || got.Receipt == first.Receipt {
		t.Error("a number that has expired is given again")
	}
}

func TestAReviewedNumberStaysWhatItWasWhateverIsStagedAndDoneSince(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a,b", "")
	s.stage("a", "s1")
	s.stage("b", "s1")
	first := s.receipt("k")
	// A guard counts those alone that are touched: one of two is under way.
	s.apply([]string{"a"})
	s.do("POST", "/x/v1/applystaged", object{"xnames": []string{"a", "b"}, "receipt": first.Receipt, "guards": object{"max_nodes": 1}}).ok(http.StatusOK, nil)
	if !s.stored("b").Enabled {
		t.Error("a guard of one node refused the one that was touched")
	}
	reviewed := s.receipt("k")
	if reviewed.Ran == nil || !reviewed.Ran.InFlight {
		t.Errorf("%+v", reviewed.Ran)
	}
	s.record("a", func(r *bos.Record) { r.Session = "theirs" })
	s.record("b", func(r *bos.Record) { r.Session = "theirs" })
	s.stagedSession("s2", bos.OperationReboot, "a,b", "")
	for _, id := range []string{"a", "b"} {
		s.record(id, func(r *bos.Record) { r.StagedState.Session = "s2" })
	}
	if got := s.receipt("k", "reuse", true); got.Receipt != reviewed.Receipt {
		t.Errorf("the apply of what was reviewed is given another number, which says %+v", got.Ran)
	}
	if got := s.receipt("k"); got.Receipt == reviewed.Receipt || got.Ran == nil || got.Ran.InFlight {
		t.Errorf("nodes that another session took are said to be brought to what was applied: %+v", got.Ran)
	}
}

func TestANodeThatAnotherSessionTookIsNotUnderWayForWhoAppliedItFirst(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	first := s.receipt("k")
	s.applyBy(first.Receipt, "a")
	s.record("a", func(r *bos.Record) { r.Session = "theirs" })
	if got := s.receipt("k"); got.Ran == nil || got.Ran.InFlight {
		t.Errorf("it is said to be gone on with: %+v", got.Ran)
	}
}

func TestAHeldNodeStaysStagedForTheReceiptThatNamesIt(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationReboot, "a", "")
	s.stage("a", "s1")
	s.record("a", func(r *bos.Record) { r.Held = bos.Brake{Reason: "board is out", Since: noon} })
	number := s.receipt("k").Receipt
	if got := s.applyBy(number, "a"); !slices.Equal(got.Failed, []string{"a"}) || s.stored("a").Enabled || s.stored("a").StagedState.Session != "s1" {
		t.Errorf("%+v, and its record is %+v", got, s.stored("a"))
	}
	s.record("a", func(r *bos.Record) { r.Held = bos.Brake{} })
	if got := s.applyBy(number, "a"); !slices.Equal(got.Succeeded, []string{"a"}) || !s.stored("a").Enabled {
		t.Errorf("%+v, and its record is %+v", got, s.stored("a"))
	}
}

func TestANumberThatSpeaksOfAnEarlierApplicationThanTheLastIsNotGivenAgain(t *testing.T) {
	s := newSite(t)
	staged := func(session string) {
		t.Helper()
		s.stagedSession(session, bos.OperationReboot, "a", "")
		s.stage("a", session)
	}
	applied := func(receipt string) {
		t.Helper()
		if got := s.applyBy(receipt, "a"); !slices.Equal(got.Succeeded, []string{"a"}) {
			t.Fatalf("%+v", got)
		}
		s.booted("a")
		s.advance(time.Minute)
	}
	first := s.receipt("k")
	staged("s1")
	applied(first.Receipt)
	second := s.receipt("k")
	staged("s2")
	s.advance(time.Minute)
	third := s.receipt("k")
	if third.Receipt == second.Receipt || third.Ran == nil || !third.Ran.Anew || third.Ran.Receipt != first.Receipt {
		t.Fatalf("once something is staged anew: %+v, %+v", third, third.Ran)
	}
	// The older of two plans is applied, and something is staged once more.
	applied(second.Receipt)
	staged("s3")
	got := s.receipt("k")
	if got.Receipt == third.Receipt || got.Ran == nil || !got.Ran.Anew || got.Ran.Receipt != second.Receipt {
		t.Errorf("a plan is told of %+v, and the last application was that of %s", got.Ran, second.Receipt)
	}
}
