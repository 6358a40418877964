# What failed, whoever ran the session.
data "bos_components" "failed" {
  status = ["failed"]
}

output "failed" {
  description = "Failed nodes, folded, ready to be used as the limit of a session"
  value       = data.bos_components.failed.ids
}

output "why" {
  description = "The reason of each"
  value       = { for xname, node in data.bos_components.failed.components : xname => node.error }
}
