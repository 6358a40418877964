package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const contrib = "../../contrib/report/"

// The unit as it is shipped, with a program that exists here.
func TestTheUnitIsOneThatSystemdTakes(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	text, err := os.ReadFile(contrib + "bos-report.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "bos-report.service")
	write(t, unit, strings.ReplaceAll(string(text), "/usr/bin/bos-report", "/bin/true"))
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	// 20 of 100 is what systemd calls OK; a service without any hardening has 96.
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager", "--threshold=20", unit).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the hook of the initrd starts for which command line.
func TestTheHookOfTheInitrdHoldsTheBootUpForAWhileOnly(t *testing.T) {
	hook, err := filepath.Abs(contrib + "dracut/90bos-report/bos-report.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := "#!/bin/sh\necho ran \"$@\"\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "bos-report"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	// getarg, vinfo and warn are functions of dracut, which sources its hooks.
	const dracut = `
getarg() { for word in $CMDLINE; do case "$word" in "$1"*) echo "${word#"$1"}"; return 0;; esac; done; return 1; }
vinfo() { while read -r line; do echo "info: $line"; done; }
warn() { echo "warn: $*"; }
set -e
. "$HOOK"
echo boots on
`
	for line, want := range map[string]string{
		"quiet":                                                   "boots on\n",
		"xname=a bss_referral_token=T":                            "info: ran --once --timeout 30s\nboots on\n",
		"bss_referral_token=T rd.bos.report=5":                    "info: ran --once --timeout 5s\nboots on\n",
		"bss_referral_token=T rd.bos.report=0":                    "boots on\n",
		"bss_referral_token=T rd.bos.report=-1":                   "warn: bos-report: rd.bos.report=-1 is no number of seconds; 30 are taken\ninfo: ran --once --timeout 30s\nboots on\n",
		"bss_referral_token=T rd.bos.report=1;reboot":             "warn: bos-report: rd.bos.report=1;reboot is no number of seconds; 30 are taken\ninfo: ran --once --timeout 30s\nboots on\n",
		"bss_referral_token=T rd.bos.report=99999999999999999999": "warn: bos-report: rd.bos.report=99999999999999999999 is no number of seconds; 30 are taken\ninfo: ran --once --timeout 30s\nboots on\n",
	} {
		sh := exec.CommandContext(t.Context(), "sh", "-c", dracut)
		sh.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "CMDLINE=" + line, "HOOK=" + hook}
		out, err := sh.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q: %v\n%s, want\n%s", line, err, out, want)
		}
	}
}

func TestDracutBuildsAnInitrdThatReports(t *testing.T) {
	dracut, err := exec.LookPath("dracut")
	if err != nil {
		t.Skip("dracut is not installed")
	}
	const installed = "/usr/lib/dracut"
	if _, err := os.Stat(installed + "/modules.d/40network"); err != nil {
		t.Skip("dracut has no network modules (package dracut-network)")
	}
	dir := t.TempDir()
	base, programs, image := filepath.Join(dir, "base"), filepath.Join(dir, "bin"), filepath.Join(dir, "image")
	module, err := filepath.Abs(contrib + "dracut/90bos-report")
	if err != nil {
		t.Fatal(err)
	}
	script := `set -e; cp -a "$1" "$2"; cp -a "$3" "$2/modules.d/"; mkdir "$4"; printf '#!/bin/sh\n' > "$4/bos-report"; chmod +x "$4/bos-report"`
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", script, "-", installed, base, module, programs).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	build := exec.CommandContext(t.Context(), dracut, "--force", "--no-kernel", "--kver", "none", "--no-hostonly", "--no-compress", "--nostrip",
		"--tmpdir", dir, "--modules", "base network-legacy network bos-report", image)
	build.Env = append(os.Environ(), "dracutbasedir="+base, "DRACUT_PATH="+programs+" /sbin /bin /usr/sbin /usr/bin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list, err := exec.CommandContext(t.Context(), "lsinitrd", image).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, list)
	}
	for _, want := range []string{"bin/bos-report\n", "hooks/pre-pivot/90-bos-report.sh\n"} {
		if !bytes.Contains(list, []byte(want)) {
			t.Errorf("the image has no %s", want)
		}
	}
}
