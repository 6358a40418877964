# New kernel parameters reach a few nodes first and the others only when none of
# a session succeeded on those.

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

resource "bos_session" "canary" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  limit         = var.canary
  triggers      = { template = bos_session_template.compute.revision }

  lifecycle {
    create_before_destroy = true

    # A canary that failed, was cancelled, found no node or lost its nodes to
    # another session ends the apply here: the session below is not run.
    postcondition {
      condition     = self.succeeded
      error_message = "The canary did not succeed: ${coalesce(self.error, self.failed_nodes, self.unfinished_nodes, "it is ${self.status}")}. The other nodes were not touched."
    }
  }
}

resource "bos_session" "rest" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  limit         = "all,!${var.canary}"
  max_failed    = "2%" # some nodes of a large system always fail
  triggers      = { template = bos_session_template.compute.revision }

  lifecycle { create_before_destroy = true }
  depends_on = [bos_session.canary]
}
