package hsm_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// unplugged is an HSM without a socket, so that in a bubble no time passes but by waiting.
type unplugged struct {
	mu sync.Mutex
	// released are the components of each try to give some back, and answers what it is
	// answered, the last one again and again.
	released [][]string
	answers  []answer
	// slow is how long it takes to answer who gives a component back.
	slow map[string]time.Duration
}

func (u *unplugged) answer(r *http.Request) answer {
	var body struct {
		ComponentIDs    []string
		ReservationKeys []struct{ ID string }
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return answer{400, ""}
	}
	if !strings.HasSuffix(r.URL.Path, "/release") {
		var got []string
		for _, id := range body.ComponentIDs {
			got = append(got, fmt.Sprintf(`{"ID":%q,"ReservationKey":"of %s"}`, id, id))
		}
		return answer{200, `{"Success":[` + strings.Join(got, ",") + `],"Failure":[]}`}
	}
	<-time.After(u.slow[body.ReservationKeys[0].ID])
	var ids []string
	for _, k := range body.ReservationKeys {
		ids = append(ids, k.ID)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.released = append(u.released, ids)
	return u.answers[min(len(u.released), len(u.answers))-1]
}

func (u *unplugged) tries() [][]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.released)
}

func (u *unplugged) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close() //nolint:errcheck // nothing is left to say
		r, err := http.ReadRequest(bufio.NewReader(there))
		if err != nil {
			return
		}
		a := u.answer(r)
		_, _ = fmt.Fprintf(there, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", a.status, len(a.body), a.body)
	}()
	return here, nil
}

// TestWhatHSMDoesNotTakeBackIsGivenBackLater, for as long as it lasts, and it is said: others
// find the nodes reserved meanwhile, and nobody else knows why.
func TestWhatHSMDoesNotTakeBackIsGivenBackLater(t *testing.T) {
	both := []string{"x9c0s1b0", "x9c0s1b0n0"}
	out, taken := answer{503, `{}`}, answer{200, `{"Success":{"ComponentIDs":["x9c0s1b0","x9c0s1b0n0"]},"Failure":[]}`}
	for name, tc := range map[string]struct {
		answers []answer
		tries   [][]string
		says    []string
	}{
		"at once":              {[]answer{taken}, [][]string{both}, nil},
		"one that has ended":   {[]answer{{200, `{"Failure":[{"ID":"x9c0s1b0","Reason":"NotFound"}]}`}}, [][]string{both}, nil},
		"while it is out":      {[]answer{out, out, taken}, [][]string{both, both, both}, []string{"could not be given back", "x9c0s1b0", "503", "are given back"}},
		"one of two":           {[]answer{{200, `{"Failure":[{"ID":"X9C0S1B0","Reason":"ServerError."}]}`}, taken}, [][]string{both, both[:1]}, []string{"could not be given back", `components=x9c0s1b0 `, "ServerError", "are given back"}},
		"an answer of no JSON": {[]answer{{200, `done`}}, [][]string{both}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &unplugged{answers: tc.answers}
				var said bytes.Buffer
				c := hsm.New(transport.Upstream{URL: "http://hsm/hsm/v2", Dial: u.dial}).Telling(slog.New(slog.NewTextHandler(&said, nil)))
				_, release, err := c.Reserve(t.Context(), both[1:])
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				release()
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("who gave it back waited for %s", took)
				}
				<-time.After(time.Hour) // until all is over
				if got := u.tries(); fmt.Sprint(got) != fmt.Sprint(tc.tries) {
					t.Errorf("it was tried with %v, want %v", got, tc.tries)
				}
				for _, want := range tc.says {
					if !strings.Contains(said.String(), want) {
						t.Errorf("%q is not in the log: %s", want, said.String())
					}
				}
				if len(tc.says) == 0 && said.Len() > 0 {
					t.Errorf("it is said that %s", said.String())
				}
			})
		})
	}
}

// TestAnHSMThatNeverTakesReservationsBackIsNotAskedForEver: they have ended there by then.
func TestAnHSMThatNeverTakesReservationsBackIsNotAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unplugged{answers: []answer{{503, `{}`}}}
		c := hsm.New(transport.Upstream{URL: "http://hsm/hsm/v2", Dial: u.dial})
		for range 2 { // one after the other, of which each has its own time
			_, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
			if err != nil {
				t.Fatal(err)
			}
			before := len(u.tries())
			release()
			<-time.After(16 * time.Minute)
			tried := len(u.tries()) - before
			if tried < 10 || tried > 25 {
				t.Errorf("it was tried %d times in the 15 minutes that HSM keeps a reservation", tried)
			}
			<-time.After(time.Hour)
			if more := len(u.tries()) - before - tried; more > 0 {
				t.Errorf("it was tried %d times after that", more)
			}
		}
	})
}

// TestAReservationMayEndWhileItIsGivenBack, as who tries again for others sees: HSM is asked
// about it meanwhile, and nothing of it is left to be noted when it has answered.
func TestAReservationMayEndWhileItIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unplugged{answers: []answer{{503, `{}`}}, slow: map[string]time.Duration{"x9c0s1b0": 9 * time.Second}}
		c := hsm.New(transport.Upstream{URL: "http://hsm/hsm/v2", Dial: u.dial})
		_, old, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		_, young, err := c.Reserve(t.Context(), []string{"x9c0s2b0n0"})
		if err != nil {
			t.Fatal(err)
		}
		young() // is tried again 75 s later, and each minute from then on
		<-time.After(10*time.Minute + 10*time.Second)
		u.mu.Lock()
		u.answers = []answer{{200, `{}`}}
		u.mu.Unlock()
		old() // is under way for nine seconds, the next try in five
		<-time.After(time.Hour)
	})
}

// TestWhatIsReservedAnewWhileItIsToBeGivenBackIsKept: who uses it would lose it.
func TestWhatIsReservedAnewWhileItIsToBeGivenBackIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unplugged{answers: []answer{{503, `{}`}, {200, `{}`}}}
		c := hsm.New(transport.Upstream{URL: "http://hsm/hsm/v2", Dial: u.dial})
		_, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
		if err != nil {
			t.Fatal(err)
		}
		release()
		_, again, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if got := u.tries(); len(got) != 1 {
			t.Errorf("it was given back while it was used: %v", got)
		}
		again()
		if got := u.tries(); len(got) != 2 {
			t.Errorf("it was not given back when it was used no more: %v", got)
		}
	})
}

// TestWhoWaitsForAReservationLeavesWithItsContext, also while HSM hangs with that of another.
func TestWhoWaitsForAReservationLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, there) }() // until the client leaves
			return here, nil
		}
		c := hsm.New(transport.Upstream{URL: "http://hsm/hsm/v2", Dial: hangs, Timeout: func() time.Duration { return time.Hour }})
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, err := c.Reserve(first, []string{"x9c0s1b0n0"}); err == nil {
				t.Error("HSM did not hang")
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, _, err := c.Reserve(ctx, []string{"x9c0s2b0n0"}); err == nil || time.Since(began) != time.Second {
			t.Errorf("it ended after %s with %v", time.Since(began), err)
		}
		leave()
		all.Wait()
	})
}
