# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "boot" {
  assert {
    condition     = bos_session.compute.status == "complete" && bos_session.compute.succeeded
    error_message = "${bos_session.compute.error} Failed: ${bos_session.compute.failed_nodes}"
  }
  assert {
    condition     = bos_session.compute.nodes == bos_session.compute.planned_nodes
    error_message = "The session acted on other nodes than the plan said."
  }
}

run "new_parameters_reboot" {
  variables {
    operation         = "reboot"
    kernel_parameters = "quiet hugepages=16"
  }
  assert {
    condition     = bos_session.compute.name != run.boot.session
    error_message = "The change of parameters ran no new session."
  }
}
