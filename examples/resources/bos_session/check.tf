check "every_node_booted" {
  assert {
    condition     = bos_session.compute.succeeded
    error_message = "The session did not succeed: ${coalesce(bos_session.compute.error, bos_session.compute.failed_nodes, bos_session.compute.unfinished_nodes, "it is ${bos_session.compute.status}")}"
  }
}
