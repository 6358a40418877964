package gather_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/gather"
)

// slow answers each node with its own name after 10 ms and keeps what it was asked.
type slow struct {
	mu    sync.Mutex
	asked [][]string
	at    []time.Time
}

func (s *slow) ask(_ context.Context, ids []string) map[string]string {
	s.mu.Lock()
	s.asked, s.at = append(s.asked, ids), append(s.at, time.Now())
	s.mu.Unlock()
	<-time.After(10 * time.Millisecond)
	answers := make(map[string]string)
	for _, id := range ids {
		answers[id] = "is " + id
	}
	return answers
}

func TestQuestionsThatComeTogetherTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slow
		a := gather.New(s.ask)
		var all sync.WaitGroup
		for i := range 100 {
			// One each millisecond, and each twice.
			for range 2 {
				all.Go(func() {
					<-time.After(time.Duration(i) * time.Millisecond)
					id := fmt.Sprint("n", i)
					if got, err := a.Ask(t.Context(), []string{id}); err != nil || got[id] != "is "+id {
						t.Errorf("%s: %v, %v", id, got[id], err)
					}
				})
			}
		}
		all.Wait()
		// At 0, 35 (25 after the first answer), 95 (50 after the second), 205 ms.
		if len(s.asked) != 4 {
			t.Errorf("%d requests: %v", len(s.asked), s.asked)
		}
		for _, ids := range s.asked {
			if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("asked twice in %v", ids)
			}
		}
		// Who asks into the quiet waits for nobody.
		<-time.After(time.Second)
		start := time.Now()
		if _, err := a.Ask(t.Context(), []string{"n"}); err != nil || !s.at[len(s.at)-1].Equal(start) {
			t.Errorf("asked %s later, %v", s.at[len(s.at)-1].Sub(start), err)
		}
		synctest.Wait()
		<-time.After(time.Second)
	})
}

func TestACallerThatGivesUpLeavesTheQuestionToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slow
		a := gather.New(s.ask)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := a.Ask(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		all.Go(func() {
			<-time.After(time.Millisecond)
			if got, err := a.Ask(t.Context(), []string{"b"}); err != nil || got["b"] != "is b" {
				t.Errorf("got %v, %v", got, err)
			}
		})
		<-time.After(2 * time.Millisecond)
		cancel()
		all.Wait()
		if _, err := a.Ask(ctx, []string{"c"}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		<-time.After(time.Second)
		if len(s.asked) != 2 || slices.Contains(s.asked[1], "c") {
			t.Errorf("asked %v", s.asked)
		}
	})
}

// TestWhoIsSlowToAnswerIsNotAskedAllTheTime: between two requests passes at least what
// the first of them took.
func TestWhoIsSlowToAnswerIsNotAskedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 1500 * time.Millisecond
		var began []time.Time
		a := gather.New(func(_ context.Context, ids []string) map[string]string {
			began = append(began, time.Now())
			<-time.After(takes)
			return map[string]string{ids[0]: "answer"}
		})
		for range 4 {
			if _, err := a.Ask(t.Context(), []string{"n"}); err != nil {
				t.Fatal(err)
			}
		}
		for i := 1; i < len(began); i++ {
			if pause := began[i].Sub(began[i-1]) - takes; pause < takes {
				t.Errorf("asked again %s after an answer that took %s", pause, takes)
			}
		}
		<-time.After(time.Minute) // the last pause
	})
}
