// Package browser drives a headless Chromium, which tests, measurements and pictures of
// the page share.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// ErrNone says that there is no Chromium here.
var ErrNone = errors.New("there is no Chromium here: the Debian package is chromium")

// Browser is one that runs.
type Browser struct{ ctx context.Context } //nolint:containedctx // chromedp keeps a browser in one

// Start starts one; close ends it.
func Start(ctx context.Context) (b *Browser, closeIt func(), err error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, nil, ErrNone
	}
	// It leaves files behind where temporary ones are.
	temporary, err := os.MkdirTemp("", "bos-browser")
	if err != nil {
		return nil, nil, err
	}
	options := append(append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...),
		chromedp.ExecPath(path), chromedp.Env("TMPDIR="+temporary), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
	allocated, end := chromedp.NewExecAllocator(ctx, options...)
	first, cancel := chromedp.NewContext(allocated)
	closeIt = func() {
		cancel()
		end()
		_ = os.RemoveAll(temporary) // a folder of temporary files
	}
	if err := chromedp.Do(first); err != nil {
		closeIt()
		return nil, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return &Browser{first}, closeIt, nil
}

// Tab is one page in it.
type Tab struct {
	ctx context.Context //nolint:containedctx // chromedp keeps a tab in one

	mu       sync.Mutex
	troubles []string
}

// Open opens a tab that shows an empty page, of its own session: what one tab keeps
// another does not have. The function closes it.
func (b *Browser) Open(width, height int, dark bool) (*Tab, func(), error) {
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t := &Tab{ctx: ctx}
	err := chromedp.Do(ctx)
	if err == nil {
		err = chromedp.Listen(ctx, t.listen)
	}
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		err = t.Size(width, height, dark)
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return t, cancel, nil
}

func (t *Tab) listen(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		t.troubles = append(t.troubles, thrown(e.ExceptionDetails))
	case *log.EventEntryAdded:
		// A request that is refused is what some tests are about.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			t.troubles = append(t.troubles, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	}
}

// Troubles are what scripts threw, and what the policy of the page refused.
func (t *Tab) Troubles() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string{}, t.troubles...)
}

// Size makes the window another, and the theme of the system.
func (t *Tab) Size(width, height int, dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: int64(width), Height: int64(height), DeviceScaleFactor: 1, Mobile: width < 600}
	if _, err := chromedp.Call(t.ctx, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		return err
	}
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	return err
}

// Go goes to a URL.
func (t *Tab) Go(url string) error { return chromedp.Do(t.ctx, chromedp.Navigate(url)) }

// Eval has the page work out an expression, which may be a promise, into a value.
func (t *Tab) Eval(expression string, into any) error {
	result, err := chromedp.Call(t.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: new(true), ReturnByValue: new(true)})
	switch {
	case err != nil:
		return err
	case result.ExceptionDetails != nil:
		return fmt.Errorf("%s: %s", expression, thrown(result.ExceptionDetails))
	case into == nil || result.Result == nil || len(result.Result.Value) == 0:
		return nil
	}
	return json.Unmarshal(result.Result.Value, into)
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

// Until waits until an expression is true, which is looked at with each frame.
func (t *Tab) Until(ctx context.Context, expression string) error {
	var ok bool
	done := make(chan error, 1)
	go func() {
		done <- t.Eval(`new Promise((done) => { const look = () => { let is = false; try { is = !!(`+expression+`); } catch {} is ? done(true) : setTimeout(look, 15); }; look(); })`, &ok)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		var text string
		_ = t.Eval(`document.body.innerText.slice(0, 1500)`, &text) // to say what there was instead
		return fmt.Errorf("%w before %s; the page says: %s", ctx.Err(), expression, text)
	}
}

// Press presses keys, each by its name or as a letter.
func (t *Tab) Press(keys ...string) error {
	for _, key := range keys {
		if err := t.press(key); err != nil {
			return err
		}
	}
	return nil
}

var named = map[string]struct {
	code int64
	text string
}{
	"Enter": {13, "\r"}, "Tab": {9, ""}, "Escape": {27, ""}, " ": {32, " "},
	"ArrowLeft": {37, ""}, "ArrowUp": {38, ""}, "ArrowRight": {39, ""}, "ArrowDown": {40, ""}, "Home": {36, ""}, "End": {35, ""},
}

func (t *Tab) press(key string) error {
	code, text := int64(0), key
	if n, ok := named[key]; ok {
		code, text = n.code, n.text
	} else if len(key) == 1 {
		code = int64(strings.ToUpper(key)[0])
	}
	event := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: text, UnmodifiedText: text, WindowsVirtualKeyCode: code}
	if text == "" {
		event.Type = input.DispatchKeyEventTypeRawKeyDown
	}
	if _, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, event); err != nil {
		return err
	}
	_, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key, WindowsVirtualKeyCode: code})
	return err
}

// Type types a text where the focus is.
func (t *Tab) Type(text string) error {
	_, err := chromedp.Call(t.ctx, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

// Picture is what is seen, as PNG.
func (t *Tab) Picture() ([]byte, error) { return chromedp.Run(t.ctx, chromedp.CaptureScreenshot()) }
