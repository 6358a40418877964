# Terraform 1.14 or newer: terraform query
list "bos_component" "failed" {
  provider = bos
  limit    = 1000

  config {
    status = "failed"
  }
}
