variable "retry" {
  description = "Nodes to try again, such as the retry_limit of a session"
  type        = string
  default     = ""
}

# A session of its own, so that setting the variable runs just these nodes, and
# unsetting it later only deletes a record.
resource "bos_session" "retry" {
  count = var.retry == "" ? 0 : 1

  template_name = bos_session_template.compute.name
  operation     = bos_session.compute.operation
  limit         = var.retry
}

output "retry_limit" {
  description = "Value for retry that tries only the failed nodes again, empty when nothing failed"
  value       = bos_session.compute.retry_limit
}
