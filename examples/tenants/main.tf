# Two tenants of one system, each with templates and sessions of its own. A
# tenant sees and boots only its nodes.

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

resource "bos_session_template" "tenant" {
  for_each = var.tenants

  tenant     = each.key
  name       = "compute" # each tenant has names of its own
  enable_cfs = false

  boot_sets = {
    compute = {
      path              = each.value.image
      node_roles_groups = ["Compute"] # those of the tenant
    }
  }
}

resource "bos_session" "tenant" {
  for_each = var.tenants

  tenant        = each.key
  template_name = bos_session_template.tenant[each.key].name
  operation     = "boot"
  triggers      = { template = bos_session_template.tenant[each.key].revision }
}

output "nodes" {
  description = "Planned nodes by tenant"
  value       = { for tenant, session in bos_session.tenant : tenant => session.planned_nodes }
}
