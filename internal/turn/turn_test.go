package turn_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

func TestATurnIsHadByOneAtATimeInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one turn.Turn
		var had []int
		if err := one.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if err := one.Take(t.Context()); err != nil {
					t.Error(err)
					return
				}
				defer one.Give()
				had = append(had, i) // which the race detector watches
			})
			synctest.Wait()
		}
		one.Give()
		all.Wait()
		if !slices.Equal(had, []int{0, 1, 2, 3, 4}) {
			t.Errorf("it was had by %v", had)
		}
	})
}

func TestWhoWaitsForATurnLeavesWithItsContextAndTakesItFromNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one turn.Turn
		if err := one.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaving, leave := context.WithCancel(t.Context())
		left, stays := make(chan error, 1), make(chan error, 1)
		go func() { left <- one.Take(leaving) }()
		synctest.Wait()
		go func() { stays <- one.Take(t.Context()) }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves is told %v", err)
		}
		one.Give()
		if err := <-stays; err != nil {
			t.Errorf("who stays is told %v", err)
		}
		one.Give()
		if !one.Try() {
			t.Error("somebody has the turn, or waits for it")
		}
	})
}

// TestATurnThatIsGivenToWhoJustLeftGoesToTheNext, whichever of both comes first.
func TestATurnThatIsGivenToWhoJustLeftGoesToTheNext(t *testing.T) {
	var one turn.Turn
	for range 2000 {
		if err := one.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaving, leave := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			if one.Take(leaving) == nil {
				one.Give()
			}
		})
		both.Go(leave)
		both.Go(one.Give)
		both.Wait()
	}
	if err := one.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
}
