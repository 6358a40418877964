package tables

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// An upgrade comes while nodes are powered on: that one was sent is known after it as well.
func TestAPowerOnThatARecordOfBeforeHasIsStillToShow(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]bos.Work{
		`{}`: {},
		`{"on":{"at":"2026-03-01T12:00:00Z","boot":"b"},"batch":2}`: {Batch: 2, Unseen: bos.Unseen{Kind: bos.EffectPowerOn, At: at, Boot: "b"}},
		`{"on":{"at":"2026-03-01T12:00:00Z"}}`:                      {Unseen: bos.Unseen{Kind: bos.EffectPowerOn, At: at}},
		`{"unseen":{"kind":"power_off_forceful","at":"2026-03-01T12:00:00Z"},"on":{"at":"2026-03-01T11:00:00Z"}}`: {
			Unseen: bos.Unseen{Kind: bos.EffectPowerOffForceful, At: at},
		},
	} {
		var got bos.Work
		if err := decodeWork(text, &got); err != nil || got != want {
			t.Errorf("%s is read as %+v (%v), want %+v", text, got, err, want)
		}
	}
	var got bos.Work
	if decodeWork(`{"on":7}`, &got) == nil {
		t.Error("what cannot be read is read")
	}
}
