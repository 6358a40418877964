package bootscript

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// kernelLine is the line of a script that loads the kernel.
func kernelLine(script string) string {
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "kernel ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// TestANodeIsToldOverWhichInterfaceItAsked: with several, its initrd would try another.
func TestANodeIsToldOverWhichInterfaceItAsked(t *testing.T) {
	const bootif = "BOOTIF=01-00-40-a6-5f-a5-ac"
	own := plain
	own.KernelParameters = "quiet BOOTIF=01-11-22-33-44-55-66"
	long := plain
	long.KernelParameters = strings.Repeat("a", bos.MaxCommandLine-len("initrd=initrd xname="+nodeA+" nid=4294967295 bss_referral_token=")-36-1)
	for name, tc := range map[string]struct {
		query  string
		boots  bos.BootArtifacts
		off    bool
		says   string
		silent string
	}{
		"by MAC address":           {"mac=" + macA, plain, false, bootif + " initrd=initrd xname=", ""},
		"by MAC address as a name": {"name=0040A65FA5AC", plain, false, bootif, ""},
		"by xname":                 {"name=" + nodeA, plain, false, "", "BOOTIF"},
		"by NID":                   {"nid=1", plain, false, "", "BOOTIF"},
		"with one of the template": {"mac=" + macA, own, false, "BOOTIF=01-11-22-33-44-55-66", bootif},
		"switched off":             {"mac=" + macA, plain, true, "", "BOOTIF"},
		"where there is no room":   {"mac=" + macA, long, false, "aaa", "BOOTIF"},
	} {
		s := newSite(t, func(c *Config) { c.NoBootIF = tc.off })
		s.token = func() string { return strings.Repeat("t", 36) }
		s.write(tc.boots, nodeA)
		_, script := s.from(ipA, tc.query)
		line := kernelLine(script)
		if !strings.Contains(line, tc.says) || tc.silent != "" && strings.Contains(line, tc.silent) || len(line) > bos.MaxCommandLine+100 {
			t.Errorf("%s: %.200s", name, line)
		}
	}
}

// TestPathsOfObjectsWithinParametersAreLinkedTo: an initrd has no keys either.
func TestPathsOfObjectsWithinParametersAreLinkedTo(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Link = func(_ context.Context, path string) (string, error) {
			if strings.Contains(path, "secret") {
				return "", errors.New("s3://secret is none of the buckets")
			}
			return "http://s3/" + strings.TrimPrefix(path, "s3://") + "?X-Amz-Signature=1&X-Amz-Date=2", nil
		}
	})
	a := plain
	a.KernelParameters = `root=live:s3://boot-images/1/rootfs nmd_data=url=s3://boot-images/1/rootfs,etag=abc quiet`
	s.write(a, nodeA)
	_, script := s.from(ipA, "name="+nodeA)
	const link = "http://s3/boot-images/1/rootfs?X-Amz-Signature=1&X-Amz-Date=2"
	if want := " root=live:" + link + " nmd_data=url=" + link + ",etag=abc quiet || goto boot_retry"; !strings.HasSuffix(kernelLine(script), want) {
		t.Errorf("%s", kernelLine(script))
	}
	for text, says := range map[string]string{
		"root=s3://secret/key": "none of the buckets",
		"root=s3://boot-images/1/rootfs " + strings.Repeat("a", 1890): "with 36 bytes of links",
	} {
		a.KernelParameters = text
		_, err := s.Write(t.Context(), []string{nodeA}, a)
		var failed *bos.CallError
		if !errors.As(err, &failed) || failed.Outcome != bos.CallRefused || !strings.Contains(failed.Detail, says) {
			t.Errorf("%.40s: %v", text, err)
		}
		body := `{"hosts":["` + nodeA + `"],"kernel":"k","params":"` + text + `"}`
		if w := s.api(http.MethodPut, "/boot/v1/bootparameters", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%.40s: answered %d %s", text, w.Code, w.Body)
		}
	}
}

// TestAPassageThatNobodyFillsInIsWarnedOf: other services put a token there.
func TestAPassageThatNobodyFillsInIsWarnedOf(t *testing.T) {
	var log strings.Builder
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	a := plain
	a.KernelParameters = "ip=${net0/ip} mac=${mac}"
	s.write(a, nodeA)
	if log.Len() > 0 {
		t.Errorf("settings of iPXE are warned of: %s", &log)
	}
	a.KernelParameters = "spire_join_token=${SPIRE_JOIN_TOKEN}"
	s.write(a, nodeA)
	if !strings.Contains(log.String(), "SPIRE_JOIN_TOKEN") || !strings.Contains(log.String(), nodeA) {
		t.Errorf("logged %s", &log)
	}
}
