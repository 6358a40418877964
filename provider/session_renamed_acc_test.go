package provider_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ordered is a gateway that holds requests back until others have come or were answered.
type ordered struct {
	url string
	mu  sync.Mutex
	// before and after are called with each request, before it is handed on and after it
	// was answered; they may wait.
	before, after func(request string)
}

func inOrder(t *testing.T, r *realBOS) *ordered {
	t.Helper()
	o := &ordered{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		o.mu.Lock()
		before, after := o.before, o.after
		o.mu.Unlock()
		line := req.Method + " " + req.URL.Path
		if before != nil {
			before(line)
		}
		r.ServeHTTP(w, req)
		if after != nil {
			after(line)
		}
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// rule has requests that begin with late wait until one that begins with early has come,
// or was answered; a path ends with $.
type rule struct {
	early, late string
	answered    bool
}

func (o *ordered) by(rules ...rule) {
	come := make([]chan struct{}, len(rules))
	once := make([]sync.Once, len(rules))
	is := func(line string, answered bool) {
		for i, r := range rules {
			if r.answered == answered && strings.HasPrefix(line+"$", r.early) {
				once[i].Do(func() { close(come[i]) })
			}
		}
	}
	for i := range rules {
		come[i] = make(chan struct{})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before = func(line string) {
		is(line, false)
		for i, r := range rules {
			if strings.HasPrefix(line+"$", r.late) {
				<-come[i]
			}
		}
	}
	o.after = func(line string) { is(line, true) }
}

func TestASessionInFlightWhoseResourceIsRenamedIsGoneOnWithWhateverTerraformDoesFirst(t *testing.T) {
	t.Parallel()
	const previews, creates, looks, deletes = "POST /x/v1/previews", "POST /x/v1/sessions$", "GET /v2/sessions/terraform-", "DELETE /v2/sessions/terraform-"
	late := "inconsistent final plan"
	if tells() {
		late = "nothing was started now"
	}
	for name, c := range map[string]struct {
		rules []rule
		// cancels says that the old one is cancelled, and another run in its place;
		// refused, how the apply says that it runs none; the next one does.
		cancels bool
		refused string
	}{
		"it lets go of the old one first":         {rules: []rule{{looks, creates, false}}},
		"it creates the new one first":            {rules: []rule{{creates, looks, true}}},
		"it cancels the old one before all":       {rules: []rule{{deletes, previews, true}}, cancels: true, refused: late},
		"it cancels the old one while it creates": {rules: []rule{{creates, looks, true}}, cancels: true},
		"it cancels the old one in between":       {rules: []rule{{previews, looks, true}, {deletes, creates, true}}, cancels: true, refused: "nothing was started now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 100*time.Millisecond)
			r.aTemplate(t, "quiet")
			letGo, through := r.inFlight(t), inOrder(t, r)
			block := strings.Replace(r.block(), r.url, through.url, 1)
			old := "wait_for_completion = false"
			if c.cancels {
				old += "\n  on_destroy = \"cancel\""
			}
			w := toldWorkspace(t)
			w.write(block, aSession(old))
			w.apply().exits(t, 0)
			before := r.sessions(t)[0].Name

			w.write(block, strings.Replace(aSession(), `"boot"`, `"renamed"`, 1))
			plan := w.terraform("plan", "-no-color", "-input=false", "-out=p")
			plan.exits(t, 0)
			plan.says(t, "goes on with session "+before)
			r.after("POST /x/v1/sessions$", letGo)
			through.by(c.rules...)
			apply := w.terraform("apply", "-no-color", "-input=false", "p")
			through.by()
			if c.refused != "" {
				apply.exits(t, 1)
				apply.says(t, c.refused)
				apply = w.apply()
			}
			apply.exits(t, 0)
			if all := r.sessions(t); len(all) != 1 {
				t.Errorf("%d sessions ran", len(all))
			}
			got := w.attributes("bos_session.renamed")
			if got["succeeded"] != true || (got["name"] == before) == c.cancels {
				t.Errorf("after session %s the renamed resource has %v", before, got)
			}
			w.plan().exits(t, 0)
		})
	}
}

func TestARenamedSessionWithANameOfItsOwnIsNotDeletedByItsFormerResource(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.aTemplate(t, "quiet")
	letGo, through := r.inFlight(t), inOrder(t, r)
	block := strings.Replace(r.block(), r.url, through.url, 1)
	w := newWorkspace(t)
	w.write(block, aSession(`name = "nightly"`, "wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.write(block, strings.Replace(aSession(`name = "nightly"`), `"boot"`, `"renamed"`, 1))
	w.terraform("plan", "-no-color", "-input=false", "-out=p").exits(t, 0)
	// The old one is destroyed once the session is over, and finds a record to delete.
	through.mu.Lock()
	through.before = func(line string) {
		for line == "GET /v2/sessions/nightly" && t.Context().Err() == nil {
			var s bos.Session
			if err := json.Unmarshal([]byte(request(t, http.MethodGet, r.url+"/v2/sessions/nightly")), &s); err != nil || s.Status.Status == bos.SessionComplete {
				return
			}
		}
	}
	through.mu.Unlock()
	r.after("POST /x/v1/previews$", letGo)
	w.terraform("apply", "-no-color", "-input=false", "p").exits(t, 0)
	if all := r.sessions(t); len(all) != 1 || all[0].Name != "nightly" {
		t.Errorf("the sessions are %v", all)
	}
	if got := w.attributes("bos_session.renamed"); got["succeeded"] != true || got["record_expired"] != false {
		t.Errorf("the renamed resource has %v", got)
	}
}

// TestASessionWhoseDestructionFailedIsRunAgainIfThatIsAskedFor: Terraform keeps the
// private data of a plan that failed, and with them that it was to leave.
func TestASessionWhoseDestructionFailedIsRunAgainIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := startReal(t, 20*time.Second)
	r.aTemplate(t, "quiet")
	var refuses atomic.Bool
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if refuses.Load() && strings.HasPrefix(req.URL.Path, "/v2/sessions/") {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(gateway.Close)
	w := newWorkspace(t)
	w.write(strings.Replace(r.block(), r.url, gateway.URL, 1), aSession("wait_for_completion = false"))
	w.apply().exits(t, 0)
	w.terraform("plan", "-no-color", "-input=false", "-destroy", "-out=p").exits(t, 0)
	refuses.Store(true)
	w.terraform("apply", "-no-color", "-input=false", "p").exits(t, 1)
	refuses.Store(false)
	w.apply("-replace=bos_session.boot").exits(t, 0)
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("after -replace %d sessions ran", len(all))
	}
}
