package page

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/room"
)

// several runs three services on one PostgreSQL behind a balancer, and a room.
func several(t *testing.T, nodes int, more ...string) *room.Several {
	t.Helper()
	if chromium == nil {
		t.Skip(browser.ErrNone)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s, err := room.StartSeveral(t.Context(), path, t.TempDir(), postgrestest.New(t), nodes, 3, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Template(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestThePageGoesOnBehindABalancerWhileEachOfThreeServicesIsKilledAndLosesNothing: each
// service is killed in the middle of a reboot, first the one that drives. What is written
// while it is away is shown, each change of it, and afterwards the page shows what each of
// the services does.
func TestThePageGoesOnBehindABalancerWhileEachOfThreeServicesIsKilledAndLosesNothing(t *testing.T) {
	postgrestest.Skip(t)
	const nodes, shown = 40, 4
	s := several(t, nodes, "--emulate-boot-time", "1s", "--emulate-power-time", "500ms")
	token, err := s.Token("viewer", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	v := look(t, s.URL+"/ui/#/nodes")
	v.must(v.SignIn(ctx, token))
	v.shows(fmt.Sprintf(`document.querySelectorAll('table.nodes tbody tr').length === %d`, nodes))
	driver, err := s.Driver(ctx)
	must(err)
	order := []*room.Service{driver}
	for _, one := range s.Services {
		if one != driver {
			order = append(order, one)
		}
	}
	all := rowsOf(v)
	for round, one := range order {
		name := fmt.Sprintf("round-%d", round)
		if err := s.Session(ctx, name, "reboot", nil); err != nil && !strings.Contains(err.Error(), ": 409") { // an answer was lost
			t.Fatal(err)
		}
		v.shows(`document.querySelector('table.nodes tbody').innerText.includes('` + name + `')`)
		s.Kill(one)
		for i, row := range all[:shown] {
			must(s.Hold(ctx, []string{row.id}))
			v.shows(stateOf(row.id) + ` === 'Held'`)
			// The one before goes on, and is seen to.
			if i > 0 {
				must(s.Release(ctx, []string{all[i-1].id}))
				v.shows(stateOf(all[i-1].id) + ` !== 'Held'`)
			}
		}
		must(s.Release(ctx, []string{all[shown-1].id}))
		must(s.Run(ctx, one))
		must(s.Over(ctx, name))
		v.shows(fmt.Sprintf(`[...document.querySelectorAll('table.nodes tbody tr')].filter((r) => r.innerText.includes('Done') && r.innerText.includes('%s')).length === %d`, name, nodes))
	}
	held := []string{all[1].id, all[7].id}
	must(s.Hold(ctx, held))
	v.shows(stateOf(held[0]) + ` === 'Held' && ` + stateOf(held[1]) + ` === 'Held'`)
	seen := rowsOf(v)
	for _, one := range s.Services {
		if is := served(ctx, t, s, one); !slices.Equal(seen, is) {
			t.Errorf("the page shows\n%v\nand the service at %s\n%v", seen, one.URL, is)
		}
	}
	if streams := v.text(`String(performance.getEntriesByType('resource').filter((e) => e.name.includes('/x/v1/stream')).length)`); streams == "0" {
		t.Error("no stream of the page ended: it did not go on at another service")
	} else {
		t.Logf("%s streams of the page ended", streams)
	}
}

// shownRow is what the page shows of a node.
type shownRow struct{ id, state, session string }

// stateOf is an expression for the state of a node as the page shows it.
func stateOf(id string) string {
	return `document.querySelector('tr[data-row="` + id + `"] td.state').innerText.trim()`
}

// rowsOf are the nodes as the page shows them.
func rowsOf(v viewer) (rows []shownRow) {
	v.t.Helper()
	var texts [][]string
	v.must(v.Eval(`[...document.querySelectorAll('table.nodes tbody tr')].map((r) => [r.dataset.row, r.querySelector('td.state').innerText.trim(), r.querySelectorAll('td.wide')[1].innerText.trim()])`, &texts))
	for _, text := range texts {
		rows = append(rows, shownRow{text[0], text[1], text[2]})
	}
	return rows
}

// served are the nodes as one service has them, in the words of the page.
func served(ctx context.Context, t *testing.T, s *room.Several, one *room.Service) (rows []shownRow) {
	t.Helper()
	var is struct {
		Legend   struct{ States []struct{ Name string } }
		Sessions []struct {
			N    int
			Name string
		}
		Nodes struct {
			ID                   []string
			State, Session, Held []int
		}
	}
	if err := s.AskAt(ctx, one, "/x/v1/stream", &is); err != nil {
		t.Fatal(err)
	}
	names := make(map[int]string)
	for _, of := range is.Sessions {
		names[of.N] = of.Name
	}
	for i, id := range is.Nodes.ID {
		state := is.Legend.States[is.Nodes.State[i]].Name
		state = strings.ToUpper(state[:1]) + state[1:]
		if is.Nodes.Held[i] == 1 {
			state = "Held"
		}
		rows = append(rows, shownRow{id, state, names[is.Nodes.Session[i]]})
	}
	return rows
}
