# A new image is staged while the machine works, and applied in a maintenance
# window by setting apply_now.

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

resource "bos_session_template" "compute" {
  name       = "compute"
  enable_cfs = false

  boot_sets = {
    compute = {
      path              = "s3://boot-images/${var.image_id}/manifest.json"
      node_roles_groups = ["Compute"]
      kernel_parameters = var.kernel_parameters
    }
  }
}

# Staging touches no power. It is done again when the template changes.
resource "bos_session" "stage" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  stage         = true
  triggers      = { template = bos_session_template.compute.revision }
}

# Applying reboots what is staged. In the window: -var apply_now=true
resource "bos_staged_apply" "window" {
  count = var.apply_now ? 1 : 0

  xnames   = [bos_session.stage.planned_nodes]
  triggers = { session = bos_session.stage.id }
}
