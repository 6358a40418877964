package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/watch"
)

// played answers the first stream with a session at work and what comes then, and each
// further one with a status.
func played(t *testing.T, further int, then ...any) (url string, streams *atomic.Int32) {
	t.Helper()
	streams = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if streams.Add(1) > 1 {
			w.WriteHeader(further)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		nodes := bos.StreamNodes{ID: []string{}}
		send := func(name string, data any) {
			text, err := json.Marshal(data)
			if err != nil {
				t.Error(err)
			}
			_, _ = fmt.Fprintf(w, "event: %s\nid: e.1\ndata: %s\n\n", name, text)
		}
		send(bos.StreamSnapshotEvent, bos.StreamSnapshot{Sessions: []bos.StreamSession{{N: 3, Name: "s", Status: bos.SessionRunning}}, Nodes: &nodes})
		for _, data := range then {
			name := bos.StreamDeltaEvent
			if _, reset := data.(bos.StreamReset); reset {
				name = bos.StreamResetEvent
			}
			send(name, data)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, streams
}

func TestAWatchEndsWhenItsSessionIsDeleted(t *testing.T) {
	url, streams := played(t, http.StatusTeapot, bos.StreamDelta{SessionsGone: []int{3}})
	out, err := toolTried(t, url, "watch", "s")
	var exit *Exit
	if err == nil || errors.As(err, &exit) || !strings.Contains(err.Error(), "session s") || !strings.Contains(err.Error(), "deleted") || streams.Load() != 1 {
		t.Errorf("it ended with %v after %d streams\n%s", err, streams.Load(), out)
	}
}

func TestAWatchThatIsToldToForgetEverythingGoesOnAndSaysThatItIsRefused(t *testing.T) {
	url, _ := played(t, http.StatusForbidden, bos.StreamReset{Reason: "behind"})
	if out, err := toolTried(t, url, "watch", "s"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("it ended with %v\n%s", err, out)
	}
}

func TestAScreenThatEndsBecauseOfAnErrorSaysIt(t *testing.T) {
	at := func(status bos.SessionPhase, err error) watch.Model {
		m, _ := watch.New("s", nil, time.Now).Update(watch.News{Known: bos.Watched{Sessions: map[int]bos.StreamSession{0: {Name: "s", Status: status}}}})
		m, _ = m.Update(watch.Ended{Err: err})
		of, _ := m.(watch.Model)
		return of
	}
	refused := errors.New("the token is good no more")
	if _, err := screenEnd(at(bos.SessionRunning, refused)); !errors.Is(err, refused) {
		t.Errorf("the screen of a session at work ends with %v", err)
	}
	if s, err := screenEnd(at(bos.SessionComplete, refused)); err != nil || s.Status != bos.SessionComplete {
		t.Errorf("the screen of one that is over ends with %v", err)
	}
	if _, err := screenEnd(watch.New("s", nil, time.Now)); err != nil {
		t.Errorf("one that was left at once ends with %v", err)
	}
}

func TestTheLastChangeIsSaidAlsoWhereOthersCameJustBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []int
		p := &spaced{every: lineEvery, say: func(s bos.StreamSession) error { said = append(said, s.Total); return nil }}
		for n := 1; n <= 3; n++ {
			if err := p.take(bos.StreamSession{SessionProgress: bos.SessionProgress{Total: n}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * lineEvery) //nolint:forbidigo // the clock is virtual
		synctest.Wait()
		p.stop()
		if fmt.Sprint(said) != "[1 3]" {
			t.Errorf("of three changes it says %v", said)
		}
		if err := p.take(bos.StreamSession{Status: bos.SessionComplete, SessionProgress: bos.SessionProgress{Total: 4}}); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(said) != "[1 3 4]" {
			t.Errorf("of the end it says %v", said)
		}
	})
}

// TestAWatchThatFindsNoPlaceForAStreamIsToldByQuestionsAndSaysSoOnce: the service plays one
// whose places are taken.
func TestAWatchThatFindsNoPlaceForAStreamIsToldByQuestionsAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		transport := roundTrip(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if strings.Contains(r.Header.Get("Accept"), "event-stream") {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.WriteString(`{"detail":"64 streams are followed already"}`)
				return w.Result()
			}
			status := bos.SessionRunning
			if asked++; asked == 4 {
				status = bos.SessionComplete
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint("e.", asked)))
			_ = json.NewEncoder(w).Encode(bos.StreamSnapshot{Sessions: []bos.StreamSession{{Name: "s", Status: status}}, Nodes: &bos.StreamNodes{ID: []string{}}})
			return w.Result()
		})
		to, err := client.New(client.Config{Endpoint: "http://bos", Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		began := time.Now()
		last, err := watchLines(t.Context(), to, "s", 0, func(bos.StreamSession) error { return nil }, notLive(&said))
		if err != nil || last.Status != bos.SessionComplete || time.Since(began) != 15*time.Second {
			t.Errorf("after %s it ended with %v, %+v", time.Since(began), err, last)
		}
		if text := said.String(); strings.Count(text, "64 streams") != 1 || !strings.Contains(text, "every 5s") {
			t.Errorf("it says %q", text)
		}
	})
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }
