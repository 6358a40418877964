# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "the_canary_waits_for_its_promotion" {
  variables {
    healthy_deadline = "5m"
  }

  assert {
    condition     = bos_session.compute.rollout_status.held_by == "promotion" && bos_session.compute.rollout_status.done == 2
    error_message = "It is not the canary alone that was done: ${jsonencode(bos_session.compute.rollout_status)}"
  }
  assert {
    condition     = bos_session.compute.planned_batches[0].name == "canary" && bos_session.compute.planned_batches[0].node_count == 2
    error_message = "The first batch is not the canary."
  }
}
