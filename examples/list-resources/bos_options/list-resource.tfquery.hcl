# Terraform 1.14 or newer: terraform query
list "bos_options" "site" {
  provider = bos
}
