# Terraform 1.14 or newer: terraform query
list "bos_session" "lately" {
  provider = bos

  config {
    status  = "complete"
    max_age = "2d"
  }
}
