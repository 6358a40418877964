package bos

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// wholeWork is a memory of which each member has a value.
func wholeWork() Work {
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }
	return Work{
		Flight:      Flight{Kind: EffectPowerOn, At: at(1), Unanswered: true},
		Attempt:     Attempt{Kind: EffectPowerOn, At: at(2), Failed: true, Resent: true, Quiet: true, Foreign: true, Proof: BootProof{Kind: ProofTCP, Port: 22}, Prepared: Prepared{Boot: "b1", Configuration: "c1"}, Doubtful: true, Answer: "500"},
		Prepared:    Prepared{Boot: "b2", Configuration: "c2"},
		BackOff:     BackOff{Until: at(3), Setbacks: 1, Deferral: 10, PutOff: CauseNotReady},
		Misses:      Misses{Lost: 2, Unanswered: 3, Excused: 4, Configuration: 5},
		Patience:    Patience{Silent: 6, Deferred: 7, Graceful: 8, Missing: 9},
		Waiting:     Waiting{For: WaitBackOff, Cause: CauseBMCError, Detail: "503"},
		Drain:       Drain{Since: at(6), Ours: true, Ready: true, Closing: at(7), Healthy: true, Told: true, Tells: 11},
		WaitInError: true, StoppedAt: at(4), Batch: 10, Admitted: at(5), EndedBoot: "t", Unseen: Unseen{Kind: EffectPowerOn, At: at(8), Boot: "b5", Several: true}, Cause: CauseBMCError, NoGraceful: true, Applied: "s",
		StagedBoot: StagedBoot{Session: "s2", Tenant: "red", Called: true, Has: "b3", Token: "t3", Same: true, Detail: "504"},
		Left:       Leftover{State: LeftWaits, Session: "s3", Tenant: "blue", Again: true, EarlierSession: "s4", EarlierTenant: "green", Booted: true, Tries: 12, Detail: "exit 1"},
	}
}

const wholeWorkStored = `{"flight":{"kind":"power_on","at":"2026-01-02T03:01:00Z","unanswered":true},` +
	`"attempt":{"kind":"power_on","at":"2026-01-02T03:02:00Z","failed":true,"resent":true,"quiet":true,"foreign":true,"proof":{"kind":"tcp","port":22},"prepared":{"boot":"b1","configuration":"c1"},"doubtful":true,"answer":"500"},` +
	`"prepared":{"boot":"b2","configuration":"c2"},"back_off":{"until":"2026-01-02T03:03:00Z","setbacks":1,"deferral":10,"put_off":"bmc_not_ready"},` +
	`"misses":{"lost":2,"unanswered":3,"excused":4,"configuration":5},"patience":{"silent":6,"deferred":7,"graceful":8,"missing":9},` +
	`"waiting":{"for":"back_off","cause":"bmc_error","detail":"503"},"wait_in_error":true,"stopped_at":"2026-01-02T03:04:00Z","batch":10,"admitted":"2026-01-02T03:05:00Z","ended_boot":"t",` +
	`"drain":{"since":"2026-01-02T03:06:00Z","ours":true,"ready":true,"closing":"2026-01-02T03:07:00Z","healthy":true,"told":true,"tells":11},` +
	`"unseen":{"kind":"power_on","at":"2026-01-02T03:08:00Z","boot":"b5","several":true},"cause":"bmc_error","no_graceful":true,"applied":"s",` +
	`"staged_boot":{"session":"s2","tenant":"red","called":true,"has":"b3","token":"t3","same":true,"detail":"504"},` +
	`"left":{"state":"waits","session":"s3","tenant":"blue","again":true,"earlier_session":"s4","earlier_tenant":"green","booted":true,"tries":12,"detail":"exit 1"}}`

func TestTheStoredFormOfTheEnginesMemoryStaysReadable(t *testing.T) {
	work := wholeWork()
	each(t, "Work", reflect.ValueOf(work))
	written, err := json.Marshal(work)
	if err != nil || string(written) != wholeWorkStored {
		t.Errorf("%v; stored as\n%s, want\n%s\nWhat is stored in another form needs a migration", err, written, wholeWorkStored)
	}
	var read Work
	if err := json.Unmarshal([]byte(wholeWorkStored), &read); err != nil || read != work {
		t.Errorf("%v; read as %+v", err, read)
	}
	if written, err = json.Marshal(Work{}); err != nil || string(written) != "{}" {
		t.Errorf("nothing is stored as %s, %v", written, err)
	}
}

// each fails for a member without a value: the stored form does not hold it.
func each(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() {
		if v.IsZero() {
			t.Errorf("%s has no value here", name)
		}
		return
	}
	for i := range v.NumField() {
		each(t, name+"."+v.Type().Field(i).Name, v.Field(i))
	}
}

func TestWhatAComponentWaitsForNeitherHidesNorOutlivesAnErrorOfItsOwn(t *testing.T) {
	wait := Waiting{For: WaitBMC, Cause: CauseBMCUnreachable}
	r := Record{Component: Component{ID: "x1000c0s0b0n0"}}
	r.Wait(wait)
	first := r.Error
	r.Wait(Waiting{For: WaitUpstream, Cause: CauseUpstreamOutage})
	if first == "" || r.Error == first || r.Error == "" {
		t.Errorf("two waits one after the other are said as %q and %q", first, r.Error)
	}
	if r.EndWait(); r.Error != "" || r.Work != (Work{}) {
		t.Errorf("after the wait: %q, %+v", r.Error, r.Work)
	}
	r.SetError(first) // whatever the text is
	r.Wait(wait)
	if r.EndWait(); r.Error != first {
		t.Errorf("the error of its own is %q, want %q", r.Error, first)
	}
	r.SetError("")
	r.Wait(wait)
	said := "checked by hand"
	ComponentPatch{Error: &said}.Apply(&r, nil, time.Now())
	if r.EndWait(); r.Error != said {
		t.Errorf("the error that a client wrote is %q, want %q", r.Error, said)
	}
}

func TestEachReasonToWaitIsShownWithItsDetail(t *testing.T) {
	seen := make(map[string]WaitReason)
	for _, why := range WaitReasons() {
		text := Waiting{For: why, Detail: "word"}.Sentence("x1000c0s0b0n0", "s")
		if other, ok := seen[text]; ok || text == "" {
			t.Errorf("%s and %s are both shown as %q", why, other, text)
		}
		seen[text] = why
		if w := (Waiting{For: why}).Node("x1000c0s0b0n0", "s"); w.Reason != why || w.Sentence == "" {
			t.Errorf("%s is listed as %+v", why, w)
		}
	}
}
