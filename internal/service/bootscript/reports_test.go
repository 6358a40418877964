package bootscript

import (
	"context"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAScriptSaysWhereToReport(t *testing.T) {
	own := plain
	own.KernelParameters = "quiet bos_api=https://gateway/apis/bos"
	long := plain
	long.KernelParameters = strings.Repeat("a", bos.MaxCommandLine-len("initrd=initrd xname="+nodeA+" nid=4294967295 bss_referral_token=")-36-1)
	for name, tc := range map[string]struct {
		config Config
		boots  bos.BootArtifacts
		says   string
	}{
		"where it asks":                        {Config{Reports: true}, plain, "bos_api=http://bos:8771 initrd=initrd xname="},
		"where scripts are, by the settings":   {Config{Reports: true, URL: "https://10.1.0.1:8771/boot/v1"}, plain, "bos_api=https://10.1.0.1:8771 "},
		"the same at the path of CSM":          {Config{Reports: true, URL: "https://gw/apis/bss/boot/v1"}, plain, "bos_api=https://gw "},
		"not where only scripts are known":     {Config{Reports: true, URL: "https://gw/nodes/scripts"}, plain, ""},
		"where reports are, by the settings":   {Config{Reports: true, URL: "https://gw/nodes/scripts", ReportURL: "http://10.1.0.1:8772"}, plain, "bos_api=http://10.1.0.1:8772 "},
		"where the template says":              {Config{Reports: true}, own, ""},
		"nowhere where none are taken":         {Config{}, plain, ""},
		"nowhere where a line has no room for": {Config{Reports: true}, long, ""},
	} {
		s := newSite(t, func(c *Config) { c.Reports, c.URL, c.ReportURL = tc.config.Reports, tc.config.URL, tc.config.ReportURL })
		s.token = func() string { return strings.Repeat("t", 36) }
		s.write(tc.boots, nodeA)
		_, script := s.from(ipA, "name="+nodeA)
		line := strings.ReplaceAll(kernelLine(script), own.KernelParameters, "")
		if line == "" || tc.says == "" && strings.Contains(line, "bos_api=") || !strings.Contains(line, tc.says) {
			t.Errorf("%s: %.200s", name, line)
		}
	}
}

func withNodeTokens(c *Config) {
	c.NodeToken = func(_ context.Context, xname, referral string) (string, error) {
		return bos.NodeToken(make([]byte, bos.NodeKeySize), xname, referral), nil
	}
}

// One write gives both nodes the same referral token; what proves who they are differs.
func TestEachNodeHasATokenOfItsOwn(t *testing.T) {
	s := newSite(t, withNodeTokens)
	s.write(plain, nodeA, nodeB)
	var tokens []string
	for _, node := range []struct{ id, ip, query string }{{nodeA, ipA, "name=" + nodeA}, {nodeB, ipB, "mac=" + macB}} {
		_, script := s.from(node.ip, node.query)
		_, rest, _ := strings.Cut(kernelLine(script), " bos_node_token=")
		token, _, _ := strings.Cut(rest, " ")
		if !bos.CheckNodeToken(make([]byte, bos.NodeKeySize), node.id, "token-1", token) {
			t.Errorf("%s has %q in\n%s", node.id, token, script)
		}
		tokens = append(tokens, token)
	}
	if tokens[0] == tokens[1] {
		t.Error("both have the same token")
	}
	if _, script := s.from("10.9.9.9", "name="+nodeA); strings.Contains(script, "bos_node_token") {
		t.Errorf("somebody else is handed a token:\n%s", script)
	}
}

// A token at the end of a line that is too long would be lost without a word.
func TestParametersLeaveRoomForTheNodesToken(t *testing.T) {
	fits := bos.MaxCommandLine - len(bos.ScriptAdds) - len(" xname="+nodeA+" bss_referral_token=") - 36
	for _, tc := range []struct {
		change func(*Config)
		length int
		ok     bool
	}{
		{func(*Config) {}, fits, true},
		{func(*Config) {}, fits + 1, false},
		{withNodeTokens, fits - nodeTokenAdds, true},
		{withNodeTokens, fits - nodeTokenAdds + 1, false},
	} {
		s := newSite(t, tc.change)
		s.token = func() string { return strings.Repeat("t", 36) }
		boots := plain
		boots.KernelParameters = strings.Repeat("a", tc.length)
		_, err := s.Write(t.Context(), []string{nodeA}, boots)
		if (err == nil) != tc.ok {
			t.Errorf("%d bytes: %v", tc.length, err)
			continue
		}
		_, script := s.from(ipA, "name="+nodeA)
		if _, line, _ := strings.Cut(kernelLine(script), boots.Kernel+" "); tc.ok && len(strings.TrimSuffix(line, " || goto boot_retry")) > bos.MaxCommandLine {
			t.Errorf("%d bytes make a line of %d", tc.length, len(line))
		}
	}
}
