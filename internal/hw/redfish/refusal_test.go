package redfish_test

import (
	"fmt"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// extended is an error of Redfish with messages of these ids.
func extended(ids ...string) string {
	list := ""
	for i, id := range ids {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"MessageId":%q,"Message":"so it says"}`, id)
	}
	return `{"error":{"code":"Base.1.8.GeneralError","@Message.ExtendedInfo":[` + list + `]}}`
}

// TestWhatABMCMeansByARefusalIsReadFromItsMessages: force follows a graceful
// power-off at once only where the BMC has none, and no attempt is charged for what
// it does not do for now.
func TestWhatABMCMeansByARefusalIsReadFromItsMessages(t *testing.T) {
	for _, c := range []struct {
		name            string
		status          int
		body            string
		softly, forcing bos.CallOutcome
	}{
		{"an iDRAC that is not ready", 400, extended("IDRAC.1.6.SWC0700"), bos.CallBusy, bos.CallBusy},
		{"an iLO in POST", 400, extended("iLO.2.14.UnableToModifyDuringSystemPOST"), bos.CallBusy, bos.CallBusy},
		{"a state that it is not possible in", 400, extended("Base.1.4.InvalidOperationForSystemState"), bos.CallBusy, bos.CallBusy},
		{"old firmware's spelling", 400, `{"error":{"code":"iLO.0.10.ExtendedInfo","@Message.ExtendedInfo":[{"MessageID":"iLO.0.10.InvalidOperationForSystemState"}]}}`, bos.CallBusy, bos.CallBusy},
		{"a code alone", 400, `{"error":{"code":"Base.1.8.ResourceInUse","message":"in use"}}`, bos.CallBusy, bos.CallBusy},
		{"a message that is not in a list", 400, `{"error":{"@Message.ExtendedInfo":{"MessageId":"Base.1.8.ServiceTemporarilyUnavailable"}}}`, bos.CallBusy, bos.CallBusy},
		{"one among others", 400, extended("Base.1.8.GeneralError", "Base.1.8.ActionParameterUnknown", "Base.1.8.ResourceInUse"), bos.CallBusy, bos.CallBusy},
		{"a conflict", 409, "", bos.CallBusy, bos.CallBusy},
		{"an action that it does not have", 400, extended("Base.1.8.ActionNotSupported"), bos.CallUnsupported, bos.CallRefused},
		{"a type that it does not have", 400, extended("Base.1.8.GeneralError", "Base.1.8.PropertyValueNotInList"), bos.CallUnsupported, bos.CallRefused},
		{"a parameter that it does not have", 422, extended("Base.1.8.ActionParameterValueNotInList"), bos.CallUnsupported, bos.CallRefused},
		{"a method that it does not have", 405, "", bos.CallUnsupported, bos.CallRefused},
		{"what is not implemented", 501, "", bos.CallUnsupported, bos.CallRefused},
		{"a plain no", 400, `{"Status":400,"Message":"no"}`, bos.CallRefused, bos.CallRefused},
		{"a page", 400, "<html>", bos.CallRefused, bos.CallRefused},
		{"an error of another shape", 400, `{"error":"no","@Message.ExtendedInfo":7}`, bos.CallRefused, bos.CallRefused},
	} {
		for op, want := range map[bos.PowerOp]bos.CallOutcome{bos.PowerSoftOff: c.softly, bos.PowerForceOff: c.forcing} {
			t.Run(fmt.Sprintf("%s to %s", c.name, op), func(t *testing.T) {
				b := startBMC(t, system("On", c.status, c.body))
				got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), op, node).results[node]
				cause := bos.CauseResetRefused
				if want == bos.CallBusy {
					cause = bos.CauseNotReady
				}
				wantResult(t, got, want, cause, fmt.Sprint(c.status))
				if len(b.posts()) != 1 {
					t.Errorf("sent %v", b.posts())
				}
			})
		}
	}
}
