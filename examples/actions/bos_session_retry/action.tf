# Terraform 1.14 or newer:
#   terraform apply -invoke=action.bos_session_retry.nightly
action "bos_session_retry" "nightly" {
  config {
    session    = "nightly"
    max_failed = "2%"
  }
}
