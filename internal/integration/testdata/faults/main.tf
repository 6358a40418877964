# Four boots that fail, each in its own way.

terraform {
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

variable "endpoint" { type = string }

provider "bos" {
  endpoint = var.endpoint
  applying = terraform.applying
}

locals {
  image      = "s3://boot-images/debian/manifest.json"
  parameters = "console=ttyS0 panic=1 real_node="
}

resource "bos_session_template" "faults" {
  name       = "faults"
  enable_cfs = false
  boot_sets = {
    off     = { path = local.image, node_list = ["x3000c0s1b0n0"], kernel_parameters = "${local.parameters}off" }
    missing = { path = "s3://boot-images/missing/manifest.json", node_list = ["x3000c0s2b0n0"], kernel_parameters = "console=ttyS0" }
    panic   = { path = local.image, node_list = ["x3000c0s3b0n0"], kernel_parameters = "${local.parameters}panic" }
    mute    = { path = local.image, node_list = ["x3000c0s4b0n0"], kernel_parameters = "${local.parameters}mute" }
  }
}

resource "bos_session" "faults" {
  template_name = bos_session_template.faults.name
  operation     = "boot"
  triggers      = { template = bos_session_template.faults.revision }
}
