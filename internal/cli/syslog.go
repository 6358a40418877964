package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// auditPriority is that of a notice of the facility log audit (RFC 5424).
	auditPriority = 13<<3 | 5
	// auditApp is the name of the program in each line.
	auditApp = "bos"
	// mostMessageID and mostHost are what RFC 5424 allows.
	mostMessageID, mostHost = 32, 255
	// syslogTime has as many digits of a second as RFC 5424 allows.
	syslogTime = "2006-01-02T15:04:05.000000Z07:00"
)

// syslogWriter makes a line of syslog (RFC 5424) of each line of JSON. The line of JSON is
// its message, after the cookie by which rsyslog and others know that (@cee:). Sending is
// for these: they keep what the other end does not take, and know TLS.
type syslogWriter struct {
	to   io.Writer
	host string
	rest []byte
}

func newSyslogWriter(to io.Writer) *syslogWriter {
	name, _ := os.Hostname() // one without a name is "-"
	return &syslogWriter{to: to, host: header(name, mostHost)}
}

// Write writes the lines that are whole.
func (s *syslogWriter) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		if err := s.line(bytes.TrimSpace(line)); err != nil {
			return 0, err
		}
		s.rest = rest
	}
}

// Close fails where the last line is not whole.
func (s *syslogWriter) Close() error {
	if len(bytes.TrimSpace(s.rest)) > 0 {
		return fmt.Errorf("the last line of the history is not whole: %.100q", s.rest)
	}
	return nil
}

func (s *syslogWriter) line(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	var entry struct {
		Time time.Time `json:"time"`
		Kind string    `json:"kind"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("a line of the history is no entry: %w", err)
	}
	at := "-"
	if !entry.Time.IsZero() {
		at = entry.Time.UTC().Format(syslogTime)
	}
	_, err := fmt.Fprintf(s.to, "<%d>1 %s %s %s - %s - @cee: %s\n", auditPriority, at, s.host, auditApp, header(entry.Kind, mostMessageID), line)
	return err
}

// header is a text as a field of the header takes it: printable ASCII without spaces, cut,
// and "-" for none.
func header(text string, most int) string {
	plain := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		if c > ' ' && c < 0x7f && len(plain) < most {
			plain = append(plain, c)
		}
	}
	if len(plain) == 0 {
		return "-"
	}
	return string(plain)
}
