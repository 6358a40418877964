package document

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Decoder reads documents, one after the other, and shares what their texts have in
// common; it knows only what this package writes.
type Decoder struct {
	// Artifacts resolves the number of a set of boot artifacts.
	Artifacts func(id int64) (bos.BootArtifacts, error)

	text string
	at   int
	err  error
	// shared makes equal texts of one read one text in memory.
	shared map[string]string

	timeText string
	time     bos.Time
}

// Component reads a document into c, which is empty.
func (d *Decoder) Component(document string, c *bos.Component) error {
	d.text, d.at, d.err = document, 0, nil
	d.object(func(key string) {
		switch key {
		case "id":
			c.ID = d.string()
		case "actual_state":
			d.actual(&c.ActualState)
		case "desired_state":
			d.desired(&c.DesiredState)
		case "staged_state":
			d.staged(&c.StagedState)
		case "last_action":
			d.lastAction(&c.LastAction)
		case "event_stats":
			d.eventStats(&c.EventStats)
		case "status":
			d.status(&c.Status)
		case "enabled":
			c.Enabled = d.bool()
		case "error":
			c.Error = d.string()
		case "session":
			c.Session = d.string()
		case "retry_policy":
			n := d.number()
			c.RetryPolicy = &n
		default:
			d.unknown(key)
		}
	})
	if d.err == nil && d.at != len(d.text) {
		d.fail("the end")
	}
	return d.err
}

func (d *Decoder) actual(s *bos.ActualState) {
	d.object(func(key string) {
		switch key {
		case "boot_artifacts":
			s.BootArtifacts = d.bootArtifacts()
		case "bss_token":
			s.BSSToken = d.string()
		case "last_updated":
			s.LastUpdated = d.when()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) desired(s *bos.DesiredState) {
	d.object(func(key string) {
		switch key {
		case "boot_artifacts":
			s.BootArtifacts = d.bootArtifacts()
		case "configuration":
			s.Configuration = d.string()
		case "bss_token":
			s.BSSToken = d.string()
		case "last_updated":
			s.LastUpdated = d.when()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) staged(s *bos.StagedState) {
	d.object(func(key string) {
		switch key {
		case "boot_artifacts":
			s.BootArtifacts = d.bootArtifacts()
			*s = s.Written(s.Blank | bos.StagedArtifacts)
		case "configuration":
			s.Configuration = d.string()
			*s = s.Written(s.Blank | bos.StagedConfiguration)
		case "session":
			s.Session = d.string()
			*s = s.Written(s.Blank | bos.StagedSession)
		case "last_updated":
			s.LastUpdated = d.when()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) lastAction(a *bos.LastAction) {
	d.object(func(key string) {
		switch key {
		case "action":
			a.Action = bos.Action(d.string())
		case "last_updated":
			a.LastUpdated = d.when()
		case "failed":
			a.Failed = d.bool()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) eventStats(e *bos.EventStats) {
	d.object(func(key string) {
		switch key {
		case "power_on_attempts":
			e.PowerOnAttempts = d.number()
		case "power_off_graceful_attempts":
			e.PowerOffGracefulAttempts = d.number()
		case "power_off_forceful_attempts":
			e.PowerOffForcefulAttempts = d.number()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) status(s *bos.ComponentStatus) {
	d.object(func(key string) {
		switch key {
		case "phase":
			s.Phase = bos.Phase(d.string())
		case "status_override":
			s.StatusOverride = d.string()
		default:
			d.unknown(key)
		}
	})
}

func (d *Decoder) bootArtifacts() bos.BootArtifacts {
	var a bos.BootArtifacts
	if !d.is('{') {
		id := d.number()
		if d.err == nil {
			a, d.err = d.Artifacts(int64(id))
		}
		return a
	}
	d.object(func(key string) {
		switch key {
		case "kernel":
			a.Kernel = d.string()
		case "kernel_parameters":
			a.KernelParameters = d.string()
		case "initrd":
			a.Initrd = d.string()
		default:
			d.unknown(key)
		}
	})
	return a
}

// object calls member at the value of each member.
func (d *Decoder) object(member func(key string)) {
	d.skip('{')
	if d.is('}') {
		d.at++
		return
	}
	for d.err == nil {
		key := d.quoted()
		d.skip(':')
		if d.err != nil {
			return
		}
		member(key)
		if d.is('}') {
			d.at++
			return
		}
		d.skip(',')
	}
}

func (d *Decoder) is(b byte) bool { return d.at < len(d.text) && d.text[d.at] == b }

func (d *Decoder) skip(b byte) {
	if !d.is(b) {
		d.fail(strconv.QuoteRune(rune(b)))
		return
	}
	d.at++
}

func (d *Decoder) fail(wanted string) {
	if d.err == nil {
		d.err = fmt.Errorf("stored record: byte %d is not %s", d.at, wanted)
	}
}

func (d *Decoder) unknown(key string) {
	if d.err == nil {
		d.err = fmt.Errorf("stored record: unknown member %q", key)
	}
}

// word takes what follows if it is w.
func (d *Decoder) word(w string) bool {
	if d.err != nil || !strings.HasPrefix(d.text[d.at:], w) {
		return false
	}
	d.at += len(w)
	return true
}

func (d *Decoder) bool() bool {
	yes := d.word("true")
	if !yes && !d.word("false") {
		d.fail("a boolean")
	}
	return yes
}

func (d *Decoder) number() int {
	from := d.at
	for d.at < len(d.text) && (d.text[d.at] == '-' || d.text[d.at] >= '0' && d.text[d.at] <= '9') {
		d.at++
	}
	n, err := strconv.Atoi(d.text[from:d.at])
	if err != nil {
		d.fail("a number")
	}
	return n
}

func (d *Decoder) when() bos.Time {
	if d.word("null") {
		return bos.Time{}
	}
	text := d.quoted()
	if d.err != nil || text == d.timeText {
		return d.time
	}
	var t bos.Time
	if err := t.UnmarshalJSON([]byte(text)); err != nil {
		d.err = err
		return t
	}
	d.timeText, d.time = strings.Clone(text), t
	return t
}

// string is a text that does not keep the document in memory.
func (d *Decoder) string() string {
	text := d.quoted()
	if text == "" {
		return ""
	}
	if known, ok := d.shared[text]; ok {
		return known
	}
	text = strings.Clone(text)
	if d.shared == nil {
		d.shared = make(map[string]string)
	}
	d.shared[text] = text
	return text
}

// quoted is a text, mostly as a part of the document.
func (d *Decoder) quoted() string {
	d.skip('"')
	if d.err != nil {
		return ""
	}
	from := d.at
	end := strings.IndexByte(d.text[from:], '"')
	if end < 0 {
		d.fail("a text")
		return ""
	}
	if text := d.text[from : from+end]; strings.IndexByte(text, '\\') < 0 {
		d.at = from + end + 1
		return text
	}
	return d.escaped(from)
}

func (d *Decoder) escaped(from int) string {
	i := from
	for i < len(d.text) && d.text[i] != '"' {
		if d.text[i] == '\\' {
			i++
		}
		i++
	}
	var text string
	if i >= len(d.text) || json.Unmarshal([]byte(d.text[from-1:i+1]), &text) != nil {
		d.fail("a text")
		return ""
	}
	d.at = i + 1
	return text
}
