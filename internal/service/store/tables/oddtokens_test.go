package tables_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestAReportFindsATokenHoweverItIsWritten: BSS makes them, and what it sends is any bytes.
func TestAReportFindsATokenHoweverItIsWritten(t *testing.T) {
	odd := []string{
		"plain", "", " ", "a\x00b", "\xff", "a\xc3", "\U0010FFFF", "\U0010FFFE", "\ufffd", `\u0000`, `\\u0000`, `a\`, `"`, "<&>", "\u2028", "é", "e\u0301", "\n\t\x01", "😀", `\ud800`, "\xed\xa0\x80",
		strings.Repeat("long", 600), strings.Repeat("\\", 2000),
	}
	inBoth(t, func(t *testing.T, d database) {
		s, fresh := d.open(), d.open
		for i, token := range odd {
			if err := s.PutHostBoots(t.Context(), []string{fmt.Sprint("x", i)}, bos.BootArtifacts{Kernel: fmt.Sprint("k", i)}, token); err != nil {
				t.Fatalf("token %q: %v", token, err)
			}
		}
		want := make(map[string]bos.BootArtifacts)
		for _, token := range odd {
			a, known, err := s.Token(t.Context(), token)
			if err != nil || !known {
				t.Fatalf("token %q: known %t, %v", token, known, err)
			}
			want[token] = a
		}
		found := func(how string, tokens ...string) {
			s := fresh()
			for range 2 {
				_, err := s.MutateReported(t.Context(), []string{"x1"}, tokens, func(_ *bos.Record, _ bool, booted map[string]bos.BootArtifacts) error {
					for _, token := range tokens {
						if got, known := booted[token]; !known || got != want[token] {
							t.Errorf("%s token %q stands for %+v, known %t, want %+v", how, token, got, known, want[token])
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		}
		for _, token := range odd {
			found("alone", token)
		}
		found("among others", odd...)
		for _, kernel := range []string{"before", "after"} {
			if err := s.PutHostBoots(t.Context(), []string{"x9"}, bos.BootArtifacts{Kernel: kernel}, "of no text: \xff"); err != nil {
				t.Fatal(err)
			}
			const asText = "of no text: \ufffd" // which PostgreSQL makes of it
			a, _, err := s.Token(t.Context(), asText)
			if err != nil {
				t.Fatal(err)
			}
			if got := booted(t, s, asText); got != a.Kernel {
				t.Errorf("%s, the text of a token that is none stands for %q, want %q", kernel, got, a.Kernel)
			}
		}
	})
}
