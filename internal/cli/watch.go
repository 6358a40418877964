package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/watch"
)

// The statuses with which watch ends, besides that of an error: some nodes failed, or
// whoever watched left before the end.
const (
	statusSomeFailed = 20
	statusLeft       = 21
)

const (
	// lineEvery is the least time between two lines, and rewatch the pause before a
	// stream that ended is taken up again.
	lineEvery = 2 * time.Second
	rewatch   = 2 * time.Second
	// watchPatience is for how often in a row it may fail to be.
	watchPatience = 30
	// nodeEvents bounds the history of one node on a screen.
	nodeEvents = 100
)

func watchCommand() *cobra.Command {
	var remote remoteFlags
	var asJSON, plain bool
	c := &cobra.Command{
		Use: "watch SESSION", Short: "Watch a session: how far its nodes are, when it will be over, what failed and how to retry", Args: cobra.ExactArgs(1),
		Long: "On a terminal it is a screen with keys; elsewhere, or with --plain, a line whenever something has changed. It ends with the session: with status 0 if no\n" +
			fmt.Sprintf("node failed, %d if some did; with %d if it was left before.", statusSomeFailed, statusLeft),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := remote.client(c)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			var last bos.StreamSession
			switch {
			case asJSON:
				last, err = watchLines(c.Context(), to, args[0], 0, func(s bos.StreamSession) error { return json.NewEncoder(out).Encode(s) }, notLive(c.ErrOrStderr()))
			case plain || !onTerminal(out):
				last, err = watchLines(c.Context(), to, args[0], lineEvery, func(s bos.StreamSession) error { return sayLines(out, s) }, notLive(c.ErrOrStderr()))
			default:
				last, err = watchScreen(c, to, args[0])
			}
			if err != nil {
				return err
			}
			return outcome(last)
		},
	}
	remote.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write a JSON object a line, as the service sends it of the session")
	c.Flags().BoolVar(&plain, "plain", false, "write lines on a terminal too")
	return c
}

// outcome is the status that a session ends a watch with.
func outcome(s bos.StreamSession) error {
	switch over, well := watch.Over(s); {
	case !over:
		return &Exit{Status: statusLeft}
	case !well:
		return &Exit{Status: statusSomeFailed}
	default:
		return nil
	}
}

func sayLines(out io.Writer, s bos.StreamSession) error {
	if _, err := fmt.Fprintf(out, "%s %s\n", time.Now().Format(time.TimeOnly), watch.Line(s, time.Now())); err != nil {
		return err
	}
	if over, _ := watch.Over(s); !over {
		return nil
	}
	for _, line := range watch.Failures(s) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// notLive says when what is shown is not live, and why: once until it is again.
func notLive(out io.Writer) func(error) {
	said := ""
	return func(why error) {
		now := ""
		if why != nil {
			now = why.Error()
		}
		if now != "" && now != said {
			_, _ = fmt.Fprintln(out, now) // nobody reads it if this fails
		}
		said = now
	}
}

// errOver ends a watch whose session is over.
var errOver = errors.New("the session is over")

// watchLines says how far a session is whenever that has changed, at most so often, until
// it is over.
func watchLines(ctx context.Context, to *client.Client, name string, every time.Duration, say func(bos.StreamSession) error, lost func(error)) (bos.StreamSession, error) {
	lines := &spaced{every: every, say: say}
	err := followSession(ctx, to, name, lost, func(known bos.Watched) error {
		for _, s := range known.Sessions {
			if err := lines.take(s); err != nil {
				return err
			}
			if over, _ := watch.Over(s); over {
				return errOver
			}
		}
		return nil
	})
	if errors.Is(err, errOver) {
		err = nil
	}
	return lines.stop(), err
}

// spaced says how far a session is, at most so often. What comes in between waits, so that
// the last of what changed is said also where nothing follows.
type spaced struct {
	every time.Duration
	say   func(bos.StreamSession) error

	mu    sync.Mutex
	last  bos.StreamSession
	said  time.Time
	timer *time.Timer
	err   error
}

// take takes in how far it is. What failed to be said before fails now.
func (p *spaced) take(s bos.StreamSession) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = s
	wait := p.every - time.Since(p.said)
	if over, _ := watch.Over(s); over || wait <= 0 {
		p.now()
	} else if p.timer == nil {
		p.timer = time.AfterFunc(wait, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.timer != nil {
				p.now()
			}
		})
	}
	return p.err
}

func (p *spaced) now() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.said = time.Now()
	p.err = errors.Join(p.err, p.say(p.last))
}

// stop says nothing more, and returns how far it was last.
func (p *spaced) stop() bos.StreamSession {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	return p.last
}

// followSession takes a session's stream up again whenever it ends, until each returns an
// error, it is deleted, or it cannot be had. Where the service has no place for a stream
// more it is asked now and then. lost is told when what is known is not live, and why, and
// nil once it was again.
func followSession(ctx context.Context, to *client.Client, name string, lost func(error), each func(bos.Watched) error) error {
	var known client.Watched
	for failed := 0; ; failed++ {
		came := false
		inner, stop := context.WithCancelCause(ctx)
		err := to.Watch(inner, name, &known, func(w bos.Watched) {
			failed, came = 0, true
			err := each(w)
			if err == nil && w.Nodes != nil && len(w.Sessions) == 0 { // who is told to forget everything has no nodes either
				err = fmt.Errorf("session %s was deleted while it was watched, and its outcome is not known; terraform-provider-bos history XNAME says what was done to a node", name)
			}
			if err != nil {
				stop(err)
			}
		})
		ended := context.Cause(inner)
		stop(nil)
		pause := rewatch
		var refused *client.Error
		var full *client.NoPlace
		switch {
		case ended != nil:
			return ended
		case errors.As(err, &full):
			failed, pause = 0, full.Again
		case errors.As(err, &refused) && refused.Status < 500 || err != nil && failed >= watchPatience:
			return err
		case came:
			lost(nil)
		}
		if err != nil {
			lost(err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// watchScreen is the screen for a session.
func watchScreen(c *cobra.Command, to *client.Client, name string) (bos.StreamSession, error) {
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	program := tea.NewProgram(watch.New(name, keys{ctx, to}, time.Now), tea.WithContext(ctx), tea.WithInput(c.InOrStdin()), tea.WithOutput(c.OutOrStdout()))
	go func() {
		program.Send(watch.Ended{Err: followSession(ctx, to, name, func(why error) { program.Send(watch.NotLive{Why: why}) }, func(known bos.Watched) error {
			program.Send(watch.News{Known: clone(known)})
			return nil
		})})
	}()
	end, err := program.Run()
	if err != nil {
		return bos.StreamSession{}, fmt.Errorf("the screen cannot be shown, and --plain does without: %w", err)
	}
	m, _ := end.(watch.Model)
	return screenEnd(m)
}

// screenEnd is how far a session was when its screen ended, and what ended it before that
// was over, if not a key.
func screenEnd(m watch.Model) (bos.StreamSession, error) {
	s, _ := m.Session()
	if over, _ := watch.Over(s); over {
		return s, nil
	}
	return s, m.Err
}

// clone is what is known, which nobody changes while it is drawn.
func clone(w bos.Watched) bos.Watched {
	w.Nodes, w.Sessions = maps.Clone(w.Nodes), maps.Clone(w.Sessions)
	return w
}

// keys does what keys say, through the API.
type keys struct {
	ctx context.Context //nolint:containedctx // that of the screen
	to  *client.Client
}

const pressed = "by a key of terraform-provider-bos watch"

func (k keys) Pause(session string) error {
	_, err := k.to.PauseSession(k.ctx, session, pressed)
	return err
}

func (k keys) Resume(session string) error {
	_, err := k.to.ResumeSession(k.ctx, session, pressed)
	return err
}

func (k keys) Cancel(session string) error {
	_, err := k.to.CancelSession(k.ctx, session, pressed)
	return err
}

func (k keys) Node(component string) ([]string, error) {
	why, err := k.to.Why(k.ctx, component)
	if err != nil {
		return nil, err
	}
	lines := append(watch.Reason(why), "")
	events, err := k.to.Newest(k.ctx, component, "", nil, nodeEvents)
	for _, e := range events {
		lines = append(lines, watch.Event(e))
	}
	return lines, err
}
