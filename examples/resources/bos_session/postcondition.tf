resource "bos_session" "must_succeed" {
  template_name = "login"
  operation     = "boot"

  lifecycle {
    postcondition {
      condition     = self.succeeded
      error_message = "The session did not succeed: ${coalesce(self.error, self.failed_nodes, self.unfinished_nodes, "it is ${self.status}")}"
    }
  }
}
