// Package page tests the page of the service in a Chromium: against a service that is
// played, for what happens at a wanted moment, and against the real one with an emulated
// room.
package page

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/stage"
)

// chromium is one for all tests, nil where there is none.
var chromium *browser.Browser

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	b, end, err := browser.Start(context.Background())
	switch {
	case errors.Is(err, browser.ErrNone):
		fmt.Println("the page is not tested:", err)
	case err != nil:
		fmt.Println(err)
		return 1
	default:
		defer end()
		chromium = b
	}
	defer func() {
		if programDir != "" {
			_ = os.RemoveAll(programDir) // a folder of temporary files
		}
	}()
	return postgrestest.Main(m)
}

// viewer is somebody who looks at the page.
type viewer struct {
	*browser.Tab
	t *testing.T
}

// look opens a tab at a URL. What scripts threw, or the policy refused, fails the test.
func look(t *testing.T, url string) viewer {
	t.Helper()
	if chromium == nil {
		t.Skip(browser.ErrNone)
	}
	tab, closeIt, err := chromium.Open(1280, 900, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, trouble := range tab.Troubles() {
			t.Error(trouble)
		}
		closeIt()
	})
	v := viewer{tab, t}
	v.must(tab.Go(url))
	return v
}

func (v viewer) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// shows fails unless an expression becomes true.
func (v viewer) shows(expression string) {
	v.t.Helper()
	v.must(v.Shows(v.t.Context(), expression))
}

// sees fails unless a text becomes visible.
func (v viewer) sees(text string) {
	v.t.Helper()
	v.shows(`document.querySelector('main').innerText.includes(` + browser.Quoted(text) + `)`)
}

func (v viewer) press(keys ...string) {
	v.t.Helper()
	v.must(v.Press(keys...))
}

func (v viewer) text(expression string) (text string) {
	v.t.Helper()
	v.must(v.Eval(expression, &text))
	return text
}

// acts plays a service with a session of nodes; state gives each its state and cause.
func acts(t *testing.T, nodes int, state func(n int) (code, cause int), more map[string]any) *stage.Stage {
	t.Helper()
	s, end, err := stage.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	s.Play(stage.Room(nodes, sessionOf(nodes, state, more), state))
	return s
}

func sessionOf(nodes int, state func(n int) (code, cause int), more map[string]any) map[string]any {
	counts := make(map[string]int)
	failed := make(map[int][]string)
	for n := range nodes {
		code, cause := state(n)
		counts[stage.States[code]]++
		if code == stateFailed {
			failed[cause] = append(failed[cause], stage.Xname(n))
		}
	}
	all := map[string]any{}
	var failures []any
	for cause, ids := range failed {
		c := stage.Legend()["causes"].([]any)[cause].(map[string]string)
		failures = append(failures, map[string]any{"cause": c["name"], "sentence": c["sentence"], "count": len(ids), "nodes": strings.Join(ids, ",")})
	}
	if failures != nil {
		all["failures"] = failures
		all["retry"] = map[string]any{"count": counts["failed"], "limit": "x", "operation": "reboot", "commands": []string{"terraform-provider-bos retry nightly"}}
	}
	for k, v := range more {
		all[k] = v
	}
	return stage.Session("nightly", nodes, counts, all)
}

// Codes of states.
const (
	statePending = 1
	stateBooting = 4
	stateDone    = 6
	stateFailed  = 7
)

// someFail is a room in which two nodes failed, each for another cause.
func someFail(n int) (code, cause int) {
	switch n {
	case 5:
		return stateFailed, 1
	case 9:
		return stateFailed, 2
	default:
		return stateBooting, 0
	}
}

func allDone(int) (code, cause int) { return 6, 0 }

func TestWhatChangesIsSeenAtOnceWithoutARequest(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.sees("bmc unreachable")
	v.shows(`document.title.includes('✕ 2')`)
	before := len(s.Opened())
	s.Send(map[string]any{
		"nodes": map[string]any{"n": []int{0}, "state": []int{stateFailed}, "since": []int{1}, "session": []int{0}, "wait": []int{0}, "cause": []int{2}, "attempts": []int{3}, "held": []int{0}},
		"sessions": []any{sessionOf(64, func(n int) (int, int) {
			if n == 0 {
				return stateFailed, 2
			}
			return someFail(n)
		}, nil)},
	})
	v.shows(`document.title.includes('✕ 3')`)
	v.shows(`[...document.querySelectorAll('.chip')].some((c) => c.innerText.replace(/\s+/g, ' ') === 'Failed 3')`)
	v.shows(`document.querySelector('tr[data-row="` + stage.Xname(0) + `"]').innerText.includes('boot timeout')`)
	if after := len(s.Opened()); after != before {
		t.Errorf("%d streams were opened for it", after-before)
	}
}

func TestEachFilterAndSelectionIsAURLThatShowsAnotherTheSame(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.sees("boot timeout")
	v.must(v.Eval(`[...document.querySelectorAll('.cause')].find((c) => c.innerText.includes('boot timeout')).click()`, nil))
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 1`)
	url := v.text(`location.href`)
	if !strings.Contains(url, "cause=boot_timeout") {
		t.Fatalf("the URL is %s", url)
	}
	other := look(t, url)
	other.shows(`document.querySelectorAll('.nodes tbody tr').length === 1 && document.querySelector('.nodes tbody tr').dataset.row === '` + stage.Xname(9) + `'`)
	other.shows(`document.querySelector('.cause[aria-pressed="true"]').innerText.includes('boot timeout')`)
	// A state, a name and a page of the site's nodes.
	for hash, rows := range map[string]int{
		"#/nodes?state=failed": 2, "#/nodes?state=failed&q=" + stage.Xname(5): 1, "#/nodes?q=x1000c0s[0-1]b0n[0-1]": 4, "#/nodes?page=2": 14, "#/nodes?cause=bmc_unreachable": 1,
		"#/map?q=x1000c1": 32, "#/nodes?session=none": 0,
		"#/nodes?q=x[0-99999]c[0-99999]": 0, "#/nodes?q=" + strings.Repeat("x[0-9]", 5000): 0, // more names than there can be, which no link may have a tab go through
	} {
		other := look(t, s.URL+"/ui/"+hash)
		other.shows(fmt.Sprintf(`document.querySelector('#live').dataset.live === 'live' && document.querySelectorAll('table.nodes tbody tr').length === %d`, rows))
	}
	// Back goes back.
	v.must(v.Eval(`history.back()`, nil))
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 50`)
	// The full screen is one too.
	full := look(t, s.URL+"/ui/#/sessions/nightly?full=1")
	full.sees("Leave full screen")
	full.shows(`document.querySelector('header').offsetParent === null && document.querySelector('cabinet-map canvas').offsetParent !== null`)
}

func TestAStreamThatEndsIsTakenUpWhereItWasAndNeverSilently(t *testing.T) {
	s := acts(t, 8, someFail, nil)
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.shows(`document.querySelector('#live').dataset.live === 'live'`)
	s.Cut()
	v.shows(`document.querySelector('#live').dataset.live === 'live'`)
	for len(s.Opened()) < 2 {
		v.must(v.Eval(`new Promise((done) => requestAnimationFrame(done))`, nil))
	}
	if ids := s.Opened(); ids[0] != "" || ids[1] == "" {
		t.Errorf("it was opened with %q", ids)
	}
}

func TestATokenThatEndsIsAskedForAgainAndWhatIsShownIsSaidToBeOld(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	s.Token("first")
	v := look(t, s.URL+"/ui/#/sessions/nightly?cause=boot_timeout")
	v.must(v.SignIn(t.Context(), "wrong"))
	v.shows(`document.querySelector('dialog h2').innerText.includes('good no more')`)
	v.must(v.SignIn(t.Context(), "first"))
	v.sees("boot timeout")
	s.Token("second")
	s.Cut()
	v.shows(`document.querySelector('dialog[open] #token')`)
	v.shows(`document.querySelector('#live').innerText === 'No token' && document.querySelector('#banner').innerText.includes('not known since')`)
	v.must(v.SignIn(t.Context(), "second"))
	v.shows(`document.querySelector('#live').dataset.live === 'live' && document.querySelector('#banner').hidden`)
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 1`)
	if url := v.text(`location.href + JSON.stringify(localStorage) + document.cookie`); strings.Contains(url, "second") || !strings.Contains(url, "cause=boot_timeout") {
		t.Errorf("it is kept in %s", url)
	}
	for _, id := range s.Opened() {
		if strings.Contains(id, "second") {
			t.Error("a token was sent elsewhere")
		}
	}
}

func TestWhatStopsASessionAsksForAReason(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.sees("bmc unreachable")
	for key, verb := range map[string]string{"p": "pause", "x": "cancel"} {
		v.press(key)
		v.shows(`document.activeElement.id === 'reason'`)
		v.must(v.Eval(`document.querySelector('dialog form').requestSubmit()`, nil))
		v.shows(`document.querySelector('dialog [role=alert]').innerText.includes('Say why')`)
		if n := len(s.Posts()); n != 0 && strings.Contains(s.Posts()[n-1], verb) {
			t.Errorf("%s without a reason: %v", verb, s.Posts())
		}
		v.must(v.Type("the cooling of row 4"))
		v.must(v.Eval(`document.querySelector('dialog form').requestSubmit()`, nil))
		v.shows(`!document.querySelector('dialog')`)
		want := `/x/v1/sessions/nightly/` + verb + ` {"reason":"the cooling of row 4"}`
		if posts := s.Posts(); len(posts) == 0 || posts[len(posts)-1] != want {
			t.Errorf("it wrote %q, want %s", posts, want)
		}
	}
	v.press("x")
	v.shows(`document.querySelector('dialog[open]')`)
	v.press("Escape")
	v.shows(`!document.querySelector('dialog')`)
	if posts := s.Posts(); len(posts) != 2 {
		t.Errorf("it wrote %q", posts)
	}
}

func TestWhatAnUpstreamWroteIsShownAndNeverRun(t *testing.T) {
	const evil = `<img src=x onerror="window.evil=1"><script>window.evil=1</script>`
	s := acts(t, 8, someFail, map[string]any{"reason": evil, "error": evil, "failures": []any{map[string]any{"cause": evil, "sentence": evil, "count": 1, "nodes": evil}}})
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.sees(evil)
	if ran := v.text(`String(window.evil)`); ran != "undefined" {
		t.Error("it was run")
	}
	other := look(t, s.URL+"/ui/#/sessions/"+strings.ReplaceAll(`<img src=x onerror=alert(1)>`, " ", "%20"))
	other.sees("There is no session")
}

func TestAReaderOfScreensIsToldAndNotFlooded(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	v.sees("bmc unreachable")
	v.must(v.Eval(`window.said = []; new MutationObserver(() => said.push(document.getElementById('said').textContent)).observe(document.getElementById('said'), { childList: true, subtree: true, characterData: true })`, nil))
	for failed := 3; failed < 40; failed++ {
		s.Send(map[string]any{"sessions": []any{sessionOf(64, func(n int) (int, int) {
			if n < failed {
				return stateFailed, 1
			}
			return stateBooting, 0
		}, nil)}})
	}
	v.shows(`document.title.includes('✕ 39') && said.length > 0 && said.at(-1).includes('39 failed')`)
	var count int
	v.must(v.Eval(`said.length`, &count))
	if count > 3 {
		t.Errorf("37 changes were read out %d times", count)
	}
}

func TestTheMapGoesByArrowKeysAndTheTableSaysTheSame(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/map")
	v.shows(`document.querySelector('cabinet-map canvas').width > 100 && document.querySelector('table.cabinets tbody tr')`)
	v.press("m")
	v.shows(`document.activeElement.getAttribute('role') === 'application'`)
	v.press("Home")
	v.shows(`document.getElementById('said').textContent.startsWith('` + stage.Xname(0) + `, Booting')`)
	v.press("n")
	v.shows(`document.getElementById('said').textContent.startsWith('` + stage.Xname(5) + `, Failed') && location.hash.includes('sel=` + stage.Xname(5) + `')`)
	v.press("n", "n")
	v.shows(`location.hash.includes('sel=` + stage.Xname(5) + `')`)
	v.press("ArrowRight")
	v.shows(`document.getElementById('said').textContent.startsWith('` + stage.Xname(9) + `, Failed')`) // the next slot
	v.shows(`document.querySelector('table.cabinets tbody tr').innerText.replace(/\s+/g, ' ').trim() === 'x1000 64 2 62'`)
	v.press("Enter")
	v.shows(`location.hash.startsWith('#/nodes/` + stage.Xname(9) + `')`)
}

func TestWhereAllPlacesForStreamsAreTakenThePageAsksNowAndThenAndSaysSo(t *testing.T) {
	s := acts(t, 8, someFail, nil)
	s.Full(true)
	v := look(t, s.URL+"/ui/#/map")
	v.shows(`document.querySelector('#live').innerText === 'Every few seconds' && document.querySelector('#banner').innerText.includes('64 streams are followed already')`)
	v.shows(`document.querySelectorAll('table.nodes tbody tr').length === 8`)
	for s.Same() == 0 {
		v.must(v.Eval(`new Promise((done) => requestAnimationFrame(done))`, nil))
	}
	s.Play(stage.Room(8, sessionOf(8, allDone, nil), allDone))
	v.shows(`[...document.querySelectorAll('.chip')].map((c) => c.innerText.replace(/\s+/g, ' ')).join() === 'Done 8'`)
	s.Full(false)
	v.shows(`document.querySelector('#live').dataset.live === 'live' && document.querySelector('#banner').hidden`)
	if ids := s.Opened(); len(ids) != 1 || ids[0] == "" {
		t.Errorf("the stream begins with %q, and not where the last answer was", ids)
	}
}

func TestWhatWasChosenInAListStaysWhenDataArrivesAndFollowsTheURL(t *testing.T) {
	s := acts(t, 64, someFail, nil)
	v := look(t, s.URL+"/ui/#/nodes")
	chosen := func(label string) string {
		return `document.querySelector('select[aria-label=` + label + `]').value`
	}
	v.shows(`document.querySelectorAll('select[aria-label=Session] option').length === 2`)
	for label, want := range map[string]string{"Session": "nightly", "Cause": "boot_timeout", "Order": "age"} {
		v.must(v.Eval(`document.querySelector('select[aria-label=`+label+`]').focus()`, nil))
		v.press("ArrowDown")
		if label == "Cause" {
			v.press("ArrowDown")
		}
		v.shows(chosen(label) + ` === '` + want + `'`)
	}
	v.must(v.Eval(`document.querySelector('select[aria-label=Session]').focus()`, nil))
	for n := 1; n <= 3; n++ {
		more := stage.Session(fmt.Sprint("more-", n), 1, map[string]int{"booting": 1}, map[string]any{"n": n})
		s.Send(map[string]any{"sessions": []any{more}})
		v.shows(fmt.Sprintf(`document.querySelectorAll('select[aria-label=Session] option').length === %d`, n+2))
		for label, want := range map[string]string{"Session": "nightly", "Cause": "boot_timeout", "Order": "age"} {
			if got := v.text(chosen(label)); got != want {
				t.Errorf("after session %d came %s is %q, and was %q", n, label, got, want)
			}
		}
		v.shows(`document.querySelectorAll('.nodes tbody tr').length === 1`)
	}
	v.must(v.Eval(`location.hash = '#/nodes'`, nil))
	v.shows(chosen("Session") + ` === '' && ` + chosen("Cause") + ` === '' && ` + chosen("Order") + ` === ''`)
}

func TestACommandIsSeenAsAWholeAtEachWidth(t *testing.T) {
	long := "terraform-provider-bos retry a-session-with-a-long-name-of-the-night-shift --limit 'x1000c0s[0-7]b0n[0-1],x1001c0s[0-7]b0n[0-1]'"
	s := acts(t, 64, someFail, map[string]any{"retry": map[string]any{"count": 2, "limit": "x1000c0s1b0n1", "commands": []string{long}}})
	v := look(t, s.URL+"/ui/#/sessions/nightly")
	for _, width := range []int{360, 1440, 2560} {
		v.must(v.Size(width, 900, false))
		v.shows(fmt.Sprintf(`innerWidth === %d && document.querySelector('.command code').innerText.startsWith('terraform')`, width))
		v.shows(`[...document.querySelectorAll('.command code')].every((c) => c.scrollWidth <= c.clientWidth && c.scrollHeight <= c.clientHeight)`)
	}
}
