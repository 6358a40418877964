output "session" {
  description = "Name of the session"
  value       = bos_session.compute.name
}

output "status" {
  description = "pending, running or complete"
  value       = bos_session.compute.status
}

output "nodes" {
  description = "Nodes the session acted on, folded"
  value       = bos_session.compute.nodes
}

output "failed" {
  description = "Nodes that failed, folded; empty if none did"
  value       = bos_session.compute.failed_nodes
}

output "planned" {
  description = "Nodes the plan said the session would act on, folded"
  value       = bos_session.compute.planned_nodes
}

output "skipped" {
  description = "Nodes the session left out, folded, by reason"
  value       = bos_session.compute.skipped
}

output "retry_limit" {
  description = "What to set as limit to try just the failed nodes again; empty if none failed"
  value       = bos_session.compute.retry_limit
}
