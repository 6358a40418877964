resource "bos_session" "must_succeed" {
  template_name = "login"
  operation     = "boot"

  lifecycle {
    postcondition {
      condition     = try(self.failed_count == 0, false)
      error_message = "Nodes failed: ${try(self.failed_components, "see the error of the session")}"
    }
  }
}
