output "status" {
  description = "Of the session"
  value       = bos_session.real.status
}

output "failed" {
  description = "Nodes that failed, with the reason"
  value       = bos_session.real.error_summary
}
