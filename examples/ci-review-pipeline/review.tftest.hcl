# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "the_plan_says_what_the_policies_read" {
  assert {
    condition     = bos_session.compute.planned_count <= jsondecode(file("settings.json")).settings.max_nodes
    error_message = "The plan touches ${bos_session.compute.planned_count} nodes."
  }
  assert {
    condition     = length(setintersection(keys(bos_session.compute.planned_roles), jsondecode(file("settings.json")).settings.protected_roles)) == 0
    error_message = "The plan touches nodes of a protected role."
  }
}
