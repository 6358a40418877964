package bos

import (
	"encoding/json"
	"fmt"
	"time"
)

// Watched is what somebody knows who follows the stream: a snapshot with all deltas since.
type Watched struct {
	At       time.Time
	Revision int64
	Legend   StreamLegend
	Pause    PauseState
	// Nodes are by their numbers, Sessions by theirs.
	Nodes    map[int]WatchedNode
	Sessions map[int]StreamSession
}

// WatchedNode is a node of the stream in words.
type WatchedNode struct {
	ID       string
	State    NodeState
	Since    int64
	Session  int
	Wait     WaitReason
	Cause    Cause
	Attempts int
	Held     bool
}

// Take takes in one event of the stream; one of a kind that is not known is passed over.
func (w *Watched) Take(event string, data []byte) error {
	var err error
	switch event {
	case StreamSnapshotEvent:
		var s StreamSnapshot
		if err = json.Unmarshal(data, &s); err == nil {
			err = w.begin(s)
		}
	case StreamDeltaEvent:
		var d StreamDelta
		if err = json.Unmarshal(data, &d); err == nil {
			err = w.follow(d)
		}
	case StreamResetEvent:
		*w = Watched{}
	}
	if err != nil {
		return fmt.Errorf("an event %q of the stream: %w", event, err)
	}
	return nil
}

func (w *Watched) begin(s StreamSnapshot) error {
	*w = Watched{
		At: time.Unix(s.At, 0), Revision: s.Revision, Legend: s.Legend, Pause: s.Pause,
		Nodes: make(map[int]WatchedNode), Sessions: make(map[int]StreamSession, len(s.Sessions)),
	}
	for _, of := range s.Sessions {
		w.Sessions[of.N] = of
	}
	if s.Nodes == nil {
		return nil
	}
	numbers := make([]int, len(s.Nodes.ID))
	for n, id := range s.Nodes.ID {
		numbers[n] = n
		if id != "" {
			w.Nodes[n] = WatchedNode{ID: id}
		}
	}
	return w.columns(numbers, s.Nodes)
}

func (w *Watched) follow(d StreamDelta) error {
	if w.Nodes == nil {
		return fmt.Errorf("a delta came before a snapshot")
	}
	w.At, w.Revision = time.Unix(d.At, 0), d.Revision
	if d.Pause != nil {
		w.Pause = *d.Pause
	}
	if d.New != nil {
		if len(d.New.N) != len(d.New.ID) {
			return fmt.Errorf("%d numbers are of %d new nodes", len(d.New.N), len(d.New.ID))
		}
		for i, n := range d.New.N {
			w.Nodes[n] = WatchedNode{ID: d.New.ID[i]}
		}
	}
	for _, n := range d.Gone {
		delete(w.Nodes, n)
	}
	for _, of := range d.Sessions {
		w.Sessions[of.N] = of
	}
	for _, n := range d.SessionsGone {
		delete(w.Sessions, n)
	}
	if d.Nodes == nil {
		return nil
	}
	return w.columns(d.Nodes.N, d.Nodes)
}

// columns takes over what columns say of the nodes with these numbers.
func (w *Watched) columns(numbers []int, c *StreamNodes) error {
	for _, column := range []int{len(c.State), len(c.Since), len(c.Session), len(c.Wait), len(c.Cause), len(c.Attempts), len(c.Held)} {
		if column != len(numbers) {
			return fmt.Errorf("a column has %d entries for %d nodes", column, len(numbers))
		}
	}
	for i, n := range numbers {
		node, known := w.Nodes[n]
		if !known {
			continue // a number that is not used any more
		}
		state, ok := NodeStateNamed(named(w.Legend.States, c.State[i]))
		if !ok {
			return fmt.Errorf("the legend has no state %d", c.State[i])
		}
		w.Nodes[n] = WatchedNode{
			ID: node.ID, State: state, Since: c.Since[i], Session: c.Session[i], Attempts: c.Attempts[i], Held: c.Held[i] != 0,
			Wait: WaitReason(named(w.Legend.Waits, c.Wait[i])), Cause: Cause(named(w.Legend.Causes, c.Cause[i])),
		}
	}
	return nil
}

func named(codes []StreamCode, n int) string {
	if n < 0 || n >= len(codes) {
		return ""
	}
	return codes[n].Name
}
