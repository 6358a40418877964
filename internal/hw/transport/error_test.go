package transport_test

import (
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestRetryAfterReadsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, header string
		want         time.Duration
	}{
		{"nothing", "", 0},
		{"seconds", "120", 2 * time.Minute},
		{"seconds with space", " 5 ", 5 * time.Second},
		{"a date", now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"a date that is past", now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{"a negative number", "-3", 0},
		{"a word", "soon", 0},
		{"more than an hour", "86400", time.Hour},
		{"more than fits", "99999999999999999999", 0},
		{"a date far away", now.AddDate(1, 0, 0).Format(http.TimeFormat), time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := transport.RetryAfter(http.Header{"Retry-After": {c.header}}, now); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnExcerptIsAlwaysOneShortPrintableLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "text"))
		got := transport.Excerpt(text)
		if len(got) > transport.MaxMessage || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00\x1b") {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestAnAddressIsShownWithoutSecrets(t *testing.T) {
	for _, c := range []struct{ name, from, want string }{
		{"user and password", "http://u:p@h:1/x", "http://h:1/x"},
		{"a query", "http://h/x?sig=1#f", "http://h/x"},
		{"no URL", "http://h/%zz", "an address that is no URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := transport.Address(c.from); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
