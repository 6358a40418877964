# Stage a reboot during the day; it touches no node.
resource "bos_session" "stage" {
  template_name = "compute"
  operation     = "reboot"
  stage         = true
}

# Apply it in the maintenance window: terraform apply -var window=true
resource "bos_staged_apply" "window" {
  count = var.window ? 1 : 0

  xnames   = [bos_session.stage.nodes] # all nodes of the session, folded
  session  = bos_session.stage.name    # and nothing that somebody else staged
  triggers = { session = bos_session.stage.id }

  lifecycle {
    postcondition {
      condition     = self.succeeded
      error_message = "Not all nodes run what was staged. Failed: ${self.failed_nodes}. Left alone: ${self.ignored_nodes}."
    }
  }
}

variable "window" {
  type    = bool
  default = false
}
