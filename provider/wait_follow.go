package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// reconnect is the pause before a stream of events that ended is taken up
// again; a stream that cannot be had leaves the wait to its own polls.
const reconnect = 5 * time.Second

// follow says when something happened to a session as a whole, on services that
// tell: nil on others. It ends with ctx.
func follow(ctx context.Context, c *client.Client, session string, after func(time.Duration) <-chan time.Time) <-chan struct{} {
	caps, err := c.Capabilities(ctx)
	if err != nil || !client.Has(caps, bos.ExtensionEvents) {
		return nil
	}
	news := make(chan struct{}, 1)
	go func() {
		var last int64
		for ctx.Err() == nil {
			var err error
			last, err = c.Follow(ctx, session, last, func(e bos.Event) {
				if e.Component != "" {
					return
				}
				select {
				case news <- struct{}{}:
				default:
				}
			})
			if err != nil && ctx.Err() == nil {
				tflog.Debug(ctx, "events of the BOS session cannot be followed now", map[string]any{"session": session, "error": err.Error()})
			}
			select {
			case <-ctx.Done():
			case <-after(reconnect):
			}
		}
	}()
	return news
}

// progress writes how far a session is to the log, now and then.
type progress struct {
	now  func() time.Time
	last time.Time
	// tell gets the status as well; it may be nil.
	tell func(bos.ExtendedStatus)
	// shown says whether the service shows more, and page is where, once it is known.
	shown shown
	page  string
	// brief is whether the service ends with the apply, and its page with it.
	brief bool
}

// shown is whether a service shows how far a session is by phases, with a page.
type shown int

const (
	notAsked shown = iota
	shows
	showsNothing
)

// further adds what a service that shows it says of phases, of when the session will be
// over, of the batch under way, and where its page is.
func (p *progress) further(ctx context.Context, c *client.Client, session string, told map[string]any) {
	if p.shown == notAsked {
		caps, err := c.Capabilities(ctx)
		if err != nil {
			return
		}
		p.shown = showsNothing
		if client.Has(caps, bos.ExtensionStream) {
			p.shown = shows
		}
	}
	if p.shown != shows {
		return
	}
	s, err := c.Summary(ctx, session)
	if err != nil {
		tflog.Debug(ctx, "what is shown of the BOS session cannot be read now", map[string]any{"session": session, "error": err.Error()})
		return
	}
	told["phases"] = phasesOf(s)
	if !p.brief {
		p.page = pageAt(c.Web(), s.URL)
	}
	if p.page != "" {
		told["page"] = p.page
	}
	if s.ETA > 0 {
		told["eta"] = max(time.Unix(s.ETA, 0).Sub(p.now()), 0).Round(time.Second).String()
	}
	if s.Stragglers.Count > 0 {
		told["stragglers"] = s.Stragglers.Nodes
	}
	if s.Rollout != nil && s.Rollout.Batch != "" {
		told["batch"] = s.Rollout.Batch
	}
}

// phasesOf are the nodes of a session by what is done to them, in the order in which that
// happens.
func phasesOf(s bos.StreamSession) string {
	var parts []string
	for _, state := range bos.NodeStates() {
		if n := s.Counts[state.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// pageAt is the address of a page: that which the service says, or one at the address by
// which it is asked, empty where a browser has none.
func pageAt(endpoint, page string) string {
	switch {
	case !strings.HasPrefix(page, "/"):
		return page
	case endpoint == "":
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(endpoint, "/"), "/apis/bos") + page
}

// progressEvery is the least time between two entries.
const progressEvery = 10 * time.Second

// report asks for the status of a session that is being waited for and logs it.
// It is for the log only, so trouble is logged too.
func (p *progress) report(ctx context.Context, c *client.Client, session string, rollout *bos.RolloutStatus) {
	if now := p.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
	} else {
		return
	}
	s, err := c.SessionStatus(ctx, session)
	if err != nil {
		tflog.Debug(ctx, "status of the BOS session cannot be read now", map[string]any{"session": session, "error": err.Error()})
		return
	}
	if p.tell != nil {
		p.tell(s)
	}
	nodes := func(percent float64) int { return int(percent*float64(s.ManagedComponentsCount)/100 + 0.5) }
	told := map[string]any{
		"session": session, "status": string(s.Status), "nodes": s.ManagedComponentsCount,
		"done": nodes(s.Phases.PercentComplete), "powering_on": nodes(s.Phases.PercentPoweringOn), "powering_off": nodes(s.Phases.PercentPoweringOff),
		"configuring": nodes(s.Phases.PercentConfiguring), "staged": nodes(s.PercentStaged), "failed": nodes(s.PercentFailed), "duration": s.Timing.Duration,
	}
	if rollout != nil {
		told["rollout"], told["detail"] = rollout.Line(), rollout.Detail
	}
	p.further(ctx, c, session, told)
	tflog.Info(ctx, "waiting for BOS session", told)
}
