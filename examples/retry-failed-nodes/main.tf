# Boots, and tries just the failed nodes again when told to.

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
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      node_roles_groups = ["Compute"]
      kernel_parameters = var.kernel_parameters
    }
  }
}

resource "bos_session" "compute" {
  template_name = bos_session_template.compute.name
  operation     = "boot"
  triggers      = { template = bos_session_template.compute.revision }
}

# A session of its own, so that unsetting the variable later only deletes a
# record and boots nothing.
resource "bos_session" "retry" {
  count = var.retry == "" ? 0 : 1

  template_name = bos_session_template.compute.name
  operation     = "boot"
  limit         = var.retry
}

check "every_node_booted" {
  assert {
    condition     = local.last.succeeded
    error_message = "The session did not succeed: ${coalesce(local.last.error, local.last.failed_nodes, local.last.unfinished_nodes, "it is ${local.last.status}")}"
  }
}

locals {
  last = one(bos_session.retry[*]) != null ? bos_session.retry[0] : bos_session.compute
}

output "session" {
  description = "Name of the session for all nodes"
  value       = bos_session.compute.name
}

output "retry_limit" {
  description = "Value for retry that tries only the failed nodes again, empty when nothing failed"
  value       = local.last.retry_limit
}

output "why" {
  description = "Failed nodes by what failed them"
  value       = local.last.error_summary
}
