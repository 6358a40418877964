package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func from(text string) sources {
	found := parseWords(text)
	return sources{func(word string) string { return found[word] }}
}

const line = "initrd=initrd xname=x3000c0s1b0n0 nid=7 bss_referral_token=T bos_node_token=S console=ttyS0 bos_api=10.0.2.2:8770 bos_update_frequency=8h"

func TestTheKernelsCommandLineHasAllThatAReportNeeds(t *testing.T) {
	s, err := from(line).settings()
	want := Settings{API: "http://10.0.2.2:8770", Xname: "x3000c0s1b0n0", Token: "T", NodeToken: "S", Frequency: 8 * time.Hour}
	if err != nil || s != want {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
}

func TestWordsAreReadAsTheKernelReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		"xname=a xname=b":                  "a", // identity comes first, parameters of a template after it
		"\txname=a\n":                      "a",
		`dyndbg="file x xname=c" xname=a`:  "a",
		`xname="a"`:                        "a",
		`"xname=a"`:                        "a",
		"noxname=b xname=a":                "a",
		"# xname=c\nxname=a":               "a",
		"xname":                            "",
		"xname= xname=a":                   "",
		`xname=a" b`:                       "a b",
		"":                                 "",
		"root=live:http://x/y?a=b xname=a": "a",
	} {
		if got := parseWords(text)["xname"]; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsMissingOrWrongIsNamed(t *testing.T) {
	for change, want := range map[string]string{
		"xname=x3000c0s1b0n0":     "which node this is",
		"bss_referral_token=T":    "what this node has booted",
		"bos_api=10.0.2.2:8770":   "where BOS is",
		"bos_update_frequency=8h": "",
		"bos_node_token=S":        "",
	} {
		_, err := from(strings.ReplaceAll(line, change, "")).settings()
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), want)) {
			t.Errorf("without %s: %v, want %q", change, err, want)
		}
	}
	for word, want := range map[string]string{
		"bos_api=ftp://x":                            "no address",
		"bos_api=http://user:geheim@x":               "no address",
		"bos_api=http://x?y=z":                       "no address",
		"bos_api=http://":                            "no address",
		"bos_update_frequency=often":                 "no time such as 4h",
		"bos_update_frequency=0h":                    "no time such as 4h",
		"bos_update_frequency=h":                     "no time such as 4h",
		"xname=" + strings.Repeat("x", 2000):         "more than",
		"bos_token_file=/x bos_api=http://10.0.0.1":  "plain http",
		"bos_token_file=/x bos_api=https://10.0.0.1": "",
		"bos_token_file=/x bos_api=http://127.0.0.1": "",
	} {
		_, err := from(word + " " + line).settings()
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, want %q", word, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("a password is in %q", err)
		}
	}
}

func TestFrequenciesHaveTheUnitsOfOptions(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 4 * time.Hour, "1h": time.Hour, "2D": 48 * time.Hour, "1w": 7 * 24 * time.Hour, "90m": 90 * time.Minute,
		"5s": time.Minute, "99999w": maxFrequency,
	} {
		if got, err := frequency(text); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestFlagsWinOverTheEnvironmentThatOverTheLineAndThatOverTheFile(t *testing.T) {
	dir := t.TempDir()
	kernel, file := filepath.Join(dir, "cmdline"), filepath.Join(dir, "report.conf")
	write(t, kernel, "xname=line bss_referral_token=line bos_ca_file=line")
	write(t, file, "# of this site\nxname=file\nbss_referral_token=file\nbos_ca_file=file\nbos_api=file\n")
	ofLine, err := words(kernel)
	if err != nil {
		t.Fatal(err)
	}
	ofFile, err := words(file)
	if err != nil {
		t.Fatal(err)
	}
	none, err := words(filepath.Join(dir, "none"))
	if err != nil {
		t.Fatal(err)
	}
	env := environment(func(name string) string {
		return map[string]string{"NODE_IDENTITY": "environment", "BOS_REFERRAL_TOKEN": "environment"}[name]
	})
	s := sources{from("xname=flag")[0], env, none, ofLine, ofFile}
	for word, want := range map[string]string{WordXname: "flag", WordToken: "environment", WordCAFile: "line", WordAPI: "file", WordNodeToken: ""} {
		if got := s.find(word); got != want {
			t.Errorf("%s is %q, want that of %q", word, got, want)
		}
	}
}

func TestAFileThatIsNoListOfWordsIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	write(t, path, strings.Repeat("x", maxWords+1))
	if _, err := words(path); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
