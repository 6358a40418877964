package redfish

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const resetAction = "#ComputerSystem.Reset"

// The reset types that are sent.
const (
	resetOn       = "On"
	resetGraceful = "GracefulShutdown"
	resetForceOff = "ForceOff"
	// What some BMCs have instead of them, or besides. Beside ForceOff, and without
	// GracefulShutdown, Off is the graceful one: so it is on Cray's node controllers,
	// which PCS sends it for that. Where there is no ForceOff it stands for that.
	resetForceOn = "ForceOn"
	resetOff     = "Off"
)

// meanings are the reset types that do the same, the one to prefer first.
var meanings = map[string][]string{
	resetOn:       {resetOn, resetForceOn},
	resetGraceful: {resetGraceful},
	resetForceOff: {resetForceOff, resetOff},
}

// resetTypes are the values of Redfish's ResetType.
var resetTypes = []string{
	resetOn, resetForceOff, resetGraceful, "GracefulRestart", "ForceRestart", "Nmi", resetForceOn,
	"PushPowerButton", "PowerCycle", "Suspend", "Pause", "Resume", "FullPowerCycle", resetOff,
}

// reset is what a BMC says about the reset action of a system.
type reset struct {
	target string
	types  []string
}

// or is what is known of the action, with what another knows of the rest.
func (r reset) or(other reset) reset {
	if r.target == "" {
		r.target = other.target
	}
	if len(r.types) == 0 {
		r.types = other.types
	}
	return r
}

// powerState reads the PowerState of a ComputerSystem. The transitional states
// are kept; paused is on: the node draws power and keeps its memory.
func powerState(word string) bos.PowerState {
	switch strings.ToLower(word) {
	case "on", "paused":
		return bos.PowerStateOn
	case "off":
		return bos.PowerStateOff
	case "poweringon":
		return bos.PowerStatePoweringOn
	case "poweringoff":
		return bos.PowerStatePoweringOff
	default:
		return bos.PowerStateUnknown
	}
}

// powerWord finds the PowerState in a ComputerSystem, empty if it has none.
func powerWord(body []byte) (string, error) {
	var s struct{ PowerState *string }
	if err := json.Unmarshal(body, &s); err != nil || s.PowerState == nil {
		return "", err
	}
	return *s.PowerState, nil
}

// parseActions finds the reset action in a ComputerSystem; info is where its
// values are described, empty if nowhere.
func parseActions(body []byte) (found reset, info string, err error) {
	var s struct {
		Actions map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return reset{}, "", err
	}
	var a struct {
		Target string          `json:"target"`
		Info   string          `json:"@Redfish.ActionInfo"`
		Types  json.RawMessage `json:"ResetType@Redfish.AllowableValues"`
	}
	if raw, ok := s.Actions[resetAction]; ok {
		if err := json.Unmarshal(raw, &a); err != nil {
			return reset{}, "", err
		}
	}
	found.target = a.Target
	if json.Unmarshal(a.Types, &found.types) != nil {
		found.types = nil
	}
	return found, a.Info, nil
}

// parseActionInfo finds the values of ResetType in an ActionInfo.
func parseActionInfo(body []byte) ([]string, error) {
	var info struct {
		Parameters []struct {
			Name            string
			AllowableValues []string
		}
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, err
	}
	for _, p := range info.Parameters {
		if p.Name == "ResetType" {
			return p.AllowableValues, nil
		}
	}
	return nil, nil
}

// advertises reports whether kind is among the advertised types. Supermicro
// joins two of them to one word by mistake.
func advertises(types []string, kind string) bool {
	return slices.ContainsFunc(types, func(t string) bool {
		return t == kind || slices.Contains(split(t), kind)
	})
}

// candidates are the reset types to send for kind, one after the other until
// one is taken: those that are advertised, or kind itself if none is, because
// what BMCs advertise is not always all they do.
func candidates(kind string, types []string) []string {
	if kind == resetGraceful && offIsGraceful(types) {
		return []string{resetOff}
	}
	found := slices.DeleteFunc(slices.Clone(meanings[kind]), func(t string) bool { return !advertises(types, t) })
	if len(found) == 0 {
		return []string{kind}
	}
	return found
}

// offIsGraceful reports whether Off is what a BMC has for a graceful shutdown.
func offIsGraceful(types []string) bool {
	return !advertises(types, resetGraceful) && advertises(types, resetOff) && advertises(types, resetForceOff)
}

// split takes a word apart that consists of two reset types; nil if it does not.
func split(word string) []string {
	if slices.Contains(resetTypes, word) {
		return nil
	}
	for _, first := range resetTypes {
		if second, ok := strings.CutPrefix(word, first); ok && slices.Contains(resetTypes, second) {
			return []string{first, second}
		}
	}
	return nil
}

// message is what a BMC says about an error: Redfish's extended messages, the
// simpler forms that emulators and old firmware use, or plain text.
func message(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return "" // the page of a web server says less than the status
	}
	type words struct {
		Message  json.RawMessage
		Extended json.RawMessage `json:"@Message.ExtendedInfo"`
	}
	var e struct {
		words
		Error, Messages json.RawMessage
	}
	if json.Unmarshal(body, &e) != nil {
		return text
	}
	var below words
	_ = json.Unmarshal(e.Error, &below) // an error of another shape says nothing
	for _, raw := range []json.RawMessage{below.Extended, e.Extended, e.Messages} {
		if joined := extended(raw); joined != "" {
			return joined
		}
	}
	for _, raw := range []json.RawMessage{below.Message, e.Message} {
		var said string
		if json.Unmarshal(raw, &said) == nil && said != "" {
			return said
		}
	}
	return ""
}

// extended joins the texts of extended messages.
func extended(raw json.RawMessage) string {
	var texts []string
	for _, m := range listed(raw) {
		if said := m.text(); said != "" && !slices.Contains(texts, said) {
			texts = append(texts, said)
		}
	}
	return strings.Join(texts, " ")
}
