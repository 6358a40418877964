package document_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// stored is a component as it is stored: without the derived status.
func stored(t *rapid.T) bos.Component {
	text, number, yes := rapid.String(), rapid.Int(), rapid.Bool()
	when := func() bos.Time { return bos.At(time.Unix(rapid.Int64Range(0, 3).Draw(t, "second"), 0)) }
	set := func() bos.BootArtifacts {
		return bos.BootArtifacts{Kernel: text.Draw(t, "kernel"), KernelParameters: text.Draw(t, "parameters"), Initrd: text.Draw(t, "initrd")}
	}
	c := bos.Component{
		ID:           text.Draw(t, "id"),
		ActualState:  bos.ActualState{BootArtifacts: set(), BSSToken: text.Draw(t, "token"), LastUpdated: when()},
		DesiredState: bos.DesiredState{BootArtifacts: set(), Configuration: text.Draw(t, "configuration"), BSSToken: text.Draw(t, "token")},
		StagedState:  bos.StagedState{BootArtifacts: set(), Configuration: text.Draw(t, "configuration"), Session: text.Draw(t, "session"), LastUpdated: when()}.Written(bos.StagedMembers(rapid.IntRange(0, 7).Draw(t, "written"))),
		LastAction:   bos.LastAction{Action: bos.Action(text.Draw(t, "action")), LastUpdated: when(), Failed: yes.Draw(t, "failed")},
		EventStats:   bos.EventStats{PowerOnAttempts: number.Draw(t, "on"), PowerOffGracefulAttempts: number.Draw(t, "off"), PowerOffForcefulAttempts: number.Draw(t, "force")},
		Status:       bos.ComponentStatus{Phase: bos.Phase(text.Draw(t, "phase")), StatusOverride: text.Draw(t, "override")},
		Enabled:      yes.Draw(t, "enabled"), Error: text.Draw(t, "error"), Session: text.Draw(t, "session"),
	}
	if yes.Draw(t, "policy") {
		n := number.Draw(t, "policy")
		c.RetryPolicy = &n
	}
	return c
}

func TestWhatIsStoredIsReadAsItWas(t *testing.T) {
	var d document.Decoder // one for many documents, as in a list
	interned := map[int64]bos.BootArtifacts{}
	d.Artifacts = func(id int64) (bos.BootArtifacts, error) { return interned[id], nil }
	rapid.Check(t, func(t *rapid.T) {
		want := stored(t)
		text := document.AppendComponent(nil, &want, func(to []byte, a bos.BootArtifacts) []byte {
			if !rapid.Bool().Draw(t, "interned") {
				return document.AppendArtifacts(to, a)
			}
			id := int64(len(interned) + 1)
			interned[id] = a
			return fmt.Append(to, id)
		})
		var got bos.Component
		if err := d.Component(string(text), &got); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestADamagedDocumentIsAnErrorAndNothingElse(t *testing.T) {
	d := document.Decoder{Artifacts: func(int64) (bos.BootArtifacts, error) { return bos.BootArtifacts{}, nil }}
	rapid.Check(t, func(t *rapid.T) {
		component := stored(t)
		whole := string(document.AppendComponent(nil, &component, nil))
		cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
		var c bos.Component
		if err := d.Component(whole[:cut], &c); err == nil {
			t.Fatalf("%q was read", whole[:cut])
		}
		_ = d.Component(whole[:cut]+rapid.String().Draw(t, "instead")+whole[cut+1:], &c) // must not panic
		if err := d.Component(whole+"x", &c); err == nil {
			t.Fatal("trailing bytes were read")
		}
	})
	var c bos.Component
	if err := d.Component(`{"id":"a","new_member":1}`, &c); err == nil || !strings.Contains(err.Error(), "new_member") {
		t.Errorf("the error is %v", err)
	}
}
