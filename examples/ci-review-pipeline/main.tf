# What a pipeline plans, checks and applies; see .gitlab-ci.yml and
# .github/workflows/boot.yml beside it.

terraform {
  required_version = ">= 1.10"
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

provider "bos" {
  endpoint = var.endpoint       # the token comes from BOS_TOKEN
  applying = terraform.applying # apply goes by the plan that was reviewed

  require_preview = true # a plan that cannot name its nodes is an error
}

resource "bos_session_template" "compute" {
  name       = "compute"
  enable_cfs = false

  boot_sets = {
    compute = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      node_roles_groups = ["Compute"]
      kernel_parameters = var.kernel_parameters
    }
  }
}

resource "bos_session" "compute" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  triggers      = { template = bos_session_template.compute.revision }

  lifecycle { create_before_destroy = true }
}

check "every_node_booted" {
  assert {
    condition     = bos_session.compute.succeeded
    error_message = "The session did not succeed: ${coalesce(bos_session.compute.error, bos_session.compute.failed_nodes, bos_session.compute.unfinished_nodes, "it is ${bos_session.compute.status}")}"
  }
}
