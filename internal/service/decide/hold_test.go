package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestAHoldSaysAtOnceWhatWasAnswered: the first decision on a node whose power is not
// known has the answer, alone and in an outage.
func TestAHoldSaysAtOnceWhatWasAnswered(t *testing.T) {
	const answered = "no connection to the BMC for GET https://10.1.0.1/redfish/v1/Systems/Self: connection refused"
	for name, tc := range map[string]struct {
		reading bos.PowerReading
		verdict Verdict
		says    []string
		not     string
	}{
		"a BMC alone": {
			bos.PowerReading{Symptom: bos.SymptomSilent},
			Verdict{ExtentBMC, true, bos.CauseBMCUnreachable},
			[]string{bos.CauseBMCUnreachable.Sentence()},
			"",
		},
		"a BMC that says more": {
			bos.PowerReading{Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCAuth},
			Verdict{ExtentBMC, true, bos.CauseBMCAuth},
			[]string{bos.CauseBMCAuth.Sentence()},
			"",
		},
		"not told which system it is": {
			bos.PowerReading{Cause: bos.CauseUnknownToPower},
			Verdict{},
			[]string{bos.CauseUnknownToPower.Sentence()},
			"",
		},
		"all BMCs": {
			bos.PowerReading{Symptom: bos.SymptomSilent},
			Verdict{ExtentUpstream, false, bos.CauseUpstreamOutage},
			[]string{"the BMCs of many nodes"},
			"the service",
		},
		"the service before them": {
			bos.PowerReading{Symptom: bos.SymptomSilent, Cause: bos.CauseUpstreamOutage},
			Verdict{ExtentUpstream, false, bos.CauseUpstreamOutage},
			[]string{bos.CauseUpstreamOutage.Sentence()},
			"the BMCs",
		},
		"unknown with many others, as is judged of the room": {
			bos.PowerReading{Cause: bos.CauseUnknownToPower},
			verdicts[ExtentUpstream][bos.SymptomUnknown],
			[]string{"many others at once"},
			"",
		},
		"unknown with many others": {
			bos.PowerReading{Cause: bos.CauseUnknownToPower},
			Verdict{ExtentUpstream, false, bos.CauseUpstreamOutage},
			[]string{"many others at once"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			reading := tc.reading
			reading.ID, reading.Asked, reading.Detail = "x1000c0s0b0n0", noon, answered
			d := Decide(shuttingDown(), Observation{Power: reading, Verdict: tc.verdict}, bos.DefaultOptions().Policy(), noon)
			if d.Why != ReasonHold || !d.Next.Work.WaitInError || d.Next.Status.StatusOverride != bos.StatusOnHold {
				t.Fatalf("decided %+v", d)
			}
			for _, part := range append(tc.says, "(last answer: "+answered+")") {
				if !strings.Contains(d.Next.Error, part) {
					t.Errorf("the error %q does not say %q", d.Next.Error, part)
				}
			}
			if tc.not != "" && strings.Contains(d.Next.Error, tc.not) {
				t.Errorf("the error %q says %q", d.Next.Error, tc.not)
			}
		})
	}
}

// TestAHoldIsNotWrittenAnewForANumber: answers that differ in a time are one.
func TestAHoldIsNotWrittenAnewForANumber(t *testing.T) {
	reading := bos.PowerReading{ID: "x1000c0s0b0n0", Symptom: bos.SymptomRefusing, Cause: bos.CauseCredentialsHeld, Asked: noon, Detail: "not before 12:00:15"}
	verdict := Verdict{ExtentUpstream, false, bos.CauseCredentialsHeld}
	first := Decide(shuttingDown(), Observation{Power: reading, Verdict: verdict}, bos.DefaultOptions().Policy(), noon).Next
	reading.Asked, reading.Detail = noon.Add(time.Second), "not before 12:00:16"
	if second := Decide(first, Observation{Power: reading, Verdict: verdict}, bos.DefaultOptions().Policy(), noon.Add(time.Second)).Next; second.Error != first.Error {
		t.Errorf("it was %q and is %q", first.Error, second.Error)
	}
	reading.Detail = "another thing"
	if third := Decide(first, Observation{Power: reading, Verdict: verdict}, bos.DefaultOptions().Policy(), noon.Add(time.Second)).Next; !strings.Contains(third.Error, "another thing") {
		t.Errorf("another answer is not told: %q", third.Error)
	}
}
