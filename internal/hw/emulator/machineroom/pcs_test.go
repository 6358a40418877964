package machineroom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

func order(operation string, ids ...string) TransitionOrder {
	o := TransitionOrder{Operation: operation}
	for _, id := range ids {
		o.Location = append(o.Location, TransitionOf{Xname: id})
	}
	return o
}

func startTransition(t *testing.T, r *Room, id string, o TransitionOrder, now time.Time) {
	t.Helper()
	if _, err := r.StartTransition(id, o, now); err != nil {
		t.Fatal(err)
	}
}

func transitionNow(t *testing.T, r *Room, id string, now time.Time) Transition {
	t.Helper()
	told, ok := r.Transition(id, now)
	if !ok {
		t.Fatalf("transition %s is not known", id)
	}
	return told
}

func TestATransitionIsCompleteWhenTheNodesArePoweredNotBefore(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 2})
	startTransition(t, r, "t", order("on", first, second), epoch)
	told := transitionNow(t, r, "t", epoch)
	if told.Status != "in-progress" || told.Operation != "On" || told.Counts.InProgress != 2 || told.Tasks[0].Description != "Confirming successful transition, on" {
		t.Errorf("at its start: %+v", told)
	}
	told = transitionNow(t, r, "t", epoch.Add(2*time.Second))
	want := TaskCounts{Total: 2, Succeeded: 2}
	if told.Status != "completed" || told.Counts != want || power(t, r, first, epoch.Add(2*time.Second)) != bos.PowerStateOn {
		t.Errorf("after the nodes are on: %+v", told)
	}
}

// TestHowATaskEnds gives each operation to a node in a state.
func TestHowATaskEnds(t *testing.T) {
	minute := 1
	for _, c := range []struct {
		name      string
		types     []string
		on        bool
		faults    []fault.Rule
		change    func(*Room)
		order     TransitionOrder
		want      TransitionTask
		resets    []string
		afterward bos.PowerState
	}{
		{
			name: "a node that is there already succeeds", order: order("Off", first),
			want: TransitionTask{first, "succeeded", "Component already in desired state", ""}, afterward: bos.PowerStateOff,
		}, {
			name: "Hard-Restart goes through off and on", on: true, order: order("Hard-Restart", first),
			want: TransitionTask{first, "succeeded", "Transition confirmed, on", ""}, resets: []string{ResetGraceful, ResetOn}, afterward: bos.PowerStateOn,
		}, {
			name: "Soft-Off on a BMC that knows no graceful one uses Off", on: true, types: []string{ResetOn, ResetForceOff, ResetOff}, order: order("Soft-Off", first),
			want: TransitionTask{first, "succeeded", "Transition confirmed, gracefulshutdown", ""}, resets: []string{ResetOff}, afterward: bos.PowerStateOff,
		}, {
			name: "Off on a BMC that can only force is not supported", on: true, types: []string{ResetOn, ResetForceOff}, order: order("Off", first),
			want:      TransitionTask{first, "unsupported", "Component does not support the specified transition operation, Off", "Unsupported for transition operation"},
			afterward: bos.PowerStateOn,
		}, {
			name: "a restart of a node that is off fails", order: order("Hard-Restart", first),
			want:      TransitionTask{first, "failed", "Component must be in the On state for Hard-Restart", "Component is in the wrong power state"},
			afterward: bos.PowerStateOff,
		}, {
			name: "Init of a node that is off turns it on", order: order("Init", first),
			want: TransitionTask{first, "succeeded", "Transition confirmed, on", ""}, resets: []string{ResetOn}, afterward: bos.PowerStateOn,
		}, {
			name: "a locked node cannot be reserved", change: func(r *Room) { r.SetLocked(first, true) }, order: order("On", first),
			want: TransitionTask{first, "failed", "Failed to achieve transition", "Unable to reserve component"}, afterward: bos.PowerStateOff,
		}, {
			name: "nor one of another transition", change: func(r *Room) {
				if _, err := r.StartTransition("other", order("On", first), epoch); err != nil {
					panic(err)
				}
			}, order: order("On", first),
			want: TransitionTask{first, "failed", "Failed to achieve transition", "Unable to reserve component"}, resets: []string{ResetOn}, afterward: bos.PowerStateOn,
		}, {
			name: "an unknown node is missing", order: order("On", "x9c0s0b0n0"),
			want: TransitionTask{"x9c0s0b0n0", "failed", "Failed to achieve transition", "Missing xname"}, afterward: bos.PowerStateOff,
		}, {
			name: "a silent BMC is waited for", faults: []fault.Rule{{Fault: fault.Dead, Nodes: first}}, order: order("On", first),
			want: TransitionTask{first, "failed", "Failed to apply transition, on", "No response from target"}, afterward: bos.PowerStateOff,
		}, {
			name: "a BMC that refuses is told", faults: []fault.Rule{{Fault: fault.Refuse}}, order: order("On", first),
			want: TransitionTask{first, "failed", "Failed to apply transition, on", "503 Service Unavailable"}, afterward: bos.PowerStateOff,
		}, {
			name: "a dropped reset times out", faults: []fault.Rule{{Fault: fault.Drop}}, order: order("On", first),
			want: TransitionTask{first, "failed", "Failed to achieve transition", "Timeout waiting for transition, on."}, afterward: bos.PowerStateOff,
		}, {
			name: "a dropped graceful one is forced, and that is dropped too", on: true, faults: []fault.Rule{{Fault: fault.Drop}}, order: order("Off", first),
			want: TransitionTask{first, "failed", "Failed to achieve transition", "Timeout waiting for transition, forceoff."}, afterward: bos.PowerStateOn,
		}, {
			name: "Soft-Off never forces", on: true, faults: []fault.Rule{{Fault: fault.Drop}}, order: order("Soft-Off", first),
			want: TransitionTask{first, "failed", "Failed to achieve transition", "Timeout waiting for transition, gracefulshutdown."}, afterward: bos.PowerStateOn,
		}, {
			name: "a stale BMC delays, no more", faults: []fault.Rule{{Fault: fault.Stale, Delay: 30 * time.Second}}, order: order("On", first),
			want: TransitionTask{first, "succeeded", "Transition confirmed, on", ""}, resets: []string{ResetOn}, afterward: bos.PowerStateOn,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := DumpNode{Node: bos.Node{ID: first, Enabled: true}, On: c.on, Endpoint: Endpoint{BMC: bos.BMCOf(first), ResetTypes: c.types}}
			if c.types == nil {
				d.Endpoint.ResetTypes = []string{ResetOn, ResetForceOff, ResetGraceful}
			}
			r := newTestRoom(t, Config{Dump: &Dump{Nodes: []DumpNode{d}}})
			addFaults(t, r, epoch, c.faults...)
			if c.change != nil {
				c.change(r)
			}
			o := c.order
			o.Deadline = &minute
			startTransition(t, r, "t", o, epoch)
			r.Advance(epoch.Add(time.Hour))
			told := transitionNow(t, r, "t", epoch.Add(time.Hour))
			if diff := cmp.Diff([]TransitionTask{c.want}, told.Tasks); diff != "" || told.Status != "completed" {
				t.Errorf("%s, tasks (-want +got):\n%s", told.Status, diff)
			}
			var resets []string
			for _, reset := range r.Resets(first) {
				resets = append(resets, reset.Type)
			}
			if diff := cmp.Diff(c.resets, resets); diff != "" {
				t.Errorf("resets (-want +got):\n%s", diff)
			}
			if s, _ := r.Node(first, epoch.Add(time.Hour)); s.Power != c.afterward {
				t.Errorf("afterwards it is %q, want %q", s.Power, c.afterward)
			}
		})
	}
}

func TestATransitionThatNobodyWaitsForEndsAtOnce(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	o, none := order("On", first), 0
	o.Deadline = &none
	startTransition(t, r, "t", o, epoch)
	if told := transitionNow(t, r, "t", epoch); told.Status != "completed" || told.Counts.Succeeded != 1 {
		t.Errorf("%+v", told)
	}
}

func TestAnOrderIsRefusedAsAWhole(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	many := make([]string, MaxTransitionNodes+1)
	for i := range many {
		many[i] = fmt.Sprintf("x1000c0s0b0n%d", i)
	}
	if _, err := r.StartTransition("t", order("On", many...), epoch); !errors.Is(err, ErrTransitionTooLarge) {
		t.Errorf("too many nodes: %v", err)
	}
	if _, err := r.StartTransition("t", order("Bogus", first), epoch); err == nil || !strings.Contains(err.Error(), "Bogus") {
		t.Errorf("unknown operation: %v", err)
	}
	if all := r.Transitions(epoch); len(all) != 0 {
		t.Errorf("refused and remembered: %+v", all)
	}
}

func TestAnAbortedTransitionFreesItsNodes(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	startTransition(t, r, "t", order("On", first), epoch)
	if ok, err := r.AbortTransition("t", epoch); !ok || err != nil {
		t.Fatalf("abort: %t %v", ok, err)
	}
	told := transitionNow(t, r, "t", epoch)
	if told.Status != "aborted" || told.Tasks[0].Error != "Transition aborted" || told.Tasks[0].Description != "Aborted. Last status - Confirming successful transition, on" {
		t.Errorf("%+v", told)
	}
	later := epoch.Add(time.Minute)
	startTransition(t, r, "next", order("Off", first), later)
	r.Advance(later.Add(time.Minute))
	if told := transitionNow(t, r, "next", later.Add(time.Minute)); told.Counts.Succeeded != 1 {
		t.Errorf("the next transition: %+v", told)
	}
	if _, err := r.AbortTransition("next", later.Add(time.Minute)); !errors.Is(err, ErrTransitionOver) {
		t.Errorf("abort of what is over: %v", err)
	}
	if ok, _ := r.AbortTransition("nobody's", epoch); ok {
		t.Error("an unknown transition was aborted")
	}
}

func TestPCSForgetsTransitionsAfterADay(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	startTransition(t, r, "t", order("On", first), epoch)
	if _, ok := r.Transition("t", epoch.Add(24*time.Hour)); ok {
		t.Error("it is still there")
	}
}
