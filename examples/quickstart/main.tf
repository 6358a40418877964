# A template and a session that boots its nodes. `terraform plan` says which
# nodes that is; `terraform apply` boots them, waits, and reports back.

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
  name        = "compute"
  description = "Compute nodes of the quickstart"
  enable_cfs  = false

  boot_sets = {
    compute = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      type              = "s3"
      node_roles_groups = ["Compute"]
      kernel_parameters = var.kernel_parameters
    }
  }
}

resource "bos_session" "compute" {
  template_name    = bos_session_template.compute.name
  operation        = var.operation
  include_disabled = var.include_disabled

  # A change of the template is a new session.
  triggers = { template = bos_session_template.compute.revision }
}

# Says so when nodes failed, without blocking later plans. To make the apply exit
# with 1 instead, without rebooting anything, give the session
#
#   lifecycle {
#     postcondition {
#       condition     = self.succeeded
#       error_message = "It did not succeed: ${coalesce(self.error, self.failed_nodes, self.unfinished_nodes, self.status)}"
#     }
#   }
#
# Plans of this workspace then fail until the session is changed.
check "every_node_booted" {
  assert {
    condition     = bos_session.compute.succeeded
    error_message = "The session did not succeed: ${coalesce(bos_session.compute.error, bos_session.compute.failed_nodes, bos_session.compute.unfinished_nodes, "it is ${bos_session.compute.status}")}"
  }
}
