package bos_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestATurnIsHadByOneAtATimeInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turn bos.Turn
		var had []int
		if err := turn.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if err := turn.Take(t.Context()); err != nil {
					t.Error(err)
					return
				}
				defer turn.Give()
				had = append(had, i) // which the race detector watches
			})
			synctest.Wait()
		}
		turn.Give()
		all.Wait()
		if !slices.Equal(had, []int{0, 1, 2, 3, 4}) {
			t.Errorf("it was had by %v", had)
		}
	})
}

func TestWhoWaitsForATurnLeavesWithItsContextAndTakesItFromNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turn bos.Turn
		if err := turn.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaving, leave := context.WithCancel(t.Context())
		left, stays := make(chan error, 1), make(chan error, 1)
		go func() { left <- turn.Take(leaving) }()
		synctest.Wait()
		go func() { stays <- turn.Take(t.Context()) }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves is told %v", err)
		}
		turn.Give()
		if err := <-stays; err != nil {
			t.Errorf("who stays is told %v", err)
		}
		turn.Give()
		if err := turn.Take(t.Context()); err != nil || turn.Waiting() != 0 {
			t.Errorf("the turn is free no more: %v, %d wait", err, turn.Waiting())
		}
	})
}

// TestATurnThatIsGivenToWhoJustLeftGoesToTheNext, whichever of both comes first.
func TestATurnThatIsGivenToWhoJustLeftGoesToTheNext(t *testing.T) {
	var turn bos.Turn
	for range 2000 {
		if err := turn.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaving, leave := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			if turn.Take(leaving) == nil {
				turn.Give()
			}
		})
		both.Go(leave)
		both.Go(turn.Give)
		both.Wait()
	}
	if err := turn.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
}
