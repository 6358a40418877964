package redfish

import (
	"encoding/json"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// refusal is what a BMC means by not doing what it was asked to.
type refusal int

const (
	// refusedPlainly: it says no, or why in words of its own.
	refusedPlainly refusal = iota
	// refusedForNow: it does not do it in its present state, which passes.
	refusedForNow
	// refusedAsUnknown: it has no such action, or no such value of it.
	refusedAsUnknown
	// refusedLogin: it does not accept the user and password.
	refusedLogin
)

// meaningOf are the messages of Redfish's registries and of makes that say which it
// is, by the last part of their id: the registry and its version before it differ
// from make to make.
var meaningOf = map[string]refusal{
	// Base
	"ServiceTemporarilyUnavailable": refusedForNow,
	"ServiceInUnknownState":         refusedForNow,
	"ServiceShuttingDown":           refusedForNow,
	"ResourceInUse":                 refusedForNow,
	"ResourceInStandby":             refusedForNow,
	"OperationTimeout":              refusedForNow,
	"ActionNotSupported":            refusedAsUnknown,
	"ActionParameterNotSupported":   refusedAsUnknown,
	"ActionParameterUnknown":        refusedAsUnknown,
	"ActionParameterValueNotInList": refusedAsUnknown,
	"ActionParameterValueTypeError": refusedAsUnknown,
	"PropertyValueNotInList":        refusedAsUnknown,
	// Of a system that is where the reset leads, the power is read before.
	"InvalidOperationForSystemState": refusedForNow,
	// iLO
	"UnableToModifyDuringSystemPOST": refusedForNow,
	"UnauthorizedLoginAttempt":       refusedLogin,
	// iDRAC: it is not ready, or its Lifecycle Controller is not.
	"SWC0700": refusedForNow,
	"RAC0508": refusedForNow,
}

// meaning is what a BMC means by an answer that is none of success. Of several
// messages, one that it is for now counts first.
func meaning(res *transport.Response) refusal {
	if res == nil {
		return refusedPlainly
	}
	found := refusedPlainly
	for _, id := range messageIDs(res.Body) {
		switch is := meaningOf[id[strings.LastIndexByte(id, '.')+1:]]; is {
		case refusedForNow, refusedLogin:
			return is
		case refusedAsUnknown:
			found = is
		case refusedPlainly:
		}
	}
	return found
}

// messageIDs are the ids of the messages of an error, the code of it among them.
func messageIDs(body []byte) []string {
	type described struct {
		Code     string
		Extended json.RawMessage `json:"@Message.ExtendedInfo"`
	}
	var e struct {
		described
		Error json.RawMessage
		// Messages is the list of iLO from before Redfish.
		Messages json.RawMessage
	}
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	below := described{}
	_ = json.Unmarshal(e.Error, &below) // an error of another shape says nothing
	ids := []string{below.Code, e.Code}
	for _, raw := range []json.RawMessage{below.Extended, e.Extended, e.Messages} {
		for _, m := range listed(raw) {
			ids = append(ids, m.MessageID)
		}
	}
	return ids
}

// extendedMessage is one of the messages of an error. Old firmware writes MessageID.
type extendedMessage struct {
	Message   string
	MessageID string
	// MessageArgs are what its text would be about; some makes write no text.
	MessageArgs json.RawMessage
}

// text is what it says, or else what it is called.
func (m extendedMessage) text() string {
	if m.Message != "" || m.MessageID == "" {
		return m.Message
	}
	name := m.MessageID[strings.LastIndexByte(m.MessageID, '.')+1:]
	var args []string
	if json.Unmarshal(m.MessageArgs, &args) != nil || len(args) == 0 {
		return name
	}
	return name + " (" + strings.Join(args, ", ") + ")"
}

// listed are extended messages, which come as a list or alone.
func listed(raw json.RawMessage) []extendedMessage {
	var list []extendedMessage
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var alone extendedMessage
	if json.Unmarshal(raw, &alone) != nil {
		return nil
	}
	return []extendedMessage{alone}
}
