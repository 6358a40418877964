# Terraform 1.14 or newer:
#   terraform apply -invoke=action.bos_staged_apply.window
action "bos_staged_apply" "window" {
  config {
    xnames   = ["x3000c0s[1-4]b0n0"]
    timeouts = { invoke = "45m" }
  }
}
