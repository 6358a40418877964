package emulator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// The pace of reports.
const (
	// reporters bounds the reports under way at a time.
	reporters     = 256
	reportTimeout = 10 * time.Second
	// firstRetry doubles up to lastRetry: for one node that BOS does not
	// know yet, whose token it does not take or which it does not want to
	// hear, and for all while BOS is away.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
	// maxUnwanted is how often BOS may say 409 before the node gives up
	// until its next report.
	maxUnwanted = 10
)

// reporter tells BOS what the nodes boot, in their stead.
type reporter struct {
	room   *machineroom.Room
	client *http.Client
	log    *slog.Logger
	token  func(url string) string
	wake   chan struct{}
	// advanced is called after each look at the room.
	advanced func()

	mu  sync.Mutex
	url string
	// scripts is where nodes fetch their boot scripts, store the address of
	// this server's S3.
	scripts, store string

	// The rest belongs to run.
	queue []*delivery // ordered by time
	// latest is the delivery of each node that has not ended; others of the
	// node are outdated.
	latest map[string]*delivery
	idle   int
	away   int
	until  time.Time // while BOS is away, when to try again
	done   chan result
}

// delivery is a report on its way.
type delivery struct {
	machineroom.Report
	at    time.Time
	tries int
}

// verdict is what became of a delivery.
type verdict int

const (
	// verdictOver: BOS took it, or never will.
	verdictOver verdict = iota
	// verdictUnknown: BOS has no such component yet.
	verdictUnknown
	// verdictUnproven: BOS does not take the token, which is another one when it was
	// started anew, and left a moment after it listens. What runs on a node tries on too.
	verdictUnproven
	// verdictUnwanted: BOS does not take reports of this node now.
	verdictUnwanted
	// verdictAway: BOS does not answer, or not sensibly.
	verdictAway
)

type result struct {
	*delivery
	verdict verdict
}

func newReporter(of *machineroom.Room, c ServerConfig, advanced func()) *reporter {
	p := &reporter{
		room: of, log: c.Log, token: c.Token, advanced: advanced, wake: make(chan struct{}, 1), idle: reporters, done: make(chan result, reporters),
		latest: make(map[string]*delivery),
		client: &http.Client{
			Timeout: reportTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: reporters, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	p.setURL(c.BOSURL)
	return p
}

// authorize adds the token for BOS to a request.
func (p *reporter) authorize(req *http.Request) {
	if p.token == nil {
		return
	}
	if token := p.token(req.URL.String()); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// kick makes run look at the room again.
func (p *reporter) kick() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *reporter) setURL(bos string) {
	p.mu.Lock()
	p.url = strings.TrimSuffix(bos, "/")
	p.mu.Unlock()
	p.kick()
}

func (p *reporter) bosURL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// run reports until the context ends and all that is under way has ended too.
func (p *reporter) run(ctx context.Context) {
	defer p.client.CloseIdleConnections()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		for _, rep := range p.room.Advance(now) {
			p.add(rep, now)
		}
		p.advanced()
		p.send(ctx, now)
		if at, ok := p.next(); ok {
			timer.Reset(max(time.Until(at), 0))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			for p.idle < reporters {
				<-p.done
				p.idle++
			}
			return
		case <-timer.C:
		case <-p.wake:
		case res := <-p.done:
			p.idle++
			p.settle(res, time.Now())
		}
	}
}

// next is when run has something to do without being told.
func (p *reporter) next() (at time.Time, ok bool) {
	at, ok = p.room.Next()
	if len(p.queue) == 0 || p.idle == 0 || p.bosURL() == "" {
		return at, ok
	}
	ready := p.queue[0].at
	if p.until.After(ready) {
		ready = p.until
	}
	if !ok || ready.Before(at) {
		at = ready
	}
	return at, true
}

// add queues a report.
func (p *reporter) add(rep machineroom.Report, now time.Time) {
	d := &delivery{Report: rep, at: now}
	p.latest[rep.Node] = d
	p.put(d)
}

func (p *reporter) put(d *delivery) {
	place, _ := slices.BinarySearchFunc(p.queue, d, func(have, want *delivery) int {
		return cmp.Or(have.at.Compare(want.at), -1) // after those of the same time
	})
	p.queue = slices.Insert(p.queue, place, d)
}

// send starts what is ready.
func (p *reporter) send(ctx context.Context, now time.Time) {
	bos := p.bosURL()
	if bos == "" || now.Before(p.until) {
		return
	}
	started := 0
	for ; started < len(p.queue) && p.idle > 0 && !p.queue[started].at.After(now); started++ {
		d := p.queue[started]
		if p.latest[d.Node] != d || !p.room.Reporting(d.Report) {
			p.forget(d)
			continue
		}
		p.idle--
		go func() { p.done <- result{d, p.deliver(ctx, bos, d)} }()
	}
	p.queue = slices.Delete(p.queue, 0, started)
}

// settle decides whether and when a delivery is tried again.
func (p *reporter) settle(res result, now time.Time) {
	if res.verdict == verdictAway {
		res.at = now
		p.requeue(res.delivery)
		if now.Before(p.until) {
			return // one of many under way when BOS went
		}
		if p.away == 0 {
			p.log.Warn("BOS does not answer the nodes' reports; they try again", "url", p.bosURL())
		}
		p.until = now.Add(backoff(p.away))
		p.away++
		return
	}
	if p.away > 0 {
		p.log.Info("BOS answers the nodes' reports again")
	}
	p.away, p.until = 0, time.Time{}
	if res.verdict == verdictOver {
		p.forget(res.delivery)
		return
	}
	res.tries++
	if res.verdict == verdictUnproven && res.tries == 1 {
		p.log.Warn("BOS does not take the token of a node's report; it tries again", "node", res.Node)
	}
	if res.verdict == verdictUnwanted && res.tries >= maxUnwanted {
		p.log.Warn("BOS does not want the report of a node; it gives up until its next", "node", res.Node)
		p.forget(res.delivery)
		return
	}
	res.at = now.Add(backoff(res.tries - 1))
	p.requeue(res.delivery)
}

// requeue puts a delivery back unless its node has reported something newer.
func (p *reporter) requeue(d *delivery) {
	if p.latest[d.Node] == d {
		p.put(d)
	}
}

// forget ends a delivery.
func (p *reporter) forget(d *delivery) {
	if p.latest[d.Node] == d {
		delete(p.latest, d.Node)
	}
}

// backoff doubles with each try.
func backoff(tries int) time.Duration {
	return min(firstRetry<<min(tries, 8), lastRetry)
}

// tell sends one report.
func (p *reporter) tell(ctx context.Context, bos string, rep machineroom.Report) verdict {
	state := map[string]any{"bss_token": rep.Token}
	if rep.Token == "" { // it boots what BSS never had for it
		state = map[string]any{"boot_artifacts": rep.Artifacts}
	}
	body, err := json.Marshal(map[string]any{"id": rep.Node, "actual_state": state})
	if err != nil {
		return verdictOver
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, bos+"/v2/components/"+url.PathEscape(rep.Node), bytes.NewReader(body))
	if err != nil {
		return verdictAway
	}
	req.Header.Set("Content-Type", "application/json")
	p.authorize(req)
	res, err := p.client.Do(req)
	if err != nil {
		return verdictAway
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, wire.MaxAnswer)) // else the connection is not used again
	switch {
	case res.StatusCode == http.StatusNotFound:
		return verdictUnknown
	case res.StatusCode == http.StatusUnauthorized:
		return verdictUnproven
	case res.StatusCode == http.StatusConflict:
		return verdictUnwanted
	case res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests:
		return verdictAway
	case res.StatusCode != http.StatusOK:
		p.log.Warn("BOS refuses the report of a node", "node", rep.Node, "status", res.Status)
	}
	return verdictOver
}
