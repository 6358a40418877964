# A new image reaches two nodes first, and the others batch by batch when somebody
# has looked at those two.

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
      path              = "s3://boot-images/${var.image}/manifest.json"
      node_roles_groups = ["Compute"]
    }
  }
}

resource "bos_session" "compute" {
  template_name = bos_session_template.compute.name
  operation     = "boot" # nodes that run the image already are left alone
  triggers      = { template = bos_session_template.compute.revision }

  rollout = {
    canary           = 2
    batches          = ["10%", "30%", "60%"]
    max_in_flight    = "25%"
    failure_budget   = 3
    healthy_deadline = var.healthy_deadline
  }

  on_destroy = "cancel" # another image takes the place of a rollout that has halted
}

check "the_rollout_goes_on" {
  assert {
    condition     = bos_session.compute.succeeded || try(bos_session.compute.rollout_status.held_by, "") == "promotion"
    error_message = "The rollout is ${try(bos_session.compute.rollout_status.phase, "not known")}: ${try(bos_session.compute.rollout_status.detail, "")}"
  }
}

output "session" {
  description = "Name of the session, for terraform-provider-bos rollout"
  value       = bos_session.compute.name
}

output "batches" {
  description = "The batches that were planned"
  value       = { for batch in coalesce(bos_session.compute.planned_batches, []) : batch.name => batch.node_count }
}

output "rollout" {
  description = "How far it is, and what holds it"
  value       = bos_session.compute.rollout_status
}
