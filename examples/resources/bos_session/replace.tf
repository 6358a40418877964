resource "bos_session" "tonight" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  limit         = "x1000c0s[0-3]b0n0"
  max_failed    = "2%"
  triggers      = { template = bos_session_template.compute.revision }
  timeouts      = { create = "45m" }

  lifecycle {
    # The new session is accepted before the record of the old one goes. If it
    # is refused, the old record is still there to look at.
    create_before_destroy = true
  }
}
