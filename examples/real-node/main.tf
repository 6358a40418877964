# A virtual machine that really boots: firmware, iPXE, a kernel and an initrd that
# reports. Prepare its image and start its room and BOS first, see README.md.

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

resource "bos_session_template" "real" {
  name       = "real"
  enable_cfs = false

  boot_sets = {
    nodes = {
      path              = var.image
      node_roles_groups = ["Compute"]
      kernel_parameters = var.kernel_parameters
    }
  }
}

resource "bos_session" "real" {
  template_name = bos_session_template.real.name
  operation     = var.operation
  limit         = var.limit
  triggers      = { template = bos_session_template.real.revision, again = var.again }
}
