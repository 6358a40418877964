package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestALogIsJSONWhereNobodyReadsItUnlessASettingSaysOtherwise(t *testing.T) {
	for format, want := range map[string]string{"": "json", "auto": "json", "json": "json", "text": "text"} {
		var out bytes.Buffer
		log, err := logTo(&out, format)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("a node", "id", "x1")
		var fields map[string]any
		switch err := json.Unmarshal(out.Bytes(), &fields); {
		case want == "json" && (err != nil || fields["msg"] != "a node" || fields["id"] != "x1"):
			t.Errorf("%q writes %s", format, &out)
		case want == "text" && !strings.Contains(out.String(), `msg="a node" id=x1`):
			t.Errorf("%q writes %s", format, &out)
		}
	}
	if _, err := logTo(&bytes.Buffer{}, "xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) || !strings.Contains(err.Error(), "BOS_LOG_FORMAT") {
		t.Errorf("a form that there is not: %v", err)
	}
}
