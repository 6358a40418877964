# A module as a site would write it, tested without a BOS: see mocked.tftest.hcl.
terraform {
  required_version = ">= 1.10"
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

variable "image" {
  description = "Path of the image's manifest"
  type        = string
}

variable "kernel_parameters" {
  type    = string
  default = ""
}

variable "role" {
  type    = string
  default = "Compute"
}

variable "canary" {
  description = "How many nodes go first"
  type        = number
  default     = 1
}

data "bos_nodes" "all" {
  role = var.role
}

locals {
  waves = provider::bos::xname_chunk(data.bos_nodes.all.nodes, var.canary)
}

resource "bos_session_template" "role" {
  name = "role-${lower(var.role)}"

  boot_sets = {
    all = {
      path              = var.image
      kernel_parameters = provider::bos::kernel_parameters_merge("console=ttyS0,115200 quiet", var.kernel_parameters)
      node_roles_groups = [var.role]
    }
  }
}

resource "bos_session" "canary" {
  template_name = bos_session_template.role.name
  operation     = "reboot"
  limit         = local.waves[0]
  triggers      = { template = bos_session_template.role.revision }

  lifecycle {
    postcondition {
      condition     = self.succeeded
      error_message = "The canary did not succeed (${self.failed_nodes} failed), so the rest is left alone."
    }
  }
}

resource "bos_session" "rest" {
  depends_on = [bos_session.canary]

  template_name = bos_session_template.role.name
  operation     = "reboot"
  limit         = provider::bos::limit_without(var.role, local.waves[0])
  triggers      = { template = bos_session_template.role.revision }
}

output "retry_limit" {
  description = "What to try again: empty if nothing failed"
  value       = bos_session.rest.retry_limit
}
