package bos

import (
	"encoding/json"
	"fmt"
	"testing"
)

func patchOf(t *testing.T, text string) OptionsPatch {
	t.Helper()
	var p OptionsPatch
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOptionRanges(t *testing.T) {
	for name, r := range map[string][2]int{
		"bss_read_timeout": {10, 86400}, "cfs_read_timeout": {10, 86400}, "hsm_read_timeout": {10, 86400},
		"ims_read_timeout": {10, 86400}, "pcs_read_timeout": {10, 86400},
		"default_retry_policy": {0, 1048576}, "discovery_frequency": {0, 33554432}, "max_boot_wait_time": {0, 1048576},
		"max_component_batch_size": {0, 131071}, "max_power_off_wait_time": {0, 1048576}, "max_power_on_wait_time": {0, 1048576},
		"polling_frequency": {0, 1048576},
	} {
		for n, valid := range map[int]bool{r[0]: true, r[1]: true, r[0] - 1: false, r[1] + 1: false} {
			p := patchOf(t, fmt.Sprintf(`{%q:%d}`, name, n))
			switch err := p.Validate(); {
			case valid && err != nil:
				t.Error(err)
			case !valid:
				wantInvalid(t, err, name)
			}
			o := Options{}
			p.Apply(&o)
			var shown map[string]any
			text, err := json.Marshal(o)
			if err != nil || json.Unmarshal(text, &shown) != nil || shown[name] != float64(n) {
				t.Errorf("%s was not set to %d: %s", name, n, text)
			}
		}
	}
}

func TestOptionTexts(t *testing.T) {
	for name, values := range map[string]map[string]bool{
		"logging_level":                 {"INFO": true, "debug": true, "Critical": true, "trace": false, "": false},
		"cleanup_completed_session_ttl": {"0": true, "0m": true, "7D": true, "30m": true, "7": false, "": false},
		"component_actual_state_ttl":    {"4h": true, "1D": true, "999999w": true, "0": false, "0h": false, "30m": false, "30M": false, "": false},
	} {
		for value, valid := range values {
			err := patchOf(t, fmt.Sprintf(`{%q:%q}`, name, value)).Validate()
			if valid && err != nil {
				t.Error(err)
			}
			if !valid {
				wantInvalid(t, err, name)
			}
		}
	}
}

func TestAnOptionPatchLeavesTheRestAlone(t *testing.T) {
	o := DefaultOptions()
	OptionsPatch{}.Apply(&o)
	if o != DefaultOptions() {
		t.Errorf("%+v", o)
	}
	want := DefaultOptions()
	want.ClearStage, want.IMSErrorsFatal, want.IMSImagesMustExist, want.RejectNIDs, want.SessionLimitRequired = true, true, true, true, true
	patchOf(t, `{"clear_stage":true,"ims_errors_fatal":true,"ims_images_must_exist":true,"reject_nids":true,"session_limit_required":true}`).Apply(&o)
	if o != want {
		t.Errorf("%+v", o)
	}
}
