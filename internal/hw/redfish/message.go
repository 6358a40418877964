package redfish

import "encoding/json"

// maxMessage bounds what of a BMC's message is shown, in bytes.
const maxMessage = 300

// message is what a BMC says about an error, with a separator in front; empty
// if it says nothing.
func message(body []byte) string {
	var e struct {
		Message string
		Error   struct {
			Message  string            `json:"message"`
			Extended []json.RawMessage `json:"@Message.ExtendedInfo"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	text := e.Message
	if text == "" {
		text = e.Error.Message
	}
	for _, raw := range e.Error.Extended {
		var m struct{ Message string }
		if json.Unmarshal(raw, &m) == nil && m.Message != "" {
			text = m.Message
			break
		}
	}
	if text == "" {
		return ""
	}
	return ": " + text[:min(len(text), maxMessage)]
}
