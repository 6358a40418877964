package watch_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/watch"
)

var now = time.Unix(1_800_000_000, 0)

// hands notes what keys did.
type hands struct{ did []string }

func (h *hands) Pause(s string) error  { h.did = append(h.did, "pause "+s); return nil }
func (h *hands) Resume(s string) error { h.did = append(h.did, "resume "+s); return nil }
func (h *hands) Cancel(s string) error {
	h.did = append(h.did, "cancel "+s)
	return errors.New("not allowed")
}

func (h *hands) Node(id string) ([]string, error) {
	h.did = append(h.did, "node "+id)
	return []string{"history of " + id}, nil
}

// known is a session of four nodes of which two failed.
func known() bos.Watched {
	return bos.Watched{
		Nodes: map[int]bos.WatchedNode{
			0: {ID: "x1c0s1b0n0", State: bos.StateDone}, 1: {ID: "x1c0s2b0n0", State: bos.StateFailed, Cause: bos.CauseBootTimeout},
			2: {ID: "x1c0s10b0n0", State: bos.StateFailed, Cause: bos.CauseBMCUnreachable}, 3: {ID: "x1c0s4b0n0", State: bos.StateBooting},
		},
		Sessions: map[int]bos.StreamSession{0: {
			Name: "s", Operation: bos.OperationBoot, Template: "t", Status: bos.SessionRunning,
			SessionProgress: bos.SessionProgress{
				Total: 4, Counts: map[string]int{"done": 1, "failed": 2, "booting": 1}, Waiting: map[bos.WaitReason]int{bos.WaitPowerLimits: 1}, Rate: 0.5, ETA: now.Unix() + 90,
				Failures:   []bos.FailureGroup{{Cause: bos.CauseBootTimeout, Sentence: "it never reported", Count: 2, Nodes: "x1c0s[2,10]b0n0"}},
				Stragglers: bos.Stragglers{Count: 1, Nodes: "x1c0s4b0n0", Beyond: 300},
				Retry:      &bos.Retry{Count: 2, Commands: []string{"terraform-provider-bos retry s"}},
			},
			Rollout: &bos.StreamRollout{Batch: "canary", HeldBy: bos.HoldPromotion, Batches: []bos.RolloutBatchStatus{{RolloutBatch: bos.RolloutBatch{Name: "canary", Count: 2}, RolloutCounts: bos.RolloutCounts{Done: 1, Failed: 1}}}},
		}},
	}
}

// press gives keys to a screen and carries out what follows.
func press(m tea.Model, names ...string) tea.Model {
	for _, name := range names {
		key := tea.Key{Code: []rune(name)[0], Text: name}
		switch name {
		case "enter":
			key = tea.Key{Code: tea.KeyEnter}
		case "esc":
			key = tea.Key{Code: tea.KeyEscape}
		case "down":
			key = tea.Key{Code: tea.KeyDown}
		}
		var do tea.Cmd
		if m, do = m.Update(tea.KeyPressMsg(key)); do != nil {
			m, _ = m.Update(do())
		}
	}
	return m
}

func shows(t *testing.T, m tea.Model, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if text := m.View().Content; !strings.Contains(text, want) {
			t.Errorf("it does not show %q, but\n%s", want, text)
		}
	}
}

func begun(h *hands) tea.Model {
	var m tea.Model = watch.New("s", h, func() time.Time { return now })
	m, _ = m.Update(tea.WindowSizeMsg{Width: 160, Height: 40})
	m, _ = m.Update(watch.News{Known: known()})
	return m
}

func TestTheScreenShowsHowFarWhenWhatFailedAndWhatToType(t *testing.T) {
	shows(t, watch.New("s", &hands{}, time.Now), "waiting for the service")
	shows(t, begun(&hands{}), "booting", "done", "1m30s more", "0.5 nodes/s", "2 failed: x1c0s[2,10]b0n0: it never reported", "retry: terraform-provider-bos retry s",
		"1 slower than 99 of 100 (5m0s): x1c0s4b0n0", "batch canary (2 of 2 over), held by promotion", "1 wait: it waits for its turn")
}

func TestTheFailedNodesAreWalkedToAndTheHistoryOfOneIsRead(t *testing.T) {
	h := &hands{}
	m := press(begun(h), "f")
	shows(t, m, "> x1c0s2b0n0", "  x1c0s10b0n0", bos.CauseBMCUnreachable.Sentence())
	m = press(m, "down", "down", "enter")
	shows(t, m, "history of x1c0s10b0n0")
	shows(t, press(m, "esc"), "> x1c0s10b0n0")
	shows(t, press(m, "esc", "esc"), "retry: ")
	if len(h.did) != 1 {
		t.Errorf("it did %q", h.did)
	}
}

func TestCancellingAsksFirstAndSaysWhatCameOfIt(t *testing.T) {
	h := &hands{}
	m := press(begun(h), "c")
	shows(t, m, "cancel session s and let go of its nodes")
	m = press(m, "n")
	shows(t, m, "not cancelled")
	if len(h.did) > 0 {
		t.Fatalf("without a yes it did %q", h.did)
	}
	shows(t, press(m, "c", "y"), "not allowed")
	m = press(begun(h), "p")
	shows(t, m, "session s is paused")
	paused := known()
	s := paused.Sessions[0]
	s.Pause = bos.PauseState{Paused: true, Reason: "look", Actor: "me"}
	paused.Sessions[0] = s
	m, _ = m.Update(watch.News{Known: paused})
	shows(t, m, "paused by me: look")
	press(m, "p")
	if got := strings.Join(h.did, ", "); got != "cancel s, pause s, resume s" {
		t.Errorf("it did %s", got)
	}
}

func TestAScreenSaysThatWhatItShowsIsNotLiveUntilItIsAgain(t *testing.T) {
	const why = "not live, asked anew every 5s: 64 streams are followed"
	var m tea.Model = watch.New("s", &hands{}, func() time.Time { return now })
	shows := func(msg tea.Msg) bool {
		m, _ = m.Update(msg)
		return strings.Contains(m.View().Content, why)
	}
	m, _ = m.Update(tea.WindowSizeMsg{Width: 100, Height: 24})
	for i, step := range []struct {
		msg  tea.Msg
		says bool
	}{
		{watch.News{Known: known()}, false},
		{watch.NotLive{Why: errors.New(why)}, true},
		{watch.News{Known: known()}, false},
		{watch.NotLive{Why: errors.New(why)}, true},
		{watch.NotLive{}, false},
	} {
		if says := shows(step.msg); says != step.says {
			t.Errorf("step %d: it says so: %t", i, says)
		}
	}
}

func TestASmallTerminalCutsTheScreenAndNothingElse(t *testing.T) {
	m, _ := begun(&hands{}).Update(tea.WindowSizeMsg{Width: 20, Height: 6})
	lines := strings.Split(m.View().Content, "\n")
	if len(lines) > 6 {
		t.Errorf("%d lines are on 6", len(lines))
	}
	for _, line := range lines {
		if len([]rune(line)) > 20 {
			t.Errorf("%q is longer than 20", line)
		}
	}
}

func TestAProgramOnATerminalIsDrivenByItsKeys(t *testing.T) {
	h := &hands{}
	keys, typed := io.Pipe()
	var out bytes.Buffer
	program := tea.NewProgram(watch.New("s", h, func() time.Time { return now }), tea.WithContext(t.Context()), tea.WithInput(keys), tea.WithOutput(&out),
		tea.WithWindowSize(120, 40), tea.WithEnvironment([]string{"TERM=xterm-256color"}), tea.WithoutSignals())
	go func() {
		program.Send(watch.News{Known: known()})
		for _, key := range []string{"f", "j", "q"} {
			if _, err := typed.Write([]byte(key)); err != nil {
				return
			}
		}
	}()
	end, err := program.Run()
	if err != nil {
		t.Fatal(err)
	}
	shows(t, end, "> x1c0s10b0n0")
	if out.Len() == 0 {
		t.Error("nothing was drawn")
	}
}

func TestTheEndOfTheStreamEndsTheProgram(t *testing.T) {
	m, do := begun(&hands{}).Update(watch.Ended{Err: io.ErrUnexpectedEOF})
	if of, _ := m.(watch.Model); !errors.Is(of.Err, io.ErrUnexpectedEOF) || do == nil {
		t.Errorf("it goes on after %v", of.Err)
	}
}

func TestALineSaysItAllWithoutATerminal(t *testing.T) {
	s := known().Sessions[0]
	line := watch.Line(s, now)
	for _, want := range []string{"running: 1 of 4 done", "1 booting", "2 failed", "batch canary (2 of 2 over), held by promotion", "0.5 nodes/s", "1m30s more"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q does not say %q", line, want)
		}
	}
	e := watch.Event(bos.Event{Time: now, Kind: "power_on", Component: "x", Session: "s", Actor: "me", Plan: "p", Attempt: 2, FromState: "pending", ToState: "booting", Detail: "it said \x1b[2J"})
	if strings.ContainsRune(e, '\x1b') || !strings.Contains(e, "power_on (attempt 2), pending to booting, session s, by me, plan p: it said") {
		t.Errorf("an event is told as %q", e)
	}
}

// hostile is what somebody or an upstream may write to move the cursor of who reads it, to hide
// what follows, or to begin a line of their own.
const hostile = "\x1b]0;x\a\x1b[2J\u009b31m\u202efdp\nretry: rm -rf"

// tame reports a text that a terminal shows as it is, in one line.
func tame(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

func TestNothingThatSomebodyWroteReachesATerminalAsMoreThanText(t *testing.T) {
	of := known()
	s := of.Sessions[0]
	s.Template, s.Error, s.Operation = hostile, hostile, hostile
	s.Pause = bos.PauseState{Paused: true, Reason: hostile, Actor: hostile}
	s.Rollout.Detail, s.Rollout.Batch, s.Rollout.HeldBy = hostile, hostile, hostile
	s.Failures[0].Sentence, s.Failures[0].Nodes, s.Stragglers.Nodes, s.Retry.Commands[0] = hostile, hostile, hostile, hostile
	of.Sessions[0] = s
	of.Nodes[1] = bos.WatchedNode{ID: hostile, State: bos.StateFailed}
	lines := append(watch.Failures(s), watch.Line(s, now), watch.Event(bos.Event{
		Kind: hostile, FromState: hostile, ToState: "x", Session: hostile, Actor: hostile, Plan: hostile, Workspace: hostile, Run: hostile, Request: hostile, Answer: hostile, Detail: hostile,
	}))
	lines = append(lines, watch.Reason(bos.Why{Component: hostile, Phase: hostile, WaitsFor: bos.WaitsFor{Sentence: hostile}, Answer: hostile, Next: bos.NextStep{Sentence: hostile}, Commands: []string{hostile}})...)
	m := begun(&hands{})
	m, _ = m.Update(watch.News{Known: of})
	list := press(m, "f")
	refused, _ := m.Update(watch.Ended{Err: errors.New(hostile)})
	for _, shown := range []tea.Model{m, list, refused} {
		lines = append(lines, strings.Split(shown.View().Content, "\n")...)
	}
	for _, line := range lines {
		if !tame(line) {
			t.Errorf("a terminal is given %q", line)
		}
		if strings.HasPrefix(line, "retry: rm") {
			t.Errorf("a text begins a line of its own: %q", line)
		}
	}
}

func TestWhatNodesWaitForIsShownInAnOrderThatStays(t *testing.T) {
	of := known()
	s := of.Sessions[0]
	for i, why := range bos.WaitReasons() {
		s.Waiting[why] = i + 1
	}
	of.Sessions[0] = s
	m := begun(&hands{})
	m, _ = m.Update(watch.News{Known: of})
	first := m.View().Content
	for range 20 {
		if m.View().Content != first {
			t.Fatal("the lines change places from one look to the next")
		}
	}
}
