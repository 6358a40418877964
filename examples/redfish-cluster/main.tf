# A cluster with nothing but Redfish BMCs and a web server with images. Start the
# service beside it first, see README.md.

terraform {
  required_version = ">= 1.10"
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

provider "bos" {
  endpoint = var.endpoint
  applying = terraform.applying # apply goes by the plan that was reviewed
}

resource "bos_session_template" "rack_a" {
  name       = "rack-a"
  enable_cfs = false

  boot_sets = {
    nodes = {
      path              = var.image
      node_groups       = ["rack-a"]
      kernel_parameters = "console=ttyS0,115200"
    }
  }
}

resource "bos_session" "rack_a" {
  template_name = bos_session_template.rack_a.name
  operation     = "boot"
  triggers      = { template = bos_session_template.rack_a.revision }
}
