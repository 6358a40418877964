package bos

import (
	"strings"
	"testing"
)

func TestKernelParametersAreOneLine(t *testing.T) {
	for _, good := range []string{"", "quiet", `console=ttyS0,115200n8 dyndbg="file a +p" root=live:s3://b/k?x=1#y`, "${net0/mac} päron"} {
		if err := CheckKernelParameters(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"quiet\n", "a\nb", "a\r", "a\tb", "\x00", "a\x7f", "a\u2028b", "a\u0085", "a\xff"} {
		if err := CheckKernelParameters(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWordsAtWhichIPXEEndsACommandAreNoKernelParameters(t *testing.T) {
	for _, good := range []string{"", "a||b", "a;b c;", "root=live:x#y", "a&&b", "&", "|"} {
		if err := CheckIPXEWords(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"quiet || shell", "&& chain http://x", "a ;", "#", "quiet #comment", `dyndbg="a ; b"`} {
		if err := CheckIPXEWords(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestACommandLineIsNoLongerThanAKernelKeeps(t *testing.T) {
	const host = "x1000c0s0b0n0"
	line := func(n int) string {
		return strings.Repeat("p", n) + " xname=" + host + " bss_referral_token=" + strings.Repeat("t", 36)
	}
	most := MaxCommandLine - len(line(0))
	if err := CheckCommandLine(host, "", strings.Repeat("p", most)); err != nil {
		t.Errorf("a line of %d bytes: %v", len(line(most)), err)
	}
	err := CheckCommandLine(host, "", strings.Repeat("p", most+1))
	if err == nil || !strings.Contains(err.Error(), "2048") || !strings.Contains(err.Error(), "by 1") {
		t.Errorf("a line of %d bytes: %v", len(line(most+1)), err)
	}
}
