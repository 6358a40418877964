package browser

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chromedp/chromedp"
)

// Reload loads the page anew.
func (t *Tab) Reload() error { return chromedp.Do(t.ctx, chromedp.Reload()) }

// HeaviestRenderer is the memory in MiB of the largest process that shows pages, among
// those that this program has begun: its own share of what is shared, too.
func HeaviestRenderer() (float64, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	most := 0.0
	for _, path := range stats {
		line, err := os.ReadFile(path) //nolint:gosec // of /proc
		if err != nil || !strings.Contains(string(line), "--type=renderer") {
			continue // it has ended, or is something else
		}
		dir := filepath.Dir(path)
		if !ours(dir) {
			continue
		}
		if kib, err := share(filepath.Join(dir, "smaps_rollup")); err == nil {
			most = max(most, kib/1024)
		}
	}
	if most == 0 {
		return 0, errors.New("no process of this program shows a page")
	}
	return most, nil
}

// ours reports whether a process descends from this one.
func ours(dir string) bool {
	for range 10 {
		text, err := os.ReadFile(filepath.Join(dir, "stat")) //nolint:gosec // of /proc
		if err != nil {
			return false
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] == "0" {
			return false
		}
		if fields[1] == strconv.Itoa(os.Getpid()) {
			return true
		}
		dir = "/proc/" + fields[1]
	}
	return false
}

// share is the proportional set size in KiB.
func share(path string) (float64, error) {
	text, err := os.ReadFile(path) //nolint:gosec // of /proc
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			var kib float64
			_, err := fmt.Sscan(rest, &kib)
			return kib, err
		}
	}
	return 0, fmt.Errorf("%s has no Pss", path)
}
