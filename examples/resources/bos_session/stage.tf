# Nodes boot the new image when somebody reboots them, as with scontrol reboot; what
# is left is rebooted by bos_staged_apply.
resource "bos_session" "next" {
  template_name                = bos_session_template.compute.name
  operation                    = "reboot"
  stage                        = true
  write_staged_boot_parameters = true
}
