package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// pollEvery is how often the session is asked after: a request that costs the
// service next to nothing.
const pollEvery = 10 * time.Millisecond

const image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"

// reboot is what one reboot took.
type reboot struct {
	session, service, room time.Duration
	// requests are those the room got, by route.
	requests map[string]int
}

// perNode is how many requests the BMCs got for each node, others how many HSM,
// BSS, CFS and PCS got together: images are read from elsewhere.
func (r reboot) perNode(size int) float64 {
	bmcs, _ := r.split()
	return float64(bmcs) / float64(size)
}

func (r reboot) split() (bmcs, others int) {
	for route, n := range r.requests {
		switch {
		case strings.HasPrefix(route, "BMC "):
			bmcs += n
		case !strings.HasPrefix(route, "/boot-images/"):
			others += n
		}
	}
	return bmcs, others
}

// measure boots the nodes of a fresh site and then reboots them.
func measure(ctx context.Context, f flags, with room, size int, server string) (all []figures.Row, requests map[string]int, err error) {
	need, err := physicalNeed(f, with, size)
	if err != nil {
		return nil, nil, err
	}
	s, err := start(ctx, f, with, size, server)
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	if err := s.waitForNodes(ctx, size); err != nil {
		return nil, nil, err
	}
	if _, err := s.session(ctx, bos.OperationBoot, size, need, f.patience); err != nil {
		return nil, nil, err
	}
	reboots := make([]reboot, max(f.repeat, 1))
	for i := range reboots {
		if reboots[i], err = s.session(ctx, bos.OperationReboot, size, need, f.patience); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(reboots, func(a, b reboot) int { return cmp.Compare(a.session, b.session) })
	r := reboots[len(reboots)/2]
	peak, err := s.service.peakMemory()
	if err != nil {
		return nil, nil, err
	}
	_, others := r.split()
	add := func(what string, value float64, unit figures.Unit) {
		what = with.String() + ": " + what
		row := figures.Row{What: what, Nodes: size, Values: []float64{value}, Unit: unit, Aim: aims[aimed{what, size}]}
		if unit == figures.Seconds || unit == figures.Milliseconds {
			row.Most = databases.Most
		}
		all = append(all, row)
	}
	add("session", r.session.Seconds(), figures.Seconds)
	add("slowest node by itself", need.Seconds(), figures.Seconds)
	add("overhead", (r.session - need).Seconds(), figures.Seconds)
	add("service CPU per node", float64(r.service.Microseconds())/1000/float64(size), figures.Milliseconds)
	add("room CPU per node", float64(r.room.Microseconds())/1000/float64(size), figures.Milliseconds)
	add("service memory, highest", float64(peak)/(1<<20), figures.Mebibytes)
	if with.power == "redfish" {
		add("requests to a BMC per node", r.perNode(size), figures.Times)
	}
	add("HSM, BSS, CFS and PCS requests per 1000", float64(others)*1000/float64(size), figures.Times)
	return all, r.requests, nil
}

// aimed is a figure at a size.
type aimed struct {
	what string
	size int
}

// aims are what the service is meant to reach with the room on the same 2 cores.
// Of what a reboot needs at the least, small rooms have most per node.
var aims = map[aimed]figures.Aim{
	{"reboot through pcs: overhead", 1000}:                                           figures.AtMost(0.3),
	{"reboot through pcs: overhead", 10_000}:                                         figures.AtMost(2),
	{"reboot through pcs: service CPU per node", 10_000}:                             figures.AtMost(0.5),
	{"reboot through pcs: service memory, highest", 10_000}:                          figures.AtMost(150),
	{"reboot through pcs: HSM, BSS, CFS and PCS requests per 1000", 1000}:            figures.AtMost(20),
	{"reboot through pcs: HSM, BSS, CFS and PCS requests per 1000", 6000}:            figures.AtMost(20),
	{"reboot through pcs: HSM, BSS, CFS and PCS requests per 1000", 10_000}:          figures.AtMost(20),
	{"reboot through pcs, nodes of one pace: overhead", 1000}:                        figures.AtMost(0.3),
	{"reboot through pcs, nodes of one pace: overhead", 10_000}:                      figures.AtMost(2),
	{"reboot through pcs with CFS, nothing wanted: overhead", 1000}:                  figures.AtMost(0.5),
	{"reboot through pcs with CFS, nothing wanted: overhead", 10_000}:                figures.AtMost(2.5),
	{"reboot through pcs with a configuration: overhead", 1000}:                      figures.AtMost(0.5),
	{"reboot through pcs with a configuration: overhead", 10_000}:                    figures.AtMost(2.5),
	{"reboot through pcs, nodes of one pace: service CPU per node", 10_000}:          figures.AtMost(0.5),
	{"reboot through pcs, nodes of one pace: service memory, highest", 10_000}:       figures.AtMost(150),
	{"reboot through pcs with CFS, nothing wanted: service CPU per node", 10_000}:    figures.AtMost(0.5),
	{"reboot through pcs with CFS, nothing wanted: service memory, highest", 10_000}: figures.AtMost(150),
	{"reboot through pcs with a configuration: service CPU per node", 10_000}:        figures.AtMost(0.5),
	{"reboot through pcs with a configuration: service memory, highest", 10_000}:     figures.AtMost(150),
	{"reboot through redfish: overhead", 1000}:                                       figures.AtMost(1.5),
	{"reboot through redfish: overhead", 10_000}:                                     figures.AtMost(12),
	{"reboot through redfish: service memory, highest", 10_000}:                      figures.AtMost(512),
	{"reboot through redfish: requests to a BMC per node", 100}:                      figures.AtMost(8),
	{"reboot through redfish: requests to a BMC per node", 1000}:                     figures.AtMost(8),
	{"reboot through redfish: requests to a BMC per node", 6000}:                     figures.AtMost(8),
	{"reboot through redfish: requests to a BMC per node", 10_000}:                   figures.AtMost(8),
	{"reboot through redfish: HSM, BSS, CFS and PCS requests per 1000", 1000}:        figures.AtMost(20),
}

// site is the service and the room it drives.
type site struct {
	url, roomURL  string
	with          room
	client        *http.Client
	service, room *process
	sessions      int
	folder        string
}

func start(ctx context.Context, f flags, with room, size int, server string) (s *site, err error) {
	s = &site{with: with, client: &http.Client{Timeout: time.Minute}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.folder, err = os.MkdirTemp("", "reboot"); err != nil {
		return s, err
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return s, err
	}
	s.url = "http://" + listen
	config := filepath.Join(s.folder, "bos.yaml")
	args := []string{
		"emulate", "--nodes", fmt.Sprint(size), "--nodes-per-bmc", fmt.Sprint(f.perBMC),
		"--listen", "127.0.0.1:0", "--state-dir", filepath.Join(s.folder, "room"), "--write-config", config, "--bos", s.url, "--seed", fmt.Sprint(f.seed),
		"--emulate-power-time", f.powerTime.String(), "--emulate-boot-time", f.bootTime.String(), "--emulate-config-time", f.configTime.String(),
	}
	args = append(args, with.flags()...)
	if s.room, s.roomURL, err = launch(ctx, f, "room", "emulated machine room at ", args...); err != nil {
		return s, err
	}
	database, err := databases.New(ctx, server, filepath.Join(s.folder, "bos.db"))
	if err != nil {
		return s, err
	}
	s.service, _, err = launch(ctx, f, "service", "BOS is ready at ", "serve", "--config", config, "--listen", listen, "--database", database)
	return s, err
}

func (s *site) stop() {
	for _, p := range []*process{s.service, s.room} {
		if p != nil {
			p.stop()
		}
	}
	if s.folder != "" {
		_ = os.RemoveAll(s.folder) // a folder for temporary files
	}
}

// waitForNodes returns when discovery has found them all.
func (s *site) waitForNodes(ctx context.Context, size int) error {
	return s.until(ctx, time.Minute, pollEvery, func() (bool, error) {
		var found []struct{}
		err := s.ask(ctx, http.MethodGet, fmt.Sprintf("/v2/components?page_size=%d", size), "", &found)
		return len(found) == size, err
	})
}

// session runs one session on all nodes and deletes its record.
func (s *site) session(ctx context.Context, op bos.Operation, size int, need, patience time.Duration) (reboot, error) {
	s.sessions++
	name := fmt.Sprintf("bench-%d", s.sessions)
	template := s.with.template(s.sessions)
	if err := s.ask(ctx, http.MethodPut, "/v2/sessiontemplates/compute", template, nil); err != nil {
		return reboot{}, err
	}
	if err := ask(ctx, s.client, http.MethodDelete, s.roomURL+"/emulator/requests", "", nil); err != nil {
		return reboot{}, err
	}
	service, room := s.service.cpu(), s.room.cpu()
	began := time.Now()
	body := fmt.Sprintf(`{"name":%q,"operation":%q,"template_name":"compute"}`, name, op)
	if err := s.ask(ctx, http.MethodPost, "/v2/sessions", body, nil); err != nil {
		return reboot{}, err
	}
	select { // nothing can be over before
	case <-ctx.Done():
	case <-time.After(need):
	}
	err := s.until(ctx, patience, pollEvery, func() (bool, error) {
		var complete []struct{}
		err := s.ask(ctx, http.MethodGet, "/v2/sessions?status=complete", "", &complete)
		return len(complete) > 0, err
	})
	if err != nil {
		return reboot{}, fmt.Errorf("session %s: %w", name, err)
	}
	took := reboot{session: time.Since(began), service: s.service.cpu() - service, room: s.room.cpu() - room}
	if err := ask(ctx, s.client, http.MethodGet, s.roomURL+"/emulator/requests", "", &took.requests); err != nil {
		return reboot{}, err
	}
	var status bos.ExtendedStatus
	if err := s.ask(ctx, http.MethodGet, "/v2/sessions/"+name+"/status", "", &status); err != nil {
		return reboot{}, err
	}
	if status.ManagedComponentsCount != size || status.PercentSuccessful != 100 {
		return reboot{}, fmt.Errorf("session %s managed %d of %d nodes and %.2f %% of them came up: %v", name, status.ManagedComponentsCount, size, status.PercentSuccessful, status.ErrorSummary)
	}
	return took, s.ask(ctx, http.MethodDelete, "/v2/sessions/"+name, "", nil)
}

// until polls until it is so.
func (s *site) until(ctx context.Context, patience, every time.Duration, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if done, err := so(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not over after %s", patience)
		case <-s.service.ended:
			return fmt.Errorf("the service ended: %s", s.service.lastWords())
		case <-s.room.ended:
			return fmt.Errorf("the room ended: %s", s.room.lastWords())
		case <-tick.C:
		}
	}
}

func (s *site) ask(ctx context.Context, method, path, body string, into any) error {
	return ask(ctx, s.client, method, s.url+path, body, into)
}

// refusal is an answer that says no.
type refusal struct {
	status int
	says   string
}

// Error says it.
func (r *refusal) Error() string { return r.says }

func ask(ctx context.Context, client *http.Client, method, url, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := localtoken.Find(url); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return &refusal{resp.StatusCode, fmt.Sprintf("%s %s answered %s: %s", method, url, resp.Status, text)}
	}
	if into == nil {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
