# Terraform 1.14 or newer:
#   terraform apply -invoke=action.bos_session_cancel.nightly
action "bos_session_cancel" "nightly" {
  config {
    name   = "nightly"
    reason = "the cooling is being repaired"
  }
}
