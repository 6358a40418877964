package service

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func TestTheLoggingLevelTakesEffectWithoutARestart(t *testing.T) {
	synctest.Test(t, loggingLevels)
}

// logged is a log that the service writes while a test reads it.
type logged struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *logged) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(text)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

// Reset forgets what was logged.
func (l *logged) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Reset()
}

func loggingLevels(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // the test is about the log
	var out logged
	s, err := New(Config{Store: store, Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	pass := func() {
		<-time.After(time.Second)
		synctest.Wait()
	}
	pass()
	for _, c := range []struct {
		level string
		want  string
	}{{"", "iwe"}, {"DEBUG", "diwe"}, {"Warning", "we"}, {"error", "e"}, {"critical", ""}, {"info", "iwe"}} {
		if c.level != "" {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/v2/options", strings.NewReader(`{"logging_level":"`+c.level+`"}`))
			w := httptest.NewRecorder()
			access.Open(s.Handler()).ServeHTTP(w, request)
			if w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
			out.Reset()
			pass()
			// That somebody changes it is told whatever it is.
			if got := out.String(); !strings.Contains(got, "logging_level="+c.level) || !strings.Contains(got, "level=WARN") {
				t.Errorf("at %q the log says %q of the change", c.level, got)
			}
		}
		out.Reset()
		log := s.config.Log.With("a", 1).WithGroup("g")
		for text, level := range map[string]slog.Level{"d": slog.LevelDebug, "i": slog.LevelInfo, "w": slog.LevelWarn, "e": slog.LevelError} {
			log.Log(context.Background(), level, text)
			if got := strings.Contains(out.String(), "msg="+text+" "); got != strings.Contains(c.want, text) {
				t.Errorf("at %q a record of level %s: logged %t", c.level, level, got)
			}
		}
	}
	s.setLevel(bos.Options{LoggingLevel: "of another version"})
	if s.level.Level() != slog.LevelInfo {
		t.Error("an unknown level changed something")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAServiceThatStandsByLogsAsTheOptionsSay, which another one wrote.
func TestAServiceThatStandsByLogsAsTheOptionsSay(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.shared()
		r := w.replica()
		w.advance(5 * time.Second)
		if drives, _ := r.drives(); drives {
			t.Fatal("the second drives")
		}
		for _, level := range []string{"debug", "error", "info"} {
			w.options(object{"logging_level": level})
			r.service.Written()
			w.advance(2 * levelPause)
			if got := r.service.level.Level(); got != levels[level] {
				t.Errorf("with the option %s the service that stands by logs from %s", level, got)
			}
		}
		r.end(t)
	})
}
