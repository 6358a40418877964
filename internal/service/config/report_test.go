package config

import (
	"strings"
	"testing"
)

func TestAWrongSettingOfReportsIsNamed(t *testing.T) {
	const builtin = "boot_parameters: { builtin: {} }\n"
	for text, want := range map[string]string{
		builtin + "report: { node_tokens: required }":                                        "",
		builtin + "report: { node_tokens: optional }":                                        "",
		builtin + "report: { node_tokens: none }":                                            "",
		"report: { node_tokens: none }":                                                      "",
		builtin + "report: { node_tokens: true }":                                            `report.node_tokens "true" is none of`,
		"report: { node_tokens: required }":                                                  "report.node_tokens needs boot_parameters.builtin",
		"boot_parameters: { bss: { url: 'http://bss' } }\nreport: { node_tokens: optional }": "report.node_tokens needs boot_parameters.builtin",
		"report: { url: 'http://u:p@x' }":                                                    "report.url holds a user",
		"report: { url: '10.1.0.1:8771' }":                                                   "report.url",
		"report: { listen: '10.1.0.1:8772', any_source: true }":                              "",
		"report: { boot_proof: phone_home }":                                                 "",
		"report: { boot_proof: ssh }":                                                        `report.boot_proof: "ssh" is no proof`,
		"report: { boot_proof: hsm_ready }":                                                  "needs inventory.hsm",
		"report: { boot_proof: 'tcp:22' }":                                                   "needs inventory.hsm or inventory.file",
		"inventory: { hsm: { url: 'http://smd' } }\nreport: { boot_proof: 'tcp:22' }":        "",
		"report: { token: x }":                                                               "token",
	} {
		c, err := load(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err == nil && c.Report.HandsOutTokens() != (strings.Contains(text, "required") || strings.Contains(text, "optional")) {
			t.Errorf("%q: %+v", text, c.Report)
		}
	}
}
