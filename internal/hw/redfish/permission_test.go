package redfish_test

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// Each is what a BMC answers to who it knows, and no try of a password.
func TestAUserThatMayNotIsNoWrongPassword(t *testing.T) {
	for _, says := range []string{
		`{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.InsufficientPrivilege","Message":"There are insufficient privileges for the account."}]}}`,
		`{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.PasswordChangeRequired","Message":"The password provided for this account must be changed."}]}}`,
		`{"error":{"@Message.ExtendedInfo":[{"MessageId":"SMC.1.0.OemLicenseNotPassed","Message":"Not licensed to perform this request."}]}}`,
	} {
		b := startBMC(t, always(http.StatusForbidden, says))
		e := b.endpoint("1")
		c := connectTo(t, e)
		for range 6 { // it is not counted against the password
			got := probe(t.Context(), t, c, node).results[node]
			wantReading(t, got, bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCPermission, "403 Forbidden", "privilege", "licen")
		}
		wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseBMCPermission, "403 Forbidden")
	}
	b := startBMC(t, always(http.StatusOK, `{}`))
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: b.endpoint("1")}), Password: "wrong"})
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCAuth, "401")
}
