package bos

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAStoredOptionThatIsNotAllowedAnyMoreGetsItsDefault(t *testing.T) {
	stored := `{"component_actual_state_ttl":"30m","polling_frequency":7,"max_boot_wait_time":-1,"clear_stage":"yes","logging_level":"loud","bss_read_timeout":9.5,"gone_option":3,"default_retry_policy":null}`
	o, repairs, err := ReadOptions([]byte(stored))
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultOptions()
	want.PollingFrequency = 7
	if o != want {
		t.Errorf("options %+v, want %+v", o, want)
	}
	for _, name := range []string{"component_actual_state_ttl", "max_boot_wait_time", "clear_stage", "logging_level", "bss_read_timeout"} {
		if !strings.Contains(strings.Join(repairs, "\n"), name) {
			t.Errorf("no repair names %s: %q", name, repairs)
		}
	}
	if len(repairs) != 5 {
		t.Errorf("repairs %q, want 5", repairs)
	}
}

func TestGoodStoredOptionsAreReadAsTheyAre(t *testing.T) {
	want := DefaultOptions()
	want.ComponentActualStateTTL, want.ClearStage, want.LoggingLevel, want.MaxBootWaitTime = "2h", true, "debug", 0
	document, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if o, repairs, err := ReadOptions(document); err != nil || o != want || len(repairs) != 0 {
		t.Errorf("%+v, %q, %v", o, repairs, err)
	}
	if _, _, err := ReadOptions([]byte(`[]`)); err == nil {
		t.Error("a list was read as options")
	}
}
