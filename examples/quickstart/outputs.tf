output "status" {
  description = "pending, running or complete"
  value       = bos_session.compute.status
}

output "nodes" {
  description = "Nodes the session acted on, folded"
  value       = bos_session.compute.components
}

output "failed" {
  description = "Nodes that failed, folded; empty if none did"
  value       = bos_session.compute.failed_components
}
