package tables

import (
	"encoding/json"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// decodeWork reads what is remembered of a component. A record of before has the power-on
// that was sent last in a member of its own, which may be yet to show.
func decodeWork(text string, work *bos.Work) error {
	stored := struct {
		*bos.Work
		On bos.Unseen `json:"on"`
	}{Work: work}
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return err
	}
	if work.Unseen.Kind == bos.EffectNone && !stored.On.At.IsZero() {
		work.Unseen = stored.On
		work.Unseen.Kind = bos.EffectPowerOn
	}
	return nil
}
