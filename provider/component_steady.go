package provider

import (
	"bytes"
	"encoding/base64"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// steadyComponent reports whether what is kept beside the state of a component
// changes nothing in its plan: no wait goes on, and its configuration asks for
// the enabled that was asked for before. It looks at the encoded values, which
// is what makes it worth its while; where it is not sure it says no.
func steadyComponent(config *tfprotov6.DynamicValue, private []byte) bool {
	if config == nil || bytes.Contains(private, []byte(`"`+privateWaiting+`"`)) {
		return false
	}
	wanted := enabledIn(config.MsgPack)
	for _, asked := range []string{"true", "false", "null"} {
		if keeps(private, privateAsked, asked) {
			return wanted == asked
		}
	}
	return wanted == "null" && !keeps(private, privateConfigured, "true") || wanted != "" && keeps(private, privateImported, isImported)
}

// keeps reports whether the framework's private data, which is JSON with values
// in base 64, have the value.
func keeps(private []byte, key, value string) bool {
	return bytes.Contains(private, []byte(`"`+key+`":"`+base64.StdEncoding.EncodeToString([]byte(value))+`"`))
}

// enabledIn finds the value of enabled in a component's configuration, which is
// MessagePack: the name as a string of seven bytes, and the value right after it.
// It is empty for an unknown value, and where a text looks like it.
func enabledIn(config []byte) string {
	name := []byte("\xa7enabled")
	_, after, _ := bytes.Cut(config, name)
	if len(after) == 0 || bytes.Contains(after, name) {
		return ""
	}
	return map[byte]string{0xc0: "null", 0xc2: "false", 0xc3: "true"}[after[0]]
}

// steadyTenant reports whether the tenant of a component stays: it has its own, which
// is then in what Terraform proposes, or that of the provider block is the one in state.
func steadyTenant(config, prior *tfprotov6.DynamicValue, ofProvider *types.String) bool {
	if ofProvider == nil {
		return true
	}
	own, ok := tenantIn(config.MsgPack)
	if ok && own[0] != 0xc0 { // not null
		return true
	}
	there, found := tenantIn(prior.MsgPack)
	text := ofProvider.ValueString()
	switch {
	case !ok || !found || ofProvider.IsUnknown():
		return false
	case text == "":
		return there[0] == 0xc0
	case len(text) < 32:
		return bytes.HasPrefix(there, append([]byte{0xa0 | byte(len(text))}, text...))
	default:
		return bytes.HasPrefix(there, append([]byte{0xd9, byte(len(text))}, text...))
	}
}

// tenantIn is what follows the name of tenant in an object; not ok where that is not
// there, or a text looks like it.
func tenantIn(object []byte) (value []byte, ok bool) {
	name := []byte("\xa6tenant")
	_, after, _ := bytes.Cut(object, name)
	return after, len(after) > 0 && !bytes.Contains(after, name)
}

// xnameIn is the xname in the configuration of a component; not ok while it is not
// known, and where a text looks like its name.
func xnameIn(config []byte) (xname string, ok bool) {
	name := []byte("\xa5xname")
	_, after, _ := bytes.Cut(config, name)
	if len(after) < 2 || bytes.Contains(after, name) {
		return "", false
	}
	length, text := 0, after[1:]
	switch kind := after[0]; {
	case kind&0xe0 == 0xa0: // a string of up to 31 bytes
		length = int(kind & 0x1f)
	case kind == 0xd9: // one of up to 255, its length in a byte
		length, text = int(after[1]), after[2:]
	}
	if length == 0 || length > len(text) {
		return "", false
	}
	return string(text[:length]), true
}
