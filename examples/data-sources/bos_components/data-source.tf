# What failed, whoever ran the session.
data "bos_components" "failed" {
  status = ["failed"]
}

output "failed" {
  description = "Failed nodes, folded; empty if there are none"
  value       = data.bos_components.failed.nodes
}

# As the limit of a session: an empty limit is refused, so there is no session
# when nothing failed.
resource "bos_session" "retry" {
  count = data.bos_components.failed.node_count > 0 ? 1 : 0

  template_name = "compute"
  operation     = "reboot"
  limit         = data.bos_components.failed.nodes
}

output "why" {
  description = "The reason of each"
  value       = { for xname, node in data.bos_components.failed.components : xname => node.error }
}
