check "every_node_booted" {
  assert {
    condition     = try(bos_session.compute.failed_count == 0, false)
    error_message = "Nodes failed: ${try(bos_session.compute.failed_components, "see the error of the session")}"
  }
}
