package config

import (
	"strings"
	"testing"
)

// TestASecretInTheWrongPlaceIsNotRepeated: what is wrong with a file goes to logs and to
// who asks for help with it.
func TestASecretInTheWrongPlaceIsNotRepeated(t *testing.T) {
	const secret = "SEKRET7"
	for name, text := range map[string]string{
		"a user in a URL":             `inventory: { hsm: { url: "http://u:SEKRET7@h/hsm/v2" } }`,
		"a user in what is no URL":    `inventory: { hsm: { url: "http://u:SEKRET7@h:bad port/" } }`,
		"a token in the query":        `inventory: { hsm: { url: "http://h/hsm/v2?token=SEKRET7" } }`,
		"a token behind a hash":       `boot_parameters: { bss: { url: "http://h/boot/v1#SEKRET7" } }`,
		"a query of a prefix":         `artifacts: { http: { prefixes: ["https://h/x/?sig=SEKRET7"] } }`,
		"a query of nodes' address":   `boot_parameters: { builtin: { url: "http://h/?k=SEKRET7" } }`,
		"a password as it is":         `power: { redfish: { credentials: { user: root, password: SEKRET7 } } }`,
		"a user and a password":       `power: { redfish: { credentials: "root:SEKRET7" } }`,
		"taken for an alias":          `power: { redfish: { credentials: { user: root, password_env: *SEKRET7 } } }`,
		"for a duration":              `power: { redfish: { read_timeout: SEKRET7 } }`,
		"for a duration, with quotes": `power: { redfish: { read_timeout: 'a"SEKRET7"b' } }`,
		"for a number":                `power: { redfish: { concurrency: SEKRET7 } }`,
		"for yes or no":               `power: { redfish: { insecure: SEKRET7 } }`,
		"without its end":             `power: { redfish: { credentials: { user: root, password_env: "SEKRET7 } } }`,
		"with a tag":                  `power: { redfish: { credentials: { user: root, password_env: !SEKRET7 x } } }`,
		"that begins like none":       "power: { redfish: { credentials: { user: root, password_env: @SEKRET7 } } }",
		"as a reserved character":     "power: { redfish: { credentials: { user: root, password_env: `SEKRET7 } } }",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, text)
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Error(err)
			}
		})
	}
}
