package page

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/tools/page/room"
)

// program is built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bos")
	if err != nil {
		return "", err
	}
	programDir = dir
	return room.Build(context.Background(), dir)
})

// programDir is where it is, until the tests are over.
var programDir string

// site runs a service and a room with authentication on.
func site(t *testing.T, nodes int, more ...string) *room.Room {
	t.Helper()
	if chromium == nil {
		t.Skip("there is no Chromium here: the Debian package is chromium")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r, err := room.Start(t.Context(), path, t.TempDir(), nodes, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Template(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	return r
}

// faults is a script of faults in a file.
func faults(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestARealBootIsSeenLiveFromItsBeginningToTheCauseOfWhatFailed(t *testing.T) {
	const dead = "x1000c0s1b0n0"
	r := site(t, 32, "--faults", faults(t, `- { fault: refuse, form: "400", nodes: "`+dead+`" }`), "--emulate-boot-time", "2s")
	viewing, err := r.Token("viewer", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	v := look(t, r.URL+"/ui/")
	v.must(v.SignIn(t.Context(), viewing))
	v.sees("There is no session yet")
	v.must(r.Pause(t.Context())) // until the page has shown the session on its way
	if err := r.Session(t.Context(), "nightly", "reboot", nil); err != nil {
		t.Fatal(err)
	}
	v.shows(`document.querySelector('table.sessions tbody tr').innerText.includes('nightly')`)
	v.press("j", "Enter")
	v.shows(`document.querySelector('cabinet-map canvas') && document.querySelectorAll('.nodes tbody tr').length === 32`)
	v.shows(`[...document.querySelectorAll('.chip')].some((c) => /Booting|Powering|Pending/.test(c.innerText))`)
	v.must(r.Resume(t.Context()))
	v.shows(`document.querySelector('.status').innerText.includes('with failures')`)
	v.shows(`[...document.querySelectorAll('.chip')].some((c) => c.innerText.replace(/\s+/g, ' ') === 'Done 31')`)
	v.press("f", "Enter")
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 1`)
	v.press("j", "Enter")
	v.shows(`document.querySelector('h1').innerText === '` + dead + `' && document.querySelectorAll('.timeline li').length > 0 && document.querySelector('.lead').innerText.length > 10`)
	v.press("u")
	v.sees("terraform-provider-bos retry nightly")
	v.press("c")
	v.shows(`document.getElementById('said').textContent === 'Copied: terraform-provider-bos retry nightly'`)
}

func TestARealSessionIsPausedResumedAndCancelledFromThePageByWhoMay(t *testing.T) {
	r := site(t, 16, "--emulate-boot-time", "10m")
	operating, err := r.Token("operator", "--role", "operator")
	if err != nil {
		t.Fatal(err)
	}
	reading, err := r.Token("reader", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Session(t.Context(), "nightly", "boot", nil); err != nil {
		t.Fatal(err)
	}
	v := look(t, r.URL+"/ui/#/sessions/nightly")
	v.must(v.SignIn(t.Context(), operating))
	v.shows(`document.querySelector('[data-verb=pause]')`)
	act := func(key, reason string) {
		t.Helper()
		v.press(key)
		v.shows(`document.activeElement.id === 'reason'`)
		v.must(v.Type(reason))
		v.must(v.Eval(`document.querySelector('dialog form').requestSubmit()`, nil))
		v.shows(`!document.querySelector('dialog')`)
	}
	act("p", "the cooling of row 4")
	v.shows(`document.querySelector('.status').innerText.includes('paused') && document.querySelector('.note').innerText.includes('the cooling of row 4')`)
	v.shows(`document.querySelector('.note').innerText.includes('operator')`)
	act("p", "it is mended")
	v.shows(`document.querySelector('.note').hidden`)

	// A reader sees the same, may do nothing, and is told so.
	other := look(t, r.URL+"/ui/#/sessions/nightly")
	other.must(other.SignIn(t.Context(), reading))
	other.shows(`document.querySelector('[data-verb=cancel]')`)
	other.press("x")
	other.shows(`document.activeElement.id === 'reason'`)
	other.must(other.Type("because"))
	other.must(other.Eval(`document.querySelector('dialog form').requestSubmit()`, nil))
	other.shows(`document.querySelector('dialog [role=alert]').innerText.includes('It was not done')`)

	act("x", "the wrong image")
	v.shows(`document.querySelector('.status').innerText.includes('ended early') && document.querySelector('.note').innerText.includes('the wrong image')`)
	var page struct {
		Events []struct{ Kind, Detail, Actor string }
	}
	if err := r.Ask(t.Context(), "GET", "/x/v1/events?session=nightly", nil, &page); err != nil {
		t.Fatal(err)
	}
	wrote := make(map[string]string)
	for _, e := range page.Events {
		wrote[e.Kind] = e.Actor + ": " + e.Detail
	}
	for kind, want := range map[string]string{"session_paused": "the cooling of row 4", "session_cancelled": "the wrong image"} {
		if got := wrote[kind]; !strings.HasPrefix(got, "operator (token): ") || !strings.Contains(got, want) {
			t.Errorf("the history has %s as %q", kind, got)
		}
	}
}

func TestARevokedTokenEndsTheStreamAndAnotherGoesOn(t *testing.T) {
	r := site(t, 16)
	first, err := r.Token("first", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	v := look(t, r.URL+"/ui/#/map")
	v.must(v.SignIn(t.Context(), first))
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 16`)
	second, err := r.Token("second", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Revoke("first"); err != nil {
		t.Fatal(err)
	}
	v.shows(`document.querySelector('dialog[open] #token') && document.querySelector('#live').innerText === 'No token'`)
	v.must(v.SignIn(t.Context(), second))
	v.shows(`document.querySelector('#live').dataset.live === 'live' && document.querySelectorAll('.nodes tbody tr').length === 16`)
}

// restarts is how often the service is killed below; PAGE_RESTARTS makes it more.
func restarts(t *testing.T) int {
	t.Helper()
	n := 5
	if text := os.Getenv("PAGE_RESTARTS"); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatalf("PAGE_RESTARTS is %q, want a number", text)
		}
	}
	return n
}

func TestAfterEachRestartOfTheServiceThePageShowsWhatTheServiceKnows(t *testing.T) {
	r := site(t, 64, "--emulate-boot-time", "1s", "--emulate-power-time", "500ms")
	token, err := r.Token("viewer", "--role", "reader")
	if err != nil {
		t.Fatal(err)
	}
	v := look(t, r.URL+"/ui/#/map")
	v.must(v.SignIn(t.Context(), token))
	v.shows(`document.querySelectorAll('table.nodes tbody tr').length === 50`)
	for round := range restarts(t) {
		name := fmt.Sprintf("round-%d", round)
		if err := r.Session(t.Context(), name, "reboot", nil); err != nil {
			t.Fatal(err)
		}
		r.Kill()
		v.shows(`document.querySelector('#live').dataset.live === 'lost'`)
		if err := r.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.shows(`document.querySelector('#live').dataset.live === 'live'`)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		err := r.Over(ctx, name)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		// All 64 nodes are where the service has them, and none where it was before.
		v.shows(`document.querySelector('table.cabinets tbody tr').innerText.replace(/\s+/g, ' ').trim() === 'x1000 64 64'`)
		v.shows(`[...document.querySelectorAll('.chip')].map((c) => c.innerText.replace(/\s+/g, ' ')).join() === 'Done 64' && document.querySelector('table.nodes tbody tr').innerText.includes('` + name + `')`)
	}
}

// TestAtNightThePageLeadsFromABootThatIsStuckToTheNodeTheCauseAndTheCommandByKeysAlone:
// the service has authentication on, and what was copied is what is run.
func TestAtNightThePageLeadsFromABootThatIsStuckToTheNodeTheCauseAndTheCommandByKeysAlone(t *testing.T) {
	const dead, slow = "x1000c0s1b0n0", "x1000c0s2b0n0"
	r := site(t, 32, "--faults", faults(t, `- { fault: refuse, form: "400", nodes: "`+dead+`" }`+"\n"+`- { fault: boot, nodes: "`+slow+`" }`), "--emulate-boot-time", "2s")
	operating, err := r.Token("operator", "--role", "operator")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Session(t.Context(), "nightly", "reboot", nil); err != nil {
		t.Fatal(err)
	}
	v := look(t, r.URL+"/ui/")
	v.must(v.SignIn(t.Context(), operating))
	v.shows(`document.querySelector('table.sessions tbody tr').innerText.includes('nightly')`)
	typed := 0
	press := func(keys ...string) {
		typed += len(keys)
		v.press(keys...)
	}
	press("j", "Enter")
	// It is stuck: one has failed, one boots for ever, and all others are done.
	v.shows(`[...document.querySelectorAll('.chip')].some((c) => c.innerText.replace(/\s+/g, ' ') === 'Done 30') && document.querySelector('.status').innerText === 'running'`)
	v.shows(`document.querySelector('.cause')`)
	press("f", "Enter")
	v.shows(`document.querySelectorAll('.nodes tbody tr').length === 1`)
	press("j", "Enter")
	v.shows(`document.querySelector('h1').innerText === '` + dead + `'`)
	v.shows(`document.querySelector('main').innerText.includes('given up') && document.querySelectorAll('.timeline li').length > 0`)
	press("u")
	v.sees("terraform-provider-bos retry nightly")
	press("c")
	v.shows(`document.getElementById('said').textContent === 'Copied: terraform-provider-bos retry nightly'`)
	if typed > 8 {
		t.Errorf("it took %d keys", typed)
	}
	said, err := r.Run(t.Context(), operating, "retry", "nightly")
	if err != nil || !strings.Contains(said, dead) || strings.Contains(said, slow) {
		t.Errorf("what was copied says %q, %v", said, err)
	}
}
