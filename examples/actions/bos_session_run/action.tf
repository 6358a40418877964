# Terraform 1.14 or newer:
#   terraform apply -invoke=action.bos_session_run.reboot_rack
action "bos_session_run" "reboot_rack" {
  config {
    template_name = "compute"
    operation     = "reboot"
    limit         = "x3000c0s[1-4]b0n0"
    max_failed    = "2%"
  }
}
