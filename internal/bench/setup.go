package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

const (
	setUp      = "a session of all nodes set up, 10 reports/s coming in"
	waited     = "the longest of those reports"
	setupLimit = 5 * time.Minute
	// reportStride lets reports come from all over the room.
	reportStride = 1567
)

// setup measures a session of all nodes from its request until it is set up, by a
// service that runs and is given reports all the time.
func setup(ctx context.Context, size int, f flags) (took, longest time.Duration, err error) {
	dir, err := os.MkdirTemp(f.dir, "bench")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	store, err := open(ctx, dir, f.server)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	ids := names(size)
	if err := fill(ctx, store, ids, false); err != nil {
		return 0, 0, err
	}
	upstreams := silent{make(chan struct{})}
	made, err := service.New(service.Config{Store: store, Inventory: inventoryOf(ids), Artifacts: images{}, Power: upstreams, Boot: upstreams})
	if err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	defer func() {
		close(upstreams.over)
		stop()
		err = errors.Join(err, <-ended)
	}()
	server := httptest.NewServer(access.Open(made.Handler()))
	defer server.Close()
	m := &room{ctx: ctx, url: server.URL, client: server.Client(), ids: ids}
	if err := m.ready(); err != nil {
		return 0, 0, err
	}
	// Ready it is before it has loaded all that it drives, and before its first discovery.
	if _, err := m.setUpTime("first", m.ids[0]); err != nil {
		return 0, 0, err
	}
	return m.setUp()
}

// ready waits until the service has begun: what its start takes is not measured.
func (m *room) ready() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		err := m.do(http.MethodGet, "/readyz", "")
		var refused *refusal
		switch {
		case !errors.As(err, &refused):
			return err
		case time.Since(began) > setupLimit:
			return fmt.Errorf("the service is not ready after %s: %w", setupLimit, err)
		}
		<-tick.C
	}
}

// setUp asks for the session and waits until it is set up, while nodes report.
func (m *room) setUp() (took, longest time.Duration, err error) {
	over, reported := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		longest, err = m.reportUntil(over)
		reported <- err
	}()
	took, err = m.setUpTime("set-up", "")
	close(over)
	return took, longest, errors.Join(err, <-reported)
}

// reportUntil sends ten reports a second, each beside those that wait for their answer,
// and returns how long the slowest took.
func (m *room) reportUntil(over <-chan struct{}) (longest time.Duration, err error) {
	type answer struct {
		took time.Duration
		err  error
	}
	answers := make(chan answer)
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for sent, open := 0, 0; over != nil || open > 0; {
		select {
		case <-over:
			over = nil
		case a := <-answers:
			open--
			longest, err = max(longest, a.took), errors.Join(err, a.err)
		case <-every.C:
			if over == nil {
				continue
			}
			sent, open = sent+1, open+1
			body := fmt.Sprintf(`{"actual_state":{"bss_token":%q},"event_stats":{"power_on_attempts":%d}}`, token, sent)
			path := "/v2/components/" + m.ids[sent*reportStride%len(m.ids)]
			go func() {
				at := time.Now()
				err := m.do(http.MethodPatch, path, body)
				var refused *refusal
				if errors.As(err, &refused) && refused.status == http.StatusConflict {
					err = nil // its node is set up: the report is of an earlier boot
				}
				answers <- answer{time.Since(at), err}
			}()
		}
	}
	return longest, err
}

// setUpTime is how long a session takes from its request until it runs; a limit has it be of these nodes only.
func (m *room) setUpTime(name, limit string) (time.Duration, error) {
	began := time.Now()
	if err := m.do(http.MethodPost, "/v2/sessions", fmt.Sprintf(`{"name":%q,"operation":"boot","template_name":"t","limit":%q}`, name, limit)); err != nil {
		return 0, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		switch status, err := m.sessionStatus(name); {
		case err != nil:
			return 0, err
		case status == bos.SessionRunning:
			return time.Since(began), nil
		case status == bos.SessionComplete, time.Since(began) > setupLimit:
			return 0, fmt.Errorf("the session is %s after %s", status, time.Since(began))
		}
		<-tick.C
	}
}

func (m *room) sessionStatus(name string) (bos.SessionPhase, error) {
	r, err := http.NewRequestWithContext(m.ctx, http.MethodGet, m.url+"/v2/sessions/"+name, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := m.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var session struct{ Status bos.SessionStatus }
	err = json.NewDecoder(resp.Body).Decode(&session)
	return session.Status.Status, err
}

// silent are power control and a boot parameter service that do not answer before the
// end: what they take is not measured.
type silent struct{ over chan struct{} }

func (s silent) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.over:
	}
}

// Probe does not answer.
func (s silent) Probe(ctx context.Context, _ []string, _ func(bos.PowerReading)) { s.wait(ctx) }

// Apply is not asked for anything: no power is known.
func (s silent) Apply(ctx context.Context, _ bos.PowerOp, _ []string, _ func(bos.CallResult)) {
	s.wait(ctx)
}

// Write does not answer.
func (s silent) Write(ctx context.Context, _ []string, _ bos.BootArtifacts) (string, error) {
	s.wait(ctx)
	return "", &bos.CallError{Outcome: bos.CallNotAttempted, Detail: "the measurement is over"}
}
