package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/stage"
)

// frames has the page note how long each frame took, and when the map was drawn last.
const frames = `(() => {
	window.longest = 0; window.drawn = 0;
	let before = performance.now();
	const look = (now) => { longest = Math.max(longest, now - before); before = now; requestAnimationFrame(look); };
	requestAnimationFrame(() => { before = performance.now(); requestAnimationFrame(look); });
	document.querySelector('cabinet-map').addEventListener('drawn', () => { drawn = performance.now(); });
})()`

const ready = `document.querySelector('#live').dataset.live === 'live' && document.querySelector('table.nodes tbody tr') && document.querySelector('cabinet-map canvas').width > 300`

// burst measures how long it takes until all nodes that changed at the same moment are
// drawn, and the longest frame meanwhile. The worst of some rounds counts.
func (b *bench) burst(ctx context.Context) error {
	s, end, err := stage.New()
	if err != nil {
		return err
	}
	defer end()
	const booting, done = 4, 6
	s.Play(stage.Room(b.nodes, stage.Session("s", b.nodes, map[string]int{"booting": b.nodes}, nil), func(int) (int, int) { return booting, 0 }))
	tab, closeIt, err := b.chrome.Open(1440, 900, false)
	if err != nil {
		return err
	}
	defer closeIt()
	if err := tab.Go(s.URL + "/ui/#/map"); err != nil {
		return err
	}
	if err := tab.Shows(ctx, ready); err != nil {
		return err
	}
	if err := tab.Eval(frames, nil); err != nil {
		return err
	}
	var slowest, longest float64
	for round := range 5 {
		state := []int{done, booting}[round%2]
		var at, took, frame float64
		if err := tab.Eval(`longest = 0; performance.now()`, &at); err != nil {
			return err
		}
		s.Send(everything(b.nodes, state))
		if err := tab.Shows(ctx, fmt.Sprintf(`drawn > %f && [...document.querySelectorAll('.chip')].some((c) => c.innerText.replace(/\D/g, '') === '%d')`, at, b.nodes)); err != nil {
			return err
		}
		if err := tab.Eval(fmt.Sprintf(`drawn - %f`, at), &took); err != nil {
			return err
		}
		if err := tab.Eval(`new Promise((d) => setTimeout(() => d(longest), 500))`, &frame); err != nil {
			return err
		}
		slowest, longest = math.Max(slowest, took), math.Max(longest, frame)
	}
	b.add("all nodes change at the same moment: drawn", slowest/1000, figures.Seconds, figures.AtMost(1))
	b.add("and the longest frame meanwhile", longest, figures.Milliseconds, figures.AtMost(100))
	return nil
}

// everything is a change of all nodes to a state.
func everything(nodes, state int) map[string]any {
	columns := map[string][]int{"n": make([]int, nodes)}
	for _, name := range []string{"state", "since", "session", "wait", "cause", "attempts", "held"} {
		columns[name] = make([]int, nodes)
	}
	for n := range nodes {
		columns["n"][n], columns["state"][n], columns["since"][n] = n, state, int(time.Now().Unix())
	}
	return map[string]any{"nodes": columns}
}

// page measures a page of the real service while all nodes reboot: when it is painted
// first and when the map is, how often it asks, and the memory of its tab.
func (b *bench) page(ctx context.Context) error {
	token, err := b.room.Token("viewer", "--role", "reader")
	if err != nil {
		return err
	}
	chrome, end, err := browser.Start(ctx) // of which the only tab is the one that is weighed
	if err != nil {
		return err
	}
	defer end()
	tab, closeIt, err := chrome.Open(1440, 900, false)
	if err != nil {
		return err
	}
	defer closeIt()
	if err := tab.Go(b.room.URL + "/ui/#/map"); err != nil {
		return err
	}
	if err := tab.SignIn(ctx, token); err != nil {
		return err
	}
	if err := tab.Shows(ctx, ready); err != nil {
		return err
	}
	if err := tab.Reload(); err != nil { // as somebody comes back who has a token
		return err
	}
	if err := tab.Shows(ctx, ready); err != nil {
		return err
	}
	var paint, all float64
	if err := tab.Eval(`performance.now()`, &all); err != nil {
		return err
	}
	if err := tab.Shows(ctx, `performance.getEntriesByName('first-contentful-paint').length`); err != nil {
		return err
	}
	if err := tab.Eval(`performance.getEntriesByName('first-contentful-paint')[0].startTime`, &paint); err != nil {
		return err
	}
	b.add("first paint, nothing cached", paint/1000, figures.Seconds, figures.AtMost(1))
	b.add("the map of all nodes is there", all/1000, figures.Seconds, figures.Aim{})
	if err := b.room.Session(ctx, "bench", "reboot", nil); err != nil {
		return err
	}
	if err := tab.Eval(`performance.clearResourceTimings(); window.began = performance.now(); 0`, nil); err != nil {
		return err
	}
	if err := tab.Eval(frames, nil); err != nil {
		return err
	}
	if err := b.room.Over(ctx, "bench"); err != nil {
		return err
	}
	if err := tab.Shows(ctx, fmt.Sprintf(`[...document.querySelectorAll('.chip')].some((c) => c.innerText.replace(/\D/g, '') === '%d')`, b.nodes)); err != nil {
		return err
	}
	var perSecond, frame float64
	if err := tab.Eval(`performance.getEntriesByType('resource').length / ((performance.now() - began) / 1000)`, &perSecond); err != nil {
		return err
	}
	if err := tab.Eval(`longest`, &frame); err != nil {
		return err
	}
	b.add("requests of a page while all nodes reboot", perSecond, figures.PerSecond, figures.AtMost(2))
	b.add("the longest frame while all nodes reboot, with service and room on the same cores", frame, figures.Milliseconds, figures.Aim{})
	weight, err := browser.HeaviestRenderer()
	if err != nil {
		return err
	}
	b.add("memory of its tab, with the browser's own in it", weight, figures.Mebibytes, figures.AtMost(150))
	return nil
}
