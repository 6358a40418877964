package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/stage"
)

const (
	watching    = 20               // viewers at the same time
	measured    = 10 * time.Second // for so long
	changes     = 200              // nodes that change in each second meanwhile
	perSecond   = 4                // in so many portions
	jiffies     = 100              // of a second, as Linux tells processor time
	processTime = 13               // the fields of /proc/PID/stat with it are this and the next, of those after the name
)

// viewers measures what one viewer costs the service while nodes change: what it takes
// with many who read the stream as the page does, less what it takes without.
func (b *bench) viewers(ctx context.Context) error {
	without, err := b.cost(ctx, 0)
	if err != nil {
		return err
	}
	with, err := b.cost(ctx, watching)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the service takes %.1f %% of a core without viewers and %.1f %% with %d\n", 100*without, 100*with, watching)
	b.add(fmt.Sprintf("of a core of the service for each of %d viewers, %d nodes changing a second", watching, changes), 100*max(0, with-without)/watching, figures.Percent, figures.AtMost(1))
	return nil
}

// cost is the share of a core that the service takes while nodes change.
func (b *bench) cost(ctx context.Context, viewers int) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, viewers)
	begun := make(chan struct{}, viewers)
	for range viewers {
		go func() { ended <- b.watch(ctx, begun) }()
	}
	for range viewers {
		select {
		case <-begun:
		case err := <-ended:
			return 0, err
		}
	}
	before, err := cpu(b.room.PID())
	if err != nil {
		return 0, err
	}
	began := time.Now()
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	for round := 0; time.Since(began) < measured; round++ {
		var some []string
		for i := range changes / perSecond {
			some = append(some, stage.Xname((round/2*changes/perSecond+i)%b.nodes))
		}
		change := b.room.Hold
		if round%2 == 1 {
			change = b.room.Release
		}
		if err := change(ctx, some); err != nil {
			return 0, err
		}
		<-ticker.C
	}
	took := time.Since(began).Seconds()
	after, err := cpu(b.room.PID())
	stop()
	for range viewers {
		<-ended
	}
	return (after - before) / took, err
}

// watch reads the stream, as the page does.
func (b *bench) watch(ctx context.Context, begun chan<- struct{}) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.room.URL+"/x/v1/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+b.room.Admin)
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if res.StatusCode != http.StatusOK {
		return errors.New("the stream is answered with " + res.Status)
	}
	r := bufio.NewReaderSize(res.Body, 1<<20)
	for first := true; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if first && strings.HasPrefix(line, "data:") {
			first = false
			begun <- struct{}{}
		}
	}
}

// cpu is the processor time of a process, in seconds.
func cpu(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < processTime {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.Atoi(fields[processTime-2])
	system, err2 := strconv.Atoi(fields[processTime-1])
	return float64(user+system) / jiffies, errors.Join(err, err2)
}

// restarts kills the service under the page again and again. Some nodes change each time
// while nobody can be told. It counts how often the page knows all nodes as the service
// has them afterwards.
func (b *bench) restarts(ctx context.Context, times int) error {
	tab, closeIt, err := b.chrome.Open(1440, 900, false)
	if err != nil {
		return err
	}
	defer closeIt()
	token, err := b.room.Token("restarts", "--role", "reader")
	if err != nil {
		return err
	}
	if err := tab.Go(b.room.URL + "/ui/#/map"); err != nil {
		return err
	}
	if err := tab.SignIn(ctx, token); err != nil {
		return err
	}
	if err := tab.Shows(ctx, ready); err != nil {
		return err
	}
	chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which nodes change is the same each time
	good := 0
	for round := range times {
		b.room.Kill()
		if err := tab.Shows(ctx, `document.querySelector('#live').dataset.live === 'lost'`); err != nil {
			return err
		}
		if err := b.room.Restart(ctx); err != nil {
			return err
		}
		some := make([]string, 0, 50)
		for range cap(some) {
			some = append(some, stage.Xname(chance.IntN(b.nodes)))
		}
		slices.Sort(some)
		some = slices.Compact(some)
		change, held := b.room.Hold, 1
		if round%2 == 1 {
			change, held = b.room.Release, 0
		}
		if err := change(ctx, some); err != nil {
			return err
		}
		same, err := b.same(ctx, tab, some, held)
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if same {
			good++
		}
	}
	b.add(fmt.Sprintf("restarts of the service, of %d, after which the page has all as the service has it", times), float64(good), figures.Times, figures.AtLeast(float64(times)))
	return nil
}

// columns are those of a snapshot that are compared.
type columns struct {
	ID                                 []string `json:"id"`
	State, Held, Cause, Wait, Attempts []int
}

// lines has a line for each node, in order.
func (n columns) lines() []string {
	lines := make([]string, 0, len(n.ID))
	for i, id := range n.ID {
		if id != "" {
			lines = append(lines, fmt.Sprint(id, " ", n.State[i], " ", n.Held[i], " ", n.Cause[i], " ", n.Wait[i], " ", n.Attempts[i]))
		}
	}
	slices.Sort(lines)
	return lines
}

// have reports whether nodes are held, or are not.
func (n columns) have(some []string, held int) bool {
	have := make(map[string]bool, len(n.ID))
	for i, id := range n.ID {
		have[id] = n.Held[i] == held
	}
	return !slices.ContainsFunc(some, func(id string) bool { return !have[id] })
}

// shown is what the page has of all nodes, in the same lines, once it is live.
const shown = `(() => { const m = document.querySelector('cabinet-map').model; if (document.querySelector('#live').dataset.live !== 'live') return '';
	return m.order().map((n) => [m.id[n], m.state[n], m.held[n], m.cause[n], m.wait[n], m.attempts[n]].join(' ')).sort().join('\n'); })()`

type shower interface {
	Eval(expression string, into any) error
	Shows(ctx context.Context, expression string) error
}

// same reports whether the page comes to have of each node what the service answers to who
// asks, once that has some of them held, or not. What the service answers may be as old as
// the last look at its store, from before a change that it has acknowledged: compared with
// that, a page that has the change would be wrong and one that never gets it right.
func (b *bench) same(ctx context.Context, tab shower, some []string, held int) (bool, error) {
	now, err := b.changed(ctx, some, held)
	if err != nil {
		return false, err
	}
	lines := now.lines()
	if err := tab.Eval("window.wanted = "+browser.Quoted(strings.Join(lines, "\n"))+"; 0", nil); err != nil {
		return false, err
	}
	missed := tab.Shows(ctx, shown+" === wanted")
	if missed == nil {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, missed
	}
	var page string
	if err := tab.Eval(shown, &page); err != nil {
		return false, err
	}
	had := strings.Split(page, "\n")
	for i, line := range lines {
		if i >= len(had) || had[i] != line {
			fmt.Fprintf(os.Stderr, "of %d nodes the page has %d; of one it has %q, and the service %q (id, state, held, cause, wait, attempts)\n", len(lines), len(had), had[min(i, len(had)-1)], line)
			break
		}
	}
	return false, nil
}

// changed is what the service answers of all nodes once some of them are held, or are not.
func (b *bench) changed(ctx context.Context, some []string, held int) (columns, error) {
	for {
		var snapshot struct{ Nodes columns }
		if err := b.snapshot(ctx, &snapshot); err != nil || snapshot.Nodes.have(some, held) {
			return snapshot.Nodes, err
		}
		select {
		case <-ctx.Done():
			return columns{}, fmt.Errorf("the service does not answer that what was changed is so: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// snapshot asks for all that the stream would begin with.
func (b *bench) snapshot(ctx context.Context, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.room.URL+"/x/v1/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+b.room.Admin)
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("the snapshot is answered with %s, %w", res.Status, err)
	}
	return json.Unmarshal(data, into)
}
