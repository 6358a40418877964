package api

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// runsOn makes a session look as after its setup: it runs, and has these nodes.
func (s *site) runsOn(name string, ids ...string) {
	s.t.Helper()
	if _, err := s.store.MutateSession(s.t.Context(), bos.SessionKey{Name: name}, func(r *bos.SessionRecord) error {
		r.Status.Status = bos.SessionRunning
		for i, id := range ids {
			if i > 0 {
				r.Components += ","
			}
			r.Components += id
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	for _, id := range ids {
		s.record(id, func(r *bos.Record) { r.Enabled, r.Session = true, name })
	}
}

func (s *site) over(name string) {
	s.t.Helper()
	if _, err := s.store.MutateSession(s.t.Context(), bos.SessionKey{Name: name}, func(r *bos.SessionRecord) error {
		r.Status.Status = bos.SessionComplete
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) sessionCount() int {
	s.t.Helper()
	list, err := s.store.Sessions(s.t.Context(), bos.SessionFilter{Of: bos.AllTenants()}, s.clock())
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

func TestAPreviewIsCarriedOutOnce(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	p := s.preview(ask())
	if p.Receipt == "" || p.Session != "" || p.Receipt == s.preview(ask()).Receipt {
		t.Fatalf("a preview has the number %q and was carried out by %q", p.Receipt, p.Session)
	}
	first := with(with(boot("s1"), "pin", p.Pin), "receipt", p.Receipt)
	again := with(with(boot("s2"), "pin", p.Pin), "receipt", p.Receipt)
	s.do("POST", "/x/v1/sessions", first).ok(http.StatusCreated, nil)
	var got bos.Session
	for _, world := range []func(){
		func() {},
		func() { s.inv.Nodes, s.invErr = s.inv.Nodes[:1], errOutage }, // it is not looked at any more
		func() { s.over("s1") },
	} {
		world()
		if s.do("POST", "/x/v1/sessions", again).ok(http.StatusOK, &got); got.Name != "s1" {
			t.Errorf("answered with session %s", got.Name)
		}
	}
	if kept := s.preview(with(ask(), "receipt", p.Receipt)); kept.Session != "s1" {
		t.Errorf("the preview was carried out by %q", kept.Session)
	}
	s.do("DELETE", "/v2/sessions/s1", nil).ok(http.StatusNoContent, nil)
	s.do("POST", "/x/v1/sessions", again).refused(http.StatusConflict, titleCarriedOut, "s1", "nothing was started")
	if n := s.sessionCount(); n != 0 {
		t.Errorf("%d sessions were started by one preview that was carried out", n)
	}
}

func TestAPreviewThatWasCarriedOutAnswersForNothingElse(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.putTemplate("t2", withSet("kernel_parameters", "quiet"))
	p := s.preview(ask())
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "pin", p.Pin), "receipt", p.Receipt)).ok(http.StatusCreated, nil)
	other := with(boot("s2"), "receipt", p.Receipt)
	for name, body := range map[string]object{
		"another template":  with(other, "template_name", "t2"),
		"another operation": with(other, "operation", "shutdown"),
		"another limit":     with(other, "limit", "x1c0s1b0n0"),
		"staged":            with(other, "stage", true),
		"disabled nodes":    with(other, "include_disabled", true),
		"another pin":       with(other, "pin", "other"),
	} {
		t.Run(name, func(t *testing.T) {
			s.do("POST", "/x/v1/sessions", body).refused(http.StatusConflict, titleCarriedOut, "s1", "nothing was started")
		})
	}
	if n := s.sessionCount(); n != 1 {
		t.Errorf("%d sessions", n)
	}
	s.do("POST", "/x/v1/sessions", other).ok(http.StatusOK, nil)
}

func TestOfManyWhoCarryAPreviewOutOneDoes(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	p := s.preview(ask())
	var all sync.WaitGroup
	for _, name := range []string{"s1", "s2", "s3", "s4", "s5", "s6"} {
		all.Go(func() { s.do("POST", "/x/v1/sessions", with(with(boot(name), "pin", p.Pin), "receipt", p.Receipt)) })
	}
	all.Wait()
	if n := s.sessionCount(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestAPreviewIsFoundByItsNumberWhateverCameSince(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	reviewed := s.preview(ask())
	s.putTemplate("t1", withSet("kernel_parameters", "quiet"))
	s.preview(ask())
	numbered := with(ask(), "receipt", reviewed.Receipt)
	if diff := cmp.Diff(reviewed, s.preview(numbered)); diff != "" {
		t.Error(diff)
	}
	s.putTemplate("t1", template(), tenantHeader, "red")
	if got := s.preview(numbered, tenantHeader, "red"); got.Receipt == reviewed.Receipt {
		t.Error("another tenant is answered the preview")
	}
	if got := s.preview(with(numbered, "operation", "shutdown")); got.Receipt == reviewed.Receipt {
		t.Error("another operation is answered the preview")
	}
}

func TestTheSameConfigurationIsAnsweredWithItsSessionWhileThatIsInFlight(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	pin := s.preview(ask()).Pin
	post := func(name, key, pin string, status int) (got bos.Session) {
		t.Helper()
		s.do("POST", "/x/v1/sessions", with(with(boot(name), "pin", pin), "run_key", key)).ok(status, &got)
		return got
	}
	post("s1", "a", pin, http.StatusCreated)
	if got := post("s2", "a", pin, http.StatusOK); got.Name != "s1" {
		t.Errorf("answered with %s", got.Name)
	}
	post("s3", "b", pin, http.StatusCreated) // another configuration
	s.runsOn("s1", "x1c0s1b0n0")
	if got := post("s2", "a", pin, http.StatusOK); got.Name != "s1" {
		t.Errorf("while it runs, answered with %s", got.Name)
	}
	s.putTemplate("t1", withSet("kernel_parameters", "quiet"))
	post("s4", "a", s.preview(ask()).Pin, http.StatusCreated) // another plan
	s.over("s1")
	s.putTemplate("t1", template())
	post("s5", "a", pin, http.StatusCreated) // it has run, and is run again
}

func TestAPreviewThatSaidWhichSessionIsGoneOnWithIsCarriedOutByThatOneAlsoOnceItIsOver(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.record("x1c0s1b0n0", nil)
	first := s.preview(with(ask(), "run_key", "a"))
	post := func(name, receipt string, status int) (got bos.Session) {
		t.Helper()
		s.do("POST", "/x/v1/sessions", with(with(with(boot(name), "pin", first.Pin), "run_key", "a"), "receipt", receipt)).ok(status, &got)
		return got
	}
	post("s1", first.Receipt, http.StatusCreated)
	previewed := s.preview(with(ask(), "run_key", "a"))
	if len(previewed.Busy) != 1 || !previewed.Busy[0].Same || previewed.Ran != nil {
		t.Fatalf("in flight: %+v, %+v", previewed.Busy, previewed.Ran)
	}
	s.runsOn("s1", "x1c0s1b0n0")
	s.over("s1")
	if got := post("s2", previewed.Receipt, http.StatusOK); got.Name != "s1" {
		t.Errorf("answered with %s", got.Name)
	}
	// Who plans after it is over is told, and gets another.
	again := s.preview(with(ask(), "run_key", "a"))
	if diff := cmp.Diff(&bos.PreviewRan{Session: "s1", Accepted: bos.At(noon), By: "192.0.2.1"}, again.Ran); diff != "" {
		t.Error(diff)
	}
	if other := s.preview(with(ask(), "run_key", "b")); other.Ran != nil {
		t.Errorf("another configuration: %+v", other.Ran)
	}
	post("s3", again.Receipt, http.StatusCreated)
	if err := s.store.DeleteSession(t.Context(), bos.SessionKey{Name: "s1"}); err != nil {
		t.Fatal(err)
	}
	s.over("s3")
	s.do("POST", "/x/v1/sessions", with(with(with(boot("s4"), "pin", first.Pin), "run_key", "a"), "receipt", previewed.Receipt)).ok(http.StatusConflict, nil)
}

func TestAPreviewNamesTheSessionsThatAreAtWorkOnItsNodes(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	for _, id := range []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0"} {
		s.record(id, nil)
	}
	p := s.preview(ask())
	if len(p.Busy) != 0 {
		t.Fatalf("busy at rest: %+v", p.Busy)
	}
	s.do("POST", "/x/v1/sessions", with(with(with(boot("s1"), "pin", p.Pin), "run_key", "a"), "reason", "CAST-1")).ok(http.StatusCreated, nil)
	busy := func(key string) []bos.PreviewBusy { return s.preview(with(ask(), "run_key", key)).Busy }
	want := []bos.PreviewBusy{{Session: "s1", Operation: bos.OperationBoot, Accepted: bos.At(noon), By: "192.0.2.1", Reason: "CAST-1", Count: 3, Nodes: "x1c0s[1-3]b0n0", Same: true}}
	if diff := cmp.Diff(want, busy("a")); diff != "" {
		t.Error("before it is set up:", diff)
	}
	s.runsOn("s1", "x1c0s1b0n0", "x1c0s2b0n0")
	want[0].Count, want[0].Nodes, want[0].Same = 2, "x1c0s[1-2]b0n0", false
	if diff := cmp.Diff(want, busy("b")); diff != "" {
		t.Error("while it runs:", diff)
	}
	s.do("POST", "/v2/sessions", with(boot("s2"), "limit", "x1c0s3b0n0")).ok(http.StatusCreated, nil)
	if got := busy("b"); len(got) != 2 || got[1].Session != "s2" || got[1].Nodes != "x1c0s3b0n0" || got[1].Same {
		t.Errorf("with one that was accepted and not set up: %+v", got)
	}
	s.over("s2")
	s.record("x1c0s1b0n0", func(r *bos.Record) { r.Enabled = false })
	if got := busy("b"); len(got) != 1 || got[0].Nodes != "x1c0s2b0n0" {
		t.Errorf("once it is done with a node: %+v", got)
	}
}

func TestAPreviewThatIsReusedIsFoundAlthoughTheTemplateWasWrittenToTheSameEffect(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	shutdown := with(ask(), "operation", "shutdown")
	reviewed := s.preview(shutdown)
	s.putTemplate("t1", withSet("kernel_parameters", "quiet"))
	if got := s.preview(with(shutdown, "reuse", true)); got.Receipt != reviewed.Receipt {
		t.Errorf("answered another preview: %+v", got)
	}
	s.putTemplate("t1", withSet("node_groups", []string{"blue"}))
	if got := s.preview(with(shutdown, "reuse", true)); got.Receipt == reviewed.Receipt && got.Pin != reviewed.Pin {
		t.Errorf("answered the preview of another pin: %+v", got)
	}
	s.advance(25 * time.Hour)
	s.putTemplate("t1", template())
	if got := s.preview(with(shutdown, "reuse", true)); got.Receipt == reviewed.Receipt {
		t.Error("answered a preview that expired")
	}
	s.putTemplate("t1", template(), tenantHeader, "red")
	red := s.preview(shutdown, tenantHeader, "red")
	s.putTemplate("t1", withSet("node_list", []string{"x1c0s1b0n0"}))
	if got := s.preview(with(shutdown, "reuse", true)); got.Receipt == red.Receipt {
		t.Error("answered the preview of a tenant")
	}
}

func TestAReceiptOfAnotherTenantIsNobodys(t *testing.T) {
	s := newSite(t)
	s.tenants["blue"] = s.tenants["red"]
	s.putTemplate("t1", template(), tenantHeader, "red")
	s.putTemplate("t1", template(), tenantHeader, "blue")
	p := s.preview(ask(), tenantHeader, "red")
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "pin", p.Pin), "receipt", p.Receipt), tenantHeader, "red").ok(http.StatusCreated, nil)
	var got bos.Session
	s.do("POST", "/x/v1/sessions", with(boot("s2"), "receipt", p.Receipt), tenantHeader, "blue").ok(http.StatusCreated, &got)
	if got.Name != "s2" || bos.TenantOf(got.Tenant) != "blue" {
		t.Errorf("the receipt of another tenant is answered with session %s of %q", got.Name, bos.TenantOf(got.Tenant))
	}
	s.do("POST", "/x/v1/sessions", with(with(boot("s3"), "pin", p.Pin), "receipt", p.Receipt), tenantHeader, "red").ok(http.StatusOK, &got)
	if got.Name != "s1" {
		t.Errorf("the receipt is answered with session %s after somebody else used its number", got.Name)
	}
}

func TestAReceiptThatHasExpiredIsNoReviewAnyMore(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	p := s.preview(ask())
	numbered := with(ask(), "receipt", p.Receipt)
	if got := s.preview(numbered); got.Receipt != p.Receipt {
		t.Fatalf("the receipt is answered with %s", got.Receipt)
	}
	s.advance(receiptTTL)
	if got := s.preview(numbered); got.Receipt == p.Receipt {
		t.Error("what was reviewed a day ago is answered as a review of now")
	}
	if got := s.preview(with(ask(), "reuse", true)); got.Receipt == p.Receipt {
		t.Error("what was reviewed a day ago is used again")
	}
}

func TestTheSameConfigurationOfAnotherTenantIsAnother(t *testing.T) {
	s := newSite(t)
	s.tenants["blue"] = s.tenants["red"]
	var got bos.Session
	for _, tenant := range []string{"red", "blue"} {
		s.putTemplate("t1", template(), tenantHeader, tenant)
		pin := s.preview(ask(), tenantHeader, tenant).Pin
		s.do("POST", "/x/v1/sessions", with(with(boot("s-"+tenant), "pin", pin), "run_key", "k"), tenantHeader, tenant).ok(http.StatusCreated, &got)
		if bos.TenantOf(got.Tenant) != tenant {
			t.Errorf("%s is answered with session %s of %q", tenant, got.Name, bos.TenantOf(got.Tenant))
		}
	}
}

func TestWhoLetGoOfTheSessionThatAPreviewNamedGetsAnother(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	p := s.preview(with(ask(), "run_key", "k"))
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "pin", p.Pin), "run_key", "k")).ok(http.StatusCreated, nil)
	s.runsOn("s1", "x1c0s1b0n0")
	goesOn := s.preview(with(ask(), "run_key", "k"))
	if goesOn.GoesOnWith() != "s1" {
		t.Fatalf("the preview goes on with %q", goesOn.GoesOnWith())
	}
	s.do("POST", "/x/v1/sessions", with(with(boot("s2"), "pin", goesOn.Pin), "receipt", goesOn.Receipt)).ok(http.StatusCreated, nil)
}

func TestAPreviewThatWasCarriedOutAnswersForNoOtherRollout(t *testing.T) {
	small, large := object{"canary": 1}, object{"canary": 2}
	for name, c := range map[string]struct{ ran, asked object }{
		"another rollout":          {small, large},
		"a rollout and none":       {small, nil},
		"all at once, and batches": {nil, small},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.putTemplate("t1", template())
			asking := func(session string, rollout object, receipt string) object {
				body := with(boot(session), "receipt", receipt)
				if rollout != nil {
					body["rollout"] = rollout
				}
				return body
			}
			receipt := s.preview(ask()).Receipt
			s.do("POST", "/x/v1/sessions", asking("s1", c.ran, receipt)).ok(http.StatusCreated, nil)
			s.do("POST", "/x/v1/sessions", asking("s2", c.asked, receipt)).refused(http.StatusConflict, titleCarriedOut, "s1", "nothing was started")
			var got bos.Session
			s.do("POST", "/x/v1/sessions", asking("s3", c.ran, receipt)).ok(http.StatusOK, &got)
			if n := s.sessionCount(); n != 1 || got.Name != "s1" {
				t.Errorf("the same rollout is answered with %s, and there are %d sessions", got.Name, n)
			}
		})
	}
}

func TestAPreviewFromTheFutureIsNotReusedForItsPin(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	shutdown := with(ask(), "operation", "shutdown")
	reviewed := s.preview(shutdown)
	// To the same effect for a shutdown, so that it is found by its pin alone.
	s.putTemplate("t1", withSet("kernel_parameters", "quiet"))
	s.advance(-time.Hour)
	if got := s.preview(with(shutdown, "reuse", true)); got.Pin != reviewed.Pin || got.Receipt == reviewed.Receipt || got.Created.After(s.clock()) {
		t.Errorf("what was reviewed in the future, as the clock has it now, is used again: %+v", got)
	}
}
