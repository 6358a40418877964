package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPinsThatAreWrittenAreReadAndTheRestOfTheFileStays(t *testing.T) {
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	before := "# rack 3\n\nx3000c0s2b0 " + a + "\n# rack 4\nx3000c0s10b0\t" + a + "\nx3000c0s2b0 " + a + "\n"
	text := WithPins(before, map[string]string{"x3000c0s2b0": b, "x3000c0s9b0": c, "x3000c0s11b0": c})
	want := "# rack 3\n\nx3000c0s2b0 " + b + "\n# rack 4\nx3000c0s10b0\t" + a + "\nx3000c0s9b0 " + c + "\nx3000c0s11b0 " + c + "\n"
	if text != want {
		t.Errorf("the file is\n%swant\n%s", text, want)
	}
	file := filepath.Join(t.TempDir(), "pins")
	for _, text := range []string{text, WithPins("", map[string]string{"x3000c0s2b0": b})} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pins, err := Redfish{PinsFile: file}.Pins()
		if err != nil || pins["x3000c0s2b0"] != b {
			t.Errorf("%v, %v", pins, err)
		}
	}
}
