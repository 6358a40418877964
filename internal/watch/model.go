package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Actions are what keys do, besides showing.
type Actions interface {
	Pause(session string) error
	Resume(session string) error
	Cancel(session string) error
	// Node is what is said of one node: why it is not done, and its history.
	Node(component string) ([]string, error)
}

// News is that what is watched has changed.
type News struct{ Known bos.Watched }

// NotLive is that what is shown is not live, and why; nil is that it was again.
type NotLive struct{ Why error }

// Ended is that there is nothing more to watch.
type Ended struct{ Err error }

type (
	did struct {
		what string
		err  error
	}
	told struct {
		lines []string
		err   error
	}
)

type screen int

const (
	overview screen = iota
	failedList
	timeline
)

// Model is a session on a screen.
type Model struct {
	name    string
	actions Actions
	now     func() time.Time

	known         bos.Watched
	session       bos.StreamSession
	begun         bool
	screen        screen
	at            int
	node          []string
	asks          bool // whether it is to be cancelled
	says          string
	old           string // why what is shown is not live
	width, height int
	// Err is what ended it, nil where that was a key or the end of the session.
	Err error
}

// New is a screen for a session.
func New(name string, actions Actions, now func() time.Time) Model {
	return Model{name: name, actions: actions, now: now, width: 80, height: 24}
}

// Session is what was known last; ok is false if nothing was.
func (m Model) Session() (bos.StreamSession, bool) { return m.session, m.begun }

// Init does nothing: what is watched comes by itself.
func (m Model) Init() tea.Cmd { return nil }

// Update takes in what happened.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case NotLive:
		m.old = ""
		if msg.Why != nil {
			m.old = msg.Why.Error()
		}
	case News:
		m.known, m.begun, m.old = msg.Known, true, ""
		for _, s := range msg.Known.Sessions {
			m.session = s
		}
		if over, _ := Over(m.session); over {
			m.says = "the session is over; q leaves"
		}
	case Ended:
		m.Err = msg.Err
		return m, tea.Quit
	case did:
		m.says = msg.what
		if msg.err != nil {
			m.says = msg.err.Error()
		}
	case told:
		m.node = msg.lines
		if msg.err != nil {
			m.node = []string{msg.err.Error()}
		}
	case tea.KeyPressMsg:
		return m.press(msg.String())
	}
	return m, nil
}

// press does what a key says.
func (m Model) press(key string) (tea.Model, tea.Cmd) {
	if m.asks {
		m.asks = false
		if key == "y" {
			return m, m.do("cancelled", m.actions.Cancel)
		}
		m.says = "not cancelled"
		return m, nil
	}
	switch key {
	case "q", "ctrl+c":
		return m, tea.Quit
	case "esc", "backspace", "left":
		m.screen = max(m.screen-1, overview)
	case "f":
		m.screen, m.at = failedList, 0
	case "up", "k":
		m.at = max(m.at-1, 0)
	case "down", "j":
		m.at = min(m.at+1, max(len(Failed(m.known))-1, 0))
	case "enter", "right":
		return m.open()
	case "p":
		if m.session.Pause.Paused {
			return m, m.do("resumed", m.actions.Resume)
		}
		return m, m.do("paused", m.actions.Pause)
	case "c":
		m.asks, m.says = true, ""
	}
	return m, nil
}

// open shows the node that is chosen.
func (m Model) open() (tea.Model, tea.Cmd) {
	failed := Failed(m.known)
	if m.screen != failedList || m.at >= len(failed) {
		return m, nil
	}
	id := failed[m.at].ID
	m.screen, m.node = timeline, []string{"reading the history of " + id}
	return m, func() tea.Msg {
		lines, err := m.actions.Node(id)
		return told{lines, err}
	}
}

func (m Model) do(what string, action func(string) error) tea.Cmd {
	name := m.name
	return func() tea.Msg { return did{"session " + name + " is " + what, action(name)} }
}

// View is the screen.
func (m Model) View() tea.View {
	lines := []string{fmt.Sprintf("session %s  %s %s", m.name, m.session.Operation, m.session.Template), m.old}
	switch {
	case !m.begun:
		lines = append(lines, "waiting for the service")
	case m.screen == failedList:
		lines = append(lines, m.failedLines()...)
	case m.screen == timeline:
		lines = append(lines, m.node...)
	default:
		lines = append(lines, m.overviewLines()...)
	}
	lines = lines[:min(len(lines), max(m.height-2, 3))]
	foot := "f failed nodes   enter history of one   esc back   p pause or resume   c cancel   q quit"
	if m.asks {
		foot = "cancel session " + m.name + " and let go of its nodes where they stand? y cancels, any other key does not"
	} else if m.says != "" {
		foot = m.says
	}
	for i, line := range lines {
		lines[i] = fit(line, m.width)
	}
	view := tea.NewView(strings.Join(append(lines, "", fit(foot, m.width)), "\n"))
	view.AltScreen = true
	return view
}

func (m Model) overviewLines() []string {
	s := m.session
	var lines []string
	for _, state := range order {
		if n := s.Counts[state.String()]; n > 0 || state == bos.StateDone {
			lines = append(lines, bar(state.String(), n, s.Total, m.width))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(s.Waiting)) {
		lines = append(lines, fmt.Sprintf("%d wait: %s", s.Waiting[why], why.Sentence()))
	}
	lines = append(lines, "", strings.TrimPrefix(Pace(s, m.now()), "; "))
	if s.Rollout != nil {
		lines = append(lines, batch(s.Rollout)+" "+s.Rollout.Detail)
	}
	if s.Pause.Paused {
		lines = append(lines, "paused by "+s.Pause.Actor+": "+s.Pause.Reason)
	}
	if s.Error != "" {
		lines = append(lines, s.Error)
	}
	return append(lines, Failures(s)...)
}

func (m Model) failedLines() []string {
	failed := Failed(m.known)
	if len(failed) == 0 {
		return []string{"no node has failed"}
	}
	page := max(m.height-5, 1)
	from := max(m.at-page+1, 0)
	var lines []string
	for i := from; i < min(from+page, len(failed)); i++ {
		mark := "  "
		if i == m.at {
			mark = "> "
		}
		lines = append(lines, mark+failed[i].ID+"  "+failed[i].Cause.Sentence())
	}
	return lines
}

// bar is a share of the nodes as a bar.
func bar(name string, n, total, width int) string {
	room := min(max(width-30, 10), 60)
	full := 0
	if total > 0 {
		full = n * room / total
	}
	return fmt.Sprintf("%-13s %6d  %s%s", name, n, strings.Repeat("█", full), strings.Repeat("·", room-full))
}

// fit is a line as the screen takes it: text alone, and not more than there is room for.
func fit(line string, width int) string {
	runes := []rune(oneLine(line))
	return string(runes[:max(min(width, len(runes)), 0)])
}
