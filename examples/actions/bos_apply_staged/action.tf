# Terraform 1.14 or newer:
#   terraform apply -invoke=action.bos_apply_staged.window
action "bos_apply_staged" "window" {
  config {
    xnames  = ["x3000c0s[1-4]b0n0"]
    timeout = "45m"
  }
}
