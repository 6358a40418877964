# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "staging_touches_nothing" {
  assert {
    condition     = bos_session.stage.status == "running" && length(bos_staged_apply.window) == 0
    error_message = "Something was applied."
  }
}

run "the_window_applies_it" {
  variables { apply_now = true }
  assert {
    condition     = bos_staged_apply.window[0].succeeded && bos_staged_apply.window[0].applied_nodes == bos_session.stage.planned_nodes
    error_message = "Not everything that was staged was applied."
  }
}
