package cli

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// rfc5424 is a line with no structured data.
var rfc5424 = regexp.MustCompile(`^<109>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) [!-~]{1,255} bos - ([!-~]{1,32}) - @cee: (\{.*\})$`)

func TestEachEntryOfTheHistoryIsALineOfSyslogWithAllThatItSays(t *testing.T) {
	entries := []string{
		`{"id":1,"time":"2026-03-01T10:00:00.123456789+02:00","component":"x1","kind":"power_on","actor":"ci (token)","detail":"a \"quoted\" \u001b[2J text\nof two lines"}`,
		`{"time":"2026-03-01T10:00:01Z","kind":"` + strings.Repeat("k", 99) + ` ä"}`,
		`{"kind":""}`,
	}
	var out bytes.Buffer
	w := newSyslogWriter(&out)
	text := strings.Join(entries, "\n") + "\n"
	for len(text) > 0 { // in pieces, as they come over a network
		n := min(7, len(text))
		if _, err := w.Write([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(entries) {
		t.Fatalf("%d lines of %d entries: %s", len(lines), len(entries), &out)
	}
	for i, line := range lines {
		parts := rfc5424.FindStringSubmatch(line)
		if parts == nil || parts[3] != entries[i] || !json.Valid([]byte(parts[3])) {
			t.Errorf("%s became %s", entries[i], line)
		}
	}
	if first := rfc5424.FindStringSubmatch(lines[0]); first == nil || first[1] != "2026-03-01T08:00:00.123456Z" || first[2] != "power_on" {
		t.Errorf("the first line is %s", lines[0])
	}
}

func TestAHistoryThatBreaksOffIsNoWholeSyslog(t *testing.T) {
	w := newSyslogWriter(&bytes.Buffer{})
	if _, err := w.Write([]byte(`{"kind":"a"}` + "\n" + `{"kind":`)); err != nil {
		t.Fatal(err)
	}
	if w.Close() == nil {
		t.Error("half a line was taken for the end")
	}
	if _, err := newSyslogWriter(&bytes.Buffer{}).Write([]byte("<html>\n")); err == nil {
		t.Error("what is no entry was taken")
	}
}
