package cli

import (
	"bytes"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const seeGuide = repository + "docs/guides/see-what-happens.md"

// asTyped runs a command line of a guide, whose names of examples stand for real ones.
func asTyped(t *testing.T, line string, stands *strings.Replacer) string {
	t.Helper()
	words := strings.Fields(stands.Replace(line))
	c := rootCommand("0")
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(words[1:])
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Errorf("%q: %v\n%s", line, err, out.String())
	}
	return out.String()
}

// TestTheGuideThatSaysHowToSeeWhatHappensDoesSoAsTyped: its commands and its requests, with
// a session that is over and one of its nodes.
func TestTheGuideThatSaysHowToSeeWhatHappensDoesSoAsTyped(t *testing.T) {
	room, service := site(t, 3)
	node := nodesOf(room)[0]
	planned(t, service.url, "nightly", "reboot")
	complete(t, service.url, "nightly")
	t.Setenv("BOS_ENDPOINT", service.url)
	t.Setenv("BOS_AUTH_TOKENS_FILE", filepath.Join(t.TempDir(), "tokens.yaml"))
	stands := strings.NewReplacer("SESSION", "nightly", "XNAME", node, "NAME", "nightly")

	says := map[string]string{
		"watch SESSION": "3 of 3 done", "why XNAME": node, "history XNAME": "session nightly", "audit": `"component":"` + node + `"`,
		"token local": "", "token make NAME --role reader": "",
	}
	typed := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)(?:^|`)(terraform-provider-bos [^`\n]*)").FindAllStringSubmatch(read(t, seeGuide), -1) {
		_, what, _ := strings.Cut(m[1], " ")
		want, known := says[what]
		if !known {
			t.Errorf("%q is in the guide, and nothing is known of what it says", m[1])
			continue
		}
		typed[what] = true
		if said := asTyped(t, m[1], stands); said == "" || !strings.Contains(said, want) {
			t.Errorf("%q says %q", m[1], said)
		}
	}
	for what := range says {
		if !typed[what] {
			t.Errorf("%q is not in the guide", what)
		}
	}
	asked := 0
	for _, m := range regexp.MustCompile("`GET (/[^`]*)`").FindAllStringSubmatch(read(t, seeGuide), -1) {
		asked++
		if status := call(t, http.MethodGet, service.url+stands.Replace(m[1]), nil, nil); status != http.StatusOK {
			t.Errorf("GET %s answers %d", m[1], status)
		}
	}
	if asked < 6 {
		t.Errorf("it has %d requests", asked)
	}
}
