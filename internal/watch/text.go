// Package watch shows a session in a terminal: what is said of it, and what keys do. It
// talks to nobody itself.
package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Line is how far a session is, in one line.
func Line(s bos.StreamSession, now time.Time) string {
	parts := []string{fmt.Sprintf("%s: %d of %d done", s.Status, s.Counts["done"], s.Total)}
	for _, state := range order {
		if n := s.Counts[state.String()]; n > 0 && state != bos.StateDone {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if s.Rollout != nil && s.Rollout.Batch != "" {
		parts = append(parts, batch(s.Rollout))
	}
	if s.Pause.Paused {
		parts = append(parts, "paused: "+s.Pause.Reason)
	}
	return oneLine(strings.Join(parts, ", ") + Pace(s, now))
}

// order is that in which states are shown.
var order = []bos.NodeState{bos.StatePending, bos.StatePoweringOff, bos.StatePoweringOn, bos.StateBooting, bos.StateConfiguring, bos.StateDone, bos.StateFailed, bos.StateStaged, bos.StateLeft}

func batch(r *bos.StreamRollout) string {
	text := "batch " + r.Batch
	for _, b := range r.Batches {
		if b.Name == r.Batch {
			text = fmt.Sprintf("%s (%d of %d over)", text, b.Done+b.Failed+b.Left, b.Count)
		}
	}
	if r.HeldBy != bos.HoldNone {
		text += ", held by " + string(r.HeldBy)
	}
	return text
}

// Pace says how fast a session is, when it is expected to be over and who is slow; empty
// where nothing can be said.
func Pace(s bos.StreamSession, now time.Time) string {
	text := ""
	if s.Rate > 0 {
		text += fmt.Sprintf("; %.3g nodes/s", s.Rate)
	}
	if s.ETA > 0 {
		text += fmt.Sprintf("; about %s more", max(time.Unix(s.ETA, 0).Sub(now), 0).Round(time.Second))
	}
	if s.Stragglers.Count > 0 {
		text += fmt.Sprintf("; %d slower than 99 of 100 (%s): %s", s.Stragglers.Count, time.Duration(s.Stragglers.Beyond)*time.Second, clip(s.Stragglers.Nodes))
	}
	return text
}

// Failures are the failures of a session, a line for each cause, and how to retry them.
func Failures(s bos.StreamSession) []string {
	var lines []string
	for _, f := range s.Failures {
		lines = append(lines, fmt.Sprintf("%d failed: %s: %s", f.Count, clip(f.Nodes), f.Sentence))
	}
	if s.Retry != nil && len(s.Retry.Commands) > 0 {
		lines = append(lines, "retry: "+s.Retry.Commands[0])
	}
	return plain(lines)
}

// Event is one line of history.
func Event(e bos.Event) string {
	text := e.Time.Local().Format(time.DateTime) + " " + e.Kind
	if e.Attempt > 0 {
		text += fmt.Sprintf(" (attempt %d)", e.Attempt)
	}
	if e.FromState != "" && e.FromState != e.ToState {
		text += ", " + e.FromState + " to " + e.ToState
	}
	for _, part := range []struct{ name, value string }{
		{"session", e.Session}, {"by", e.Actor}, {"plan", e.Plan}, {"workspace", e.Workspace}, {"run", e.Run}, {"request", e.Request}, {"answer", e.Answer},
	} {
		if part.value != "" {
			text += ", " + part.name + " " + part.value
		}
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return oneLine(text)
}

// Reason is why a node is not done, what happens next, and what to type, a line for each.
func Reason(w bos.Why) []string {
	lines := []string{fmt.Sprintf("%s is %s%s: %s", w.Component, w.Phase, since(w.Since), w.WaitsFor.Sentence)}
	if w.Answer != "" {
		lines = append(lines, "last answer: "+w.Answer)
	}
	next := "next: " + w.Next.Sentence
	if w.Next.At != nil {
		next += " (" + w.Next.At.Local().Format(time.TimeOnly) + ")"
	}
	lines = append(lines, next, fmt.Sprintf("attempts left: %d power-on, %d graceful power-off, %d forced power-off",
		w.Attempts.PowerOn.Left, w.Attempts.PowerOffGraceful.Left, w.Attempts.PowerOffForceful.Left))
	for _, command := range w.Commands {
		lines = append(lines, "type: "+command)
	}
	return plain(lines)
}

func since(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " since " + t.Local().Format(time.DateTime)
}

// oneLine is a text that changes nothing of a terminal: it begins no line, moves no cursor
// and turns nothing round. Whatever is written passes through it whole, as each part of it
// may come from somebody or from an upstream.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text)
}

// plain makes one line of each.
func plain(lines []string) []string {
	for i, line := range lines {
		lines[i] = oneLine(line)
	}
	return lines
}

// clip shortens a long list of nodes: the retry command has all of them.
func clip(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// Over reports whether nothing happens to a session any more, and whether all went well.
func Over(s bos.StreamSession) (over, well bool) {
	return s.Status == bos.SessionComplete, s.Counts["failed"] == 0 && s.Error == ""
}

// Failed are the nodes that a session gave up, in order.
func Failed(w bos.Watched) []bos.WatchedNode {
	return slices.SortedFunc(func(yield func(bos.WatchedNode) bool) {
		for n := range maps.Values(w.Nodes) {
			if n.State == bos.StateFailed && !yield(n) {
				return
			}
		}
	}, func(a, b bos.WatchedNode) int { return bos.CompareXnames(a.ID, b.ID) })
}
