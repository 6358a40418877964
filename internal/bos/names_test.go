package bos

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestNamesBeginAndEndWithALetterOrDigit(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "7": true, "a.b_c-d": true, "A9": true, strings.Repeat("n", 127): true,
		"": false, "-a": false, "a-": false, ".": false, "a b": false, "ä": false, "a/b": false, "a\n": false, strings.Repeat("n", 128): false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%.20q) = %t", name, got)
		}
	}
}

func TestComponentAndTenantNamesAreBoundedInCharacters(t *testing.T) {
	for name, want := range map[string]bool{"x1": true, strings.Repeat("ä", 127): true, "": false, strings.Repeat("x", 128): false} {
		if ValidComponentID(name) != want || ValidTenantName(name) != want {
			t.Errorf("%.20q: want %t", name, want)
		}
	}
}

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0m": 0, "0D": 0, "1m": time.Minute, "90M": 90 * time.Minute, "4h": 4 * time.Hour, "7d": 7 * 24 * time.Hour,
		"2W": 14 * 24 * time.Hour, "9999999w": math.MaxInt64, "9999999m": 9999999 * time.Minute,
	} {
		if got, err := ParseAge(text); err != nil || got != want {
			t.Errorf("ParseAge(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "m", "1", "00", "01h", "00m", "-1h", "+1h", "1s", "1 h", "1.5h", "1h30m", "12345678d", "ä", "1\x0d"} {
		var invalid *Invalid
		if got, err := ParseAge(text); !errors.As(err, &invalid) {
			t.Errorf("ParseAge(%q) = %v, %v", text, got, err)
		}
	}
}

func TestErrorsQuoteOnlyTheBeginningOfAHugeValue(t *testing.T) {
	_, err := ParseAge(strings.Repeat("ä", 1<<20))
	if err == nil || len(err.Error()) > 512 {
		t.Errorf("%d bytes of error", len(err.Error()))
	}
}

func FuzzParseAge(f *testing.F) {
	for _, seed := range []string{"0", "0m", "7d", "9999999w", "01h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if age, err := ParseAge(text); err == nil && (age < 0 || len(text) > maxAge) {
			t.Errorf("ParseAge(%q) = %v", text, age)
		}
	})
}
