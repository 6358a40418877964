package redfish_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

const resetPath = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"

// system is a handler for a node that answers a reset with status and body
// and whose state then is state.
func system(state string, status int, body string) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodGet {
			_, _ = fmt.Fprintf(w, `{"PowerState":%q}`, state)
			return
		}
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAnOperationIsOnePostOfItsResetType(t *testing.T) {
	for op, want := range map[bos.PowerOp]string{
		bos.PowerOn: "On", bos.PowerSoftOff: "GracefulShutdown", bos.PowerForceOff: "ForceOff",
	} {
		for _, status := range []int{200, 202, 204} {
			b := startBMC(t, always(status, ""))
			got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), op, node)
			wantResult(t, got.results[node], bos.CallDone, bos.CauseNone)
			if asked := b.asked(); !slices.Equal(asked, []string{"POST " + resetPath + " " + want}) {
				t.Errorf("%s: asked %v", op, asked)
			}
		}
	}
}

func TestAnOperationRedfishDoesNotHaveIsUnsupported(t *testing.T) {
	b := startBMC(t, always(200, ""))
	got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), "Explode", node, node)
	wantResult(t, got.results[node], bos.CallUnsupported, bos.CauseResetRefused, "Explode")
	if len(b.asked()) != 0 {
		t.Errorf("asked %v", b.asked())
	}
}

func TestTheAnswerToAResetSaysHowMuchIsKnown(t *testing.T) {
	refused := `{"error":{"@Message.ExtendedInfo":[{"Message":"The chassis is open."}],"message":"general"}}`
	for _, c := range []struct {
		name    string
		status  int
		outcome bos.CallOutcome
		cause   bos.Cause
	}{
		{"a reset that is not possible", 400, bos.CallRefused, bos.CauseResetRefused},
		{"a reset that is not allowed", 405, bos.CallRefused, bos.CauseResetRefused},
		{"a reset that is not implemented", 501, bos.CallRefused, bos.CauseResetRefused},
		{"a target that is not there", 404, bos.CallRefused, bos.CauseResetRefused},
		{"a redirect", 307, bos.CallRefused, bos.CauseResetRefused},
		{"a resource that is locked", 409, bos.CallBusy, bos.CauseNotReady},
		{"wrong credentials", 401, bos.CallNotAttempted, bos.CauseBMCAuth},
		{"missing rights", 403, bos.CallNotAttempted, bos.CauseBMCPermission},
		{"a BMC that is busy", 503, bos.CallBusy, bos.CauseBMCError},
		{"too many requests", 429, bos.CallBusy, bos.CauseBMCError},
		{"a BMC that broke over it", 500, bos.CallUnknown, bos.CauseResetUnconfirmed},
		{"a BMC behind a gateway", 502, bos.CallUnknown, bos.CauseResetUnconfirmed},
		{"a BMC that gave up waiting", 504, bos.CallUnknown, bos.CauseResetUnconfirmed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, system("Off", c.status, refused))
			got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), bos.PowerOn, node).results[node]
			wantResult(t, got, c.outcome, c.cause, fmt.Sprint(c.status), "The chassis is open", b.address)
			if got.RetryAfter != 30*time.Second {
				t.Errorf("retry after %s", got.RetryAfter)
			}
			if len(b.posts()) != 1 {
				t.Errorf("sent %v", b.posts())
			}
		})
	}
}

func TestAlreadyThereIsSuccess(t *testing.T) {
	for _, c := range []struct {
		op    bos.PowerOp
		state string
		there bool
	}{
		{bos.PowerOn, "On", true},
		{bos.PowerOn, "PoweringOn", true},
		{bos.PowerOn, "Off", false},
		{bos.PowerOn, "PoweringOff", false},
		{bos.PowerOn, "Banana", false},
		{bos.PowerSoftOff, "Off", true},
		{bos.PowerSoftOff, "PoweringOff", true},
		{bos.PowerSoftOff, "On", false},
		{bos.PowerSoftOff, "PoweringOn", false},
		{bos.PowerForceOff, "Off", true},
		{bos.PowerForceOff, "PoweringOff", false},
		{bos.PowerForceOff, "On", false},
		{bos.PowerForceOff, "", false},
	} {
		for _, status := range []int{400, 409} {
			t.Run(fmt.Sprintf("%s while %q answered %d", c.op, c.state, status), func(t *testing.T) {
				b := startBMC(t, system(c.state, status, ""))
				got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), c.op, node).results[node]
				switch {
				case c.there:
					wantResult(t, got, bos.CallDone, bos.CauseNone)
				case status == http.StatusConflict:
					wantResult(t, got, bos.CallBusy, bos.CauseNotReady)
				default:
					wantResult(t, got, bos.CallRefused, bos.CauseResetRefused)
				}
				if asked := b.asked(); len(asked) != 2 || asked[1] != "GET /redfish/v1/Systems/1" {
					t.Errorf("asked %v", asked)
				}
			})
		}
	}
}

// TestAResetThatIsNoLongerWantedIsNotTriedAsAnotherType: the order ends while the BMC
// refuses the first of two types that mean it.
func TestAResetThatIsNoLongerWantedIsNotTriedAsAnotherType(t *testing.T) {
	for name, over := range map[string]func(end context.CancelFunc, permitted *atomic.Bool){
		"nobody waits for it":      func(end context.CancelFunc, _ *atomic.Bool) { end() },
		"the node is another's":    func(_ context.CancelFunc, permitted *atomic.Bool) { permitted.Store(false) },
		"it is wanted all the way": nil,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			var permitted atomic.Bool
			permitted.Store(true)
			b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, reset string) {
				switch {
				case r.Method == http.MethodGet && over != nil:
					over(end, &permitted) // it is read again before the refusal counts
					fallthrough
				case r.Method == http.MethodGet:
					_, _ = io.WriteString(w, `{"PowerState":"On"}`)
				case reset == "ForceOff":
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, `{"error":{"message":"The chassis is open."}}`)
				}
			})
			e := b.endpoint("1")
			e.ResetTypes = []string{"On", "ForceOff", "Off"}
			may := bos.WithPermission(ctx, func(string) bool { return permitted.Load() })
			got := apply(may, t, connectTo(t, e), bos.PowerForceOff, node).results[node]
			want := []string{"POST " + resetPath + " ForceOff"}
			if over == nil {
				wantResult(t, got, bos.CallDone, bos.CauseNone)
				want = append(want, "POST "+resetPath+" Off")
			} else {
				wantResult(t, got, bos.CallRefused, bos.CauseResetRefused, "The chassis is open")
			}
			if posts := b.posts(); !slices.Equal(posts, want) {
				t.Errorf("sent %v, want %v", posts, want)
			}
		})
	}
}

func TestAStateThatCannotBeReadAgainIsNotAlreadyThere(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodGet {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusBadRequest)
	})
	got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), bos.PowerForceOff, node).results[node]
	wantResult(t, got, bos.CallRefused, bos.CauseResetRefused)
}

// inMemory runs a test in virtual time with a client of one node, whose BMC answers
// resets as the handler does; sent counts them.
func inMemory(t *testing.T, reset http.HandlerFunc, test func(t *testing.T, c *redfish.Client, sent *atomic.Int32)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		f, pool, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			sent.Add(1)
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client has gone
			reset(w, r)
		})
		e := redfish.Endpoint{Address: "bmc.example.com", System: "/redfish/v1/Systems/1", Target: resetPath, ResetTypes: []string{"On", "ForceOff"}}
		c := redfish.New(redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: e}), CA: trusted(pool), User: user, Password: password, Dial: f.dial})
		test(t, c, &sent)
		c.Close()
		stop()
	})
}

func TestWithoutAnAnswerToAResetNothingIsKnown(t *testing.T) {
	for name, reset := range map[string]http.HandlerFunc{
		"a BMC that hangs":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a BMC that hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, reset, func(t *testing.T, c *redfish.Client, sent *atomic.Int32) {
				wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallUnknown, bos.CauseResetUnconfirmed, "did not answer POST")
				if n := sent.Load(); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

func TestAnAnswerWhoseBodyFailsIsStillAccepted(t *testing.T) {
	for name, body := range map[string]http.HandlerFunc{
		"a body that stops": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // a return would end the body well
		},
		"a body above the cap": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20+1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			reset := func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusAccepted)
				body(w, r)
			}
			inMemory(t, reset, func(t *testing.T, c *redfish.Client, sent *atomic.Int32) {
				wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
				if n := sent.Load(); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

func TestABMCThatIsOffWasNotAttempted(t *testing.T) {
	address := closedAddress(t)
	first, second := "x1c0s1b0n0", "x1c0s1b0n1"
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{
		first:  {Address: address, System: "/redfish/v1/Systems/1", Target: resetPath},
		second: {Address: address, System: "/redfish/v1/Systems/2"},
	})})
	for _, ids := range [][]string{{first, second}, {second, first}} {
		got := apply(t.Context(), t, c, bos.PowerOn, ids...)
		wantResult(t, got.results[ids[0]], bos.CallNotAttempted, bos.CauseBMCUnreachable, "connection refused")
		wantResult(t, got.results[ids[1]], bos.CallNotAttempted, bos.CauseBMCUnreachable, "a moment ago")
	}
}

func TestAGracefulShutdownIsSentOnlyWhereItIsAdvertised(t *testing.T) {
	for _, c := range []struct {
		name  string
		types []string
		sent  bool
	}{
		{"a BMC that has it", []string{"On", "GracefulShutdown"}, true},
		{"a Cray node controller, whose Off is the graceful one", []string{"On", "ForceOff", "Off"}, true},
		{"a BMC whose Off is all the force that it has", []string{"On", "Off"}, false},
		{"a BMC that only restarts gracefully", []string{"On", "GracefulRestart"}, false},
		{"a Supermicro with two values joined", []string{"On", "ForceOff", "GracefulShutdownGracefulRestart"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, always(200, ""))
			e := b.endpoint("1")
			e.ResetTypes = c.types
			got := apply(t.Context(), t, connectTo(t, e), bos.PowerSoftOff, node).results[node]
			if c.sent {
				wantResult(t, got, bos.CallDone, bos.CauseNone)
			} else {
				wantResult(t, got, bos.CallUnsupported, bos.CauseResetRefused, "GracefulShutdown", strings.Join(c.types, ", "))
			}
			if sent := len(b.asked()) == 1; sent != c.sent {
				t.Errorf("asked %v", b.asked())
			}
			if off := slices.Contains(c.types, "Off"); c.sent && off != strings.HasSuffix(strings.Join(b.asked(), " "), " Off") {
				t.Errorf("sent %v", b.asked())
			}
		})
	}
}

func TestOnAndForceOffAreSentWhateverIsAdvertised(t *testing.T) {
	b := startBMC(t, always(200, ""))
	e := b.endpoint("1")
	e.ResetTypes = []string{"PushPowerButton"}
	c := connectTo(t, e)
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
}

// unlearned is a node of which only the system is known, and what its BMC
// answers to reads.
func unlearned(t *testing.T, answers map[string]string) (*redfish.Client, *bmc) {
	t.Helper()
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			return
		}
		body, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, body)
	})
	return connectTo(t, redfish.Endpoint{Address: b.address, System: "/redfish/v1/Systems/1"}), b
}

func TestWhatTheInventoryDoesNotKnowIsLearnedOnce(t *testing.T) {
	const systemPath, infoPath = "/redfish/v1/Systems/1", "/redfish/v1/Systems/1/ResetActionInfo"
	info := `{"Actions":{"#ComputerSystem.Reset":{"target":"/odd/reset","@Redfish.ActionInfo":"` + infoPath + `"}}}`
	for _, c := range []struct {
		name    string
		answers map[string]string
		outcome bos.CallOutcome
		want    []string
	}{
		{
			"values in the system",
			map[string]string{systemPath: `{"Actions":{"#ComputerSystem.Reset":{"target":"/odd/reset","ResetType@Redfish.AllowableValues":["On","GracefulShutdown"]}}}`},
			bos.CallDone,
			[]string{"GET " + systemPath, "POST /odd/reset GracefulShutdown", "POST /odd/reset GracefulShutdown"},
		},
		{
			"values in an ActionInfo",
			map[string]string{systemPath: info, infoPath: `{"Parameters":[{"Name":"Other"},{"Name":"ResetType","AllowableValues":["On","GracefulShutdown"]}]}`},
			bos.CallDone,
			[]string{"GET " + systemPath, "GET " + infoPath, "POST /odd/reset GracefulShutdown", "POST /odd/reset GracefulShutdown"},
		},
		{
			"an ActionInfo without a graceful shutdown",
			map[string]string{systemPath: info, infoPath: `{"Parameters":[{"Name":"ResetType","AllowableValues":["On","ForceOff"]}]}`},
			bos.CallUnsupported,
			[]string{"GET " + systemPath, "GET " + infoPath},
		},
		{
			"a system that tells no values",
			map[string]string{systemPath: `{"Actions":{"#ComputerSystem.Reset":{"target":"/odd/reset"}}}`},
			bos.CallDone,
			[]string{"GET " + systemPath, "POST /odd/reset GracefulShutdown", "POST /odd/reset GracefulShutdown"},
		},
		{
			"a target on another host",
			map[string]string{systemPath: `{"Actions":{"#ComputerSystem.Reset":{"target":"https://elsewhere/reset"}}}`},
			bos.CallDone,
			[]string{"GET " + systemPath, "POST " + resetPath + " GracefulShutdown", "POST " + resetPath + " GracefulShutdown"},
		},
		{
			"a system without actions",
			map[string]string{systemPath: `{"PowerState":"On"}`},
			bos.CallDone,
			[]string{"GET " + systemPath, "POST " + resetPath + " GracefulShutdown", "POST " + resetPath + " GracefulShutdown"},
		},
		{
			"a system that is none, which is not remembered",
			map[string]string{systemPath: "<html>"},
			bos.CallDone,
			[]string{"GET " + systemPath, "POST " + resetPath + " GracefulShutdown", "GET " + systemPath, "POST " + resetPath + " GracefulShutdown"},
		},
		{
			"an ActionInfo that is missing, which is not remembered",
			map[string]string{systemPath: info},
			bos.CallDone,
			[]string{
				"GET " + systemPath, "GET " + infoPath, "POST /odd/reset GracefulShutdown",
				"GET " + systemPath, "GET " + infoPath, "POST /odd/reset GracefulShutdown",
			},
		},
		{
			"an ActionInfo that is none, which is not remembered",
			map[string]string{systemPath: info, infoPath: "<html>"},
			bos.CallDone,
			[]string{
				"GET " + systemPath, "GET " + infoPath, "POST /odd/reset GracefulShutdown",
				"GET " + systemPath, "GET " + infoPath, "POST /odd/reset GracefulShutdown",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, b := unlearned(t, c.answers)
			cause := bos.CauseNone
			if c.outcome == bos.CallUnsupported {
				cause = bos.CauseResetRefused
			}
			for range 2 {
				wantResult(t, apply(t.Context(), t, client, bos.PowerSoftOff, node).results[node], c.outcome, cause)
			}
			if asked := b.asked(); !slices.Equal(asked, c.want) {
				t.Errorf("asked %q\nwant %q", asked, c.want)
			}
		})
	}
}

func TestForceNeedsNoValuesWhereTheTargetIsKnown(t *testing.T) {
	b := startBMC(t, always(200, ""))
	e := b.endpoint("1")
	e.ResetTypes = nil
	wantResult(t, apply(t.Context(), t, connectTo(t, e), bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
	if asked := b.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestAResetIsNotSentToABMCThatCannotEvenBeRead(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		outcome bos.CallOutcome
		cause   bos.Cause
	}{
		{"silence", 0, bos.CallNotAttempted, bos.CauseBMCUnreachable},
		{"wrong credentials", 401, bos.CallNotAttempted, bos.CauseBMCAuth},
		{"an overload", 503, bos.CallBusy, bos.CauseBMCError},
		{"an internal error", 500, bos.CallBusy, bos.CauseBMCError},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(c.status)
			})
			client := connectTo(t, redfish.Endpoint{Address: b.address, System: "/redfish/v1/Systems/1"})
			wantResult(t, apply(t.Context(), t, client, bos.PowerOn, node).results[node], c.outcome, c.cause)
			if len(b.posts()) != 0 {
				t.Errorf("sent %v", b.posts())
			}
		})
	}
}

func TestCredentialsNeverFollowARedirect(t *testing.T) {
	var elsewhere atomic.Int32
	other := startBMC(t, func(*bmc, http.ResponseWriter, *http.Request, string) { elsewhere.Add(1) })
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, "https://"+other.address+r.URL.Path, http.StatusTemporaryRedirect)
	})
	c := connectTo(t, b.endpoint("1"))
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "not followed")
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallRefused, bos.CauseResetRefused, "not followed")
	if len(other.asked()) != 0 {
		t.Errorf("asked elsewhere: %v", other.asked())
	}
}
