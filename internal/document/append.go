package document

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// AppendComponent appends a component as encoding/json writes it, in a tenth of
// the time: lists of ten thousand are common. artifacts appends a set of boot
// artifacts; nil writes them in full.
func AppendComponent(to []byte, c *bos.Component, artifacts func(to []byte, a bos.BootArtifacts) []byte) []byte {
	if artifacts == nil {
		artifacts = AppendArtifacts
	}
	to = appendText(to, `{"id":`, c.ID)
	to = artifacts(append(to, `,"actual_state":{"boot_artifacts":`...), c.ActualState.BootArtifacts)
	to = appendText(to, `,"bss_token":`, c.ActualState.BSSToken)
	to = appendTime(to, `,"last_updated":`, c.ActualState.LastUpdated)
	to = artifacts(append(to, `},"desired_state":{"boot_artifacts":`...), c.DesiredState.BootArtifacts)
	to = appendText(to, `,"configuration":`, c.DesiredState.Configuration)
	to = appendText(to, `,"bss_token":`, c.DesiredState.BSSToken)
	to = appendTime(to, `,"last_updated":`, c.DesiredState.LastUpdated)
	to = appendStaged(append(to, `},"staged_state":{`...), &c.StagedState, artifacts)
	to = appendLastAction(append(to, `},"last_action":{`...), c.LastAction)
	to = appendNumber(to, `},"event_stats":{"power_on_attempts":`, c.EventStats.PowerOnAttempts)
	to = appendNumber(to, `,"power_off_graceful_attempts":`, c.EventStats.PowerOffGracefulAttempts)
	to = appendNumber(to, `,"power_off_forceful_attempts":`, c.EventStats.PowerOffForcefulAttempts)
	to = appendText(to, `},"status":{"phase":`, string(c.Status.Phase))
	if c.Status.Status != "" {
		to = appendText(to, `,"status":`, c.Status.Status)
	}
	to = appendText(to, `,"status_override":`, c.Status.StatusOverride)
	to = strconv.AppendBool(append(to, `},"enabled":`...), c.Enabled)
	to = appendText(to, `,"error":`, c.Error)
	to = appendText(to, `,"session":`, c.Session)
	if c.RetryPolicy != nil {
		to = appendNumber(to, `,"retry_policy":`, *c.RetryPolicy)
	}
	return append(to, '}')
}

func appendLastAction(to []byte, a bos.LastAction) []byte {
	if a.Action != bos.ActionNone {
		to = append(appendText(to, `"action":`, string(a.Action)), ',')
	}
	if !a.LastUpdated.IsZero() {
		to = append(appendTime(to, `"last_updated":`, a.LastUpdated), ',')
	}
	return strconv.AppendBool(append(to, `"failed":`...), a.Failed)
}

func appendStaged(to []byte, s *bos.StagedState, artifacts func([]byte, bos.BootArtifacts) []byte) []byte {
	if s.BootArtifacts != (bos.BootArtifacts{}) || s.Blank&bos.StagedArtifacts != 0 {
		to = append(artifacts(append(to, `"boot_artifacts":`...), s.BootArtifacts), ',')
	}
	if s.Configuration != "" || s.Blank&bos.StagedConfiguration != 0 {
		to = append(appendText(to, `"configuration":`, s.Configuration), ',')
	}
	if s.Session != "" || s.Blank&bos.StagedSession != 0 {
		to = append(appendText(to, `"session":`, s.Session), ',')
	}
	if s.LastUpdated.IsZero() {
		return bytes.TrimSuffix(to, []byte{','})
	}
	return appendTime(to, `"last_updated":`, s.LastUpdated)
}

// AppendArtifacts appends a set of boot artifacts as encoding/json writes it.
func AppendArtifacts(to []byte, a bos.BootArtifacts) []byte {
	to = appendText(to, `{"kernel":`, a.Kernel)
	to = appendText(to, `,"kernel_parameters":`, a.KernelParameters)
	return append(appendText(to, `,"initrd":`, a.Initrd), '}')
}

func appendText(to []byte, name, text string) []byte {
	return AppendText(append(to, name...), text)
}

// AppendText appends a text as encoding/json writes it.
func AppendText(to []byte, text string) []byte {
	for i := range len(text) {
		b := text[i]
		if b < ' ' || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' || b >= utf8.RuneSelf {
			quoted, err := json.Marshal(text)
			if err != nil { // a text never fails to be written
				return append(to, `""`...)
			}
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}

func appendNumber(to []byte, name string, n int) []byte {
	return strconv.AppendInt(append(to, name...), int64(n), 10)
}

func appendTime(to []byte, name string, t bos.Time) []byte {
	if t.IsZero() {
		return to
	}
	to = append(append(to, name...), '"')
	return append(t.UTC().AppendFormat(to, bos.TimeLayout), '"')
}
