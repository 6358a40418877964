package bos

import (
	"encoding/json"
	"testing"
)

// FuzzStoredOptions reads any stored options: what comes out may be set by a
// client, and reads as itself.
func FuzzStoredOptions(f *testing.F) {
	for _, s := range []string{`{}`, `{"component_actual_state_ttl":"30m"}`, `{"max_boot_wait_time":1e3,"clear_stage":null}`, `[]`, `{"logging_level":"DEBUG","logging_level":"x"}`, `{"Clear_Stage":true}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		o, _, err := ReadOptions(document)
		if err != nil {
			return
		}
		stored, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if again, repairs, err := ReadOptions(stored); err != nil || again != o || len(repairs) > 0 {
			t.Errorf("%q is read as %s, and that with %q, %v", document, stored, repairs, err)
		}
	})
}
