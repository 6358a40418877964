package provider_test

import "testing"

// The postcondition of the examples: nodes that failed fail the apply that ran
// the session, which stays what it is.
func TestAPostconditionFailsTheApplyWithoutATaint(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Break("x1000c0s1b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling, `lifecycle {
    postcondition {
      condition     = self.failed_count == 0
      error_message = "Failed: ${self.failed_nodes}"
    }
  }`))
	apply := w.apply()
	apply.exits(t, 1)
	apply.says(t, "Resource postcondition failed", "Failed: x1000c0s1b0n0", "Warning: 1 node failed to reboot")
	if attributes, tainted := w.instance("bos_session.boot"); tainted || attributes["failed_count"] != 1.0 {
		t.Errorf("tainted: %t, %v nodes failed", tainted, attributes["failed_count"])
	}
	// Until the session changes, plans fail as well, and run nothing.
	w.plan().says(t, "Resource postcondition failed")
	w.apply().exits(t, 1)
	sessions(t, bos, 1)
	bos.Mend("x1000c0s1b0n0")
	w.write(providerBlock(bos), template("quiet"), session(rolling, `limit = "x1000c0s1b0n0"`))
	w.apply().exits(t, 0)
	sessions(t, bos, 2)
}
