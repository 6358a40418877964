package document_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

func anyTime() *rapid.Generator[bos.Time] {
	return rapid.Custom(func(t *rapid.T) bos.Time {
		if !rapid.Bool().Draw(t, "set") {
			return bos.Time{}
		}
		return bos.At(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 0))
	})
}

func anyArtifacts(t *rapid.T) bos.BootArtifacts {
	text := rapid.String()
	return bos.BootArtifacts{Kernel: text.Draw(t, "kernel"), KernelParameters: text.Draw(t, "parameters"), Initrd: text.Draw(t, "initrd")}
}

func anyComponent(t *rapid.T) bos.Component {
	text, number, yes := rapid.String(), rapid.Int(), rapid.Bool()
	c := bos.Component{
		ID:           text.Draw(t, "id"),
		ActualState:  bos.ActualState{BootArtifacts: anyArtifacts(t), BSSToken: text.Draw(t, "token"), LastUpdated: anyTime().Draw(t, "time")},
		DesiredState: bos.DesiredState{BootArtifacts: anyArtifacts(t), Configuration: text.Draw(t, "configuration"), BSSToken: text.Draw(t, "token"), LastUpdated: anyTime().Draw(t, "time")},
		StagedState:  bos.StagedState{Configuration: text.Draw(t, "configuration"), Session: text.Draw(t, "session"), LastUpdated: anyTime().Draw(t, "time")}.Written(bos.StagedMembers(rapid.IntRange(0, 7).Draw(t, "written"))),
		LastAction:   bos.LastAction{Action: bos.Action(text.Draw(t, "action")), LastUpdated: anyTime().Draw(t, "time"), Failed: yes.Draw(t, "failed")},
		EventStats:   bos.EventStats{PowerOnAttempts: number.Draw(t, "on"), PowerOffGracefulAttempts: number.Draw(t, "off"), PowerOffForcefulAttempts: number.Draw(t, "force")},
		Status:       bos.ComponentStatus{Phase: bos.Phase(text.Draw(t, "phase")), Status: text.Draw(t, "status"), StatusOverride: text.Draw(t, "override")},
		Enabled:      yes.Draw(t, "enabled"), Error: text.Draw(t, "error"), Session: text.Draw(t, "session"),
	}
	if yes.Draw(t, "staged") {
		c.StagedState.BootArtifacts = anyArtifacts(t)
		c.StagedState = c.StagedState.Written(0)
	}
	if yes.Draw(t, "policy") {
		n := number.Draw(t, "policy")
		c.RetryPolicy = &n
	}
	return c
}

func TestAComponentIsWrittenAsEncodingJSONWritesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyComponent(t)
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := document.AppendComponent(nil, &c, nil); string(got) != string(want) {
			t.Fatalf("%s\nis not\n%s", got, want)
		}
	})
}
