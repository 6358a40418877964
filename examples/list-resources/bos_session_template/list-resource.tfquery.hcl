# Terraform 1.14 or newer; writes an import block and a resource for each:
#   terraform query -generate-config-out=templates.tf
list "bos_session_template" "all" {
  provider         = bos
  include_resource = true
}
