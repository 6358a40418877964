package proofs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

func (c *Client) one(t *testing.T, proof bos.BootProof) bos.ProofReading {
	t.Helper()
	var got []bos.ProofReading
	c.Probe(t.Context(), []bos.ProofAsk{{ID: "x1c0s0b0n0", Proof: proof}}, func(r bos.ProofReading) { got = append(got, r) })
	if len(got) != 1 || got[0].ID != "x1c0s0b0n0" || got[0].Proof != proof {
		t.Fatalf("%+v", got)
	}
	return got[0]
}

func TestAPortIsSeenToBeAnsweredOrNot(t *testing.T) {
	port, err := porttest.Free() // nobody else has it once it is closed
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		t.Fatal(err)
	}
	proof := bos.BootProof{Kind: bos.ProofTCP, Port: port}
	c := New(Config{Addresses: func(context.Context, string) []string { return []string{"127.0.0.1"} }})
	if r := c.one(t, proof); r.Sight != bos.ProofPresent || r.Asked.IsZero() {
		t.Errorf("a port that is answered: %+v", r)
	}
	_ = l.Close()
	if r := c.one(t, proof); r.Sight != bos.ProofAbsent || !strings.Contains(r.Detail, "refused") {
		t.Errorf("one that is not: %+v", r)
	}
}

func TestWhatCouldNotBeAskedIsUnknown(t *testing.T) {
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	several := func(list ...string) func(context.Context, string) []string {
		return func(context.Context, string) []string { return list }
	}
	for name, tc := range map[string]struct {
		addresses []string
		errs      map[string]error
		want      bos.ProofSight
	}{
		"no address":                 {nil, nil, bos.ProofUnknown},
		"no answer in time":          {[]string{"10.0.0.1"}, map[string]error{"10.0.0.1:22": context.DeadlineExceeded}, bos.ProofAbsent},
		"no such host there":         {[]string{"10.0.0.1"}, map[string]error{"10.0.0.1:22": syscall.EHOSTUNREACH}, bos.ProofAbsent},
		"no way there":               {[]string{"10.0.0.1"}, map[string]error{"10.0.0.1:22": syscall.ENETUNREACH}, bos.ProofUnknown},
		"no file descriptor":         {[]string{"10.0.0.1"}, map[string]error{"10.0.0.1:22": syscall.EMFILE}, bos.ProofUnknown},
		"the service stops":          {[]string{"10.0.0.1"}, map[string]error{"10.0.0.1:22": context.Canceled}, bos.ProofUnknown},
		"the second answers":         {[]string{"10.0.0.1", "fd00::1"}, map[string]error{"10.0.0.1:22": syscall.ECONNREFUSED}, bos.ProofPresent},
		"one refuses, one is odd":    {[]string{"10.0.0.1", "fd00::1"}, map[string]error{"10.0.0.1:22": syscall.ECONNREFUSED, "[fd00::1]:22": errors.New("odd")}, bos.ProofUnknown},
		"more than are asked answer": {[]string{"1", "2", "3", "4", "5"}, map[string]error{"1:22": syscall.ECONNREFUSED, "2:22": syscall.ECONNREFUSED, "3:22": syscall.ECONNREFUSED, "4:22": syscall.ECONNREFUSED}, bos.ProofAbsent},
	} {
		c := New(Config{Addresses: several(tc.addresses...)})
		c.dial = func(_ context.Context, address string) error { return tc.errs[address] }
		if r := c.one(t, tcp); r.Sight != tc.want {
			t.Errorf("%s: %+v, want %d", name, r, tc.want)
		}
	}
	if r := New(Config{}).one(t, tcp); r.Sight != bos.ProofUnknown {
		t.Errorf("%+v", r)
	}
}

func TestAStateIsReadyOrNotOrUnknown(t *testing.T) {
	ready := bos.BootProof{Kind: bos.ProofReady}
	for state, want := range map[string]bos.ProofSight{
		"Ready": bos.ProofPresent, "On": bos.ProofAbsent, "Off": bos.ProofAbsent, "Standby": bos.ProofAbsent, "Halt": bos.ProofAbsent,
		"": bos.ProofUnknown, "Unknown": bos.ProofUnknown,
	} {
		c := New(Config{States: func(context.Context) (map[string]string, error) {
			return map[string]string{"x1c0s0b0n0": state}, nil
		}})
		if r := c.one(t, ready); r.Sight != want {
			t.Errorf("%q: %+v", state, r)
		}
	}
	c := New(Config{States: func(context.Context) (map[string]string, error) { return nil, errors.New("HSM is away") }})
	if r := c.one(t, ready); r.Sight != bos.ProofUnknown || !strings.Contains(r.Detail, "HSM is away") {
		t.Errorf("%+v", r)
	}
}

// A large room is asked about in several questions side by side, and connections are
// files, of which the program has not many.
func TestQuestionsSideBySideHaveTheirConnectionsInCommon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open, most atomic.Int64
		c := New(Config{Addresses: func(context.Context, string) []string { return []string{"10.0.0.1"} }})
		c.dial = func(context.Context, string) error {
			now := open.Add(1)
			defer open.Add(-1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			<-time.After(dialTimeout)
			return context.DeadlineExceeded
		}
		var questions sync.WaitGroup
		var answers atomic.Int64
		for q := range 3 {
			asks := make([]bos.ProofAsk, concurrency)
			for i := range asks {
				asks[i] = bos.ProofAsk{ID: "x" + strconv.Itoa(q*concurrency+i), Proof: bos.BootProof{Kind: bos.ProofTCP, Port: 22}}
			}
			questions.Go(func() {
				c.Probe(t.Context(), asks, func(r bos.ProofReading) {
					if r.Sight == bos.ProofAbsent {
						answers.Add(1)
					}
				})
			})
		}
		questions.Wait()
		if most.Load() > concurrency || answers.Load() != 3*concurrency {
			t.Errorf("%d connections at a time, want at most %d; %d answers", most.Load(), concurrency, answers.Load())
		}
	})
}
