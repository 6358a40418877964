package edge

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged answers requests with a handler behind an access log, and returns the lines.
func logged(t *testing.T, h http.HandlerFunc, requests ...*http.Request) (answers []*httptest.ResponseRecorder, lines []map[string]any, text string) {
	t.Helper()
	var out bytes.Buffer
	a := AccessLog{
		Log:      slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Prefixes: []string{"/ui/"}, Quiet: map[string]bool{"/livez": true},
	}
	handler := a.Handler(h)
	for _, r := range requests {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		answers = append(answers, rec)
	}
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fields)
	}
	return answers, lines, out.String()
}

func asked(t *testing.T, method, target string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestALineSaysWhoAskedWhatAndWhatBecameOfIt(t *testing.T) {
	answers, lines, text := logged(t, func(w http.ResponseWriter, r *http.Request) {
		TraceOf(r.Context()).Routed("/v2/components/{id}")
		TraceOf(r.Context()).Asked("ci (token)")
		Problemf(http.StatusNotFound, "there is none").Write(w)
	}, asked(t, http.MethodGet, "/v2/components/x1?token=secret-in-query", "Authorization", "Bearer secret-in-header", RequestIDHeader, "run-7", "Cookie", "secret-in-cookie"))
	want := map[string]any{"msg": "request", "level": "INFO", "request_id": "run-7", "method": "GET", "route": "/v2/components/{id}", "status": 404.0, "bytes": float64(answers[0].Body.Len()), "actor": "ci (token)", "from": "192.0.2.1"}
	for field, value := range want {
		if lines[0][field] != value {
			t.Errorf("%s is %v, want %v", field, lines[0][field], value)
		}
	}
	if strings.Contains(text, "secret") || strings.Contains(text, "x1") {
		t.Errorf("the line says more than the route: %s", text)
	}
	var p struct {
		ID string `json:"request_id"`
	}
	if err := json.Unmarshal(answers[0].Body.Bytes(), &p); err != nil || p.ID != "run-7" || answers[0].Header().Get(RequestIDHeader) != "run-7" {
		t.Errorf("the answer has the id %q in its header and %s", answers[0].Header().Get(RequestIDHeader), answers[0].Body)
	}
}

func TestAnIDThatCouldBeTakenForSomethingElseIsReplaced(t *testing.T) {
	well := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	for _, id := range []string{"", "a b", "a\x1b[2J", `","level":"ERROR`, strings.Repeat("a", mostID+1), "ä"} {
		answers, lines, _ := logged(t, well, asked(t, http.MethodGet, "/", RequestIDHeader, id))
		if got := answers[0].Header().Get(RequestIDHeader); got == id || !plainID(got) || lines[0]["request_id"] != got {
			t.Errorf("%q became %q in the answer and %v in the log", id, got, lines[0]["request_id"])
		}
	}
	answers, _, _ := logged(t, well, asked(t, http.MethodGet, "/", RequestIDHeader, "a", RequestIDHeader, "b"))
	if got := answers[0].Header().Get(RequestIDHeader); got == "a" || got == "b" {
		t.Errorf("of two ids %q was taken", got)
	}
}

func TestAFloodOfRequestsWritesABoundedNumberOfLinesAndHidesNoRefusal(t *testing.T) {
	status := http.StatusOK
	var requests []*http.Request
	for range 5 * linesAtOnce {
		requests = append(requests, asked(t, http.MethodGet, "/ui/x"))
	}
	requests = append(requests, asked(t, http.MethodPost, "/v2/sessions"))
	began := time.Now()
	_, lines, _ := logged(t, func(w http.ResponseWriter, r *http.Request) {
		if status = http.StatusOK; r.Method == http.MethodPost {
			status = http.StatusForbidden
		}
		w.WriteHeader(status)
	}, requests...)
	most := linesAtOnce + int(time.Since(began).Seconds()*linesPerSecond) + 2
	if len(lines) > most {
		t.Errorf("%d lines, want %d at most", len(lines), most)
	}
	last := lines[len(lines)-1]
	if last["status"] != 403.0 || last["route"] != noRoute || lines[0]["route"] != "/ui/" {
		t.Errorf("the first line is %v, the last one %v", lines[0], last)
	}
}

func TestWhatIsAskedAllTheTimeIsLoggedForDebuggingAlone(t *testing.T) {
	_, lines, _ := logged(t, func(w http.ResponseWriter, r *http.Request) {
		TraceOf(r.Context()).Routed(r.URL.Path)
		w.WriteHeader(http.StatusOK)
	}, asked(t, http.MethodGet, "/livez"))
	if lines[0]["level"] != "DEBUG" {
		t.Errorf("it is logged at %v", lines[0]["level"])
	}
}

func TestAnAnswerThatIsBrokenOffIsLoggedToo(t *testing.T) {
	var counted int
	a := AccessLog{Count: func(_, _ string, status int, _ time.Duration, _ bool) { counted = status }}
	defer func() {
		if recover() == nil || counted != http.StatusOK {
			t.Errorf("an answer that was broken off is counted as %d", counted)
		}
	}()
	a.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).ServeHTTP(httptest.NewRecorder(), asked(t, http.MethodGet, "/"))
}

func TestOnTheNetworkOfTheNodesOnlyWhatWasRefusedOrTookLongIsALineAndNeverAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		counted := 0
		a := AccessLog{
			Log: slog.New(slog.NewJSONHandler(&out, nil)), Sparing: true,
			Count: func(string, string, int, time.Duration, bool) { counted++ },
		}
		handler := a.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/slow":
				<-time.After(2 * time.Second)
			case "/refused":
				Problemf(http.StatusForbidden, "it is not yours").Write(w)
			}
		}))
		ask := func(path string, times int) (lines int) {
			out.Reset()
			for range times {
				handler.ServeHTTP(httptest.NewRecorder(), asked(t, http.MethodPatch, path))
			}
			return strings.Count(out.String(), "\n")
		}
		if n := ask("/report", 10_000); n != 0 {
			t.Errorf("10,000 nodes that report have %d lines", n)
		}
		if n := ask("/slow", 1); n != 1 || !strings.Contains(out.String(), `"ms":2000`) {
			t.Errorf("a slow answer has %d lines: %s", n, out.String())
		}
		if n := ask("/refused", 10_000); n != linesAtOnce/sparing {
			t.Errorf("10,000 nodes that are refused have %d lines", n)
		}
		<-time.After(time.Second)
		if n := ask("/refused", 1); n != 1 || !strings.Contains(out.String(), `"left_out":9950`) {
			t.Errorf("the next line is %q", out.String())
		}
		if counted != 20_002 {
			t.Errorf("%d requests were counted", counted)
		}
	})
}
