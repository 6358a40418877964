# What BOS has already. Run "terraform plan -generate-config-out=templates.tf"
# and Terraform writes the templates down.

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

import {
  to = bos_session_template.compute
  id = "compute" # tenant/name for a tenant's
}

import {
  to = bos_session_template.login
  id = "login"
}

# A session that ran already is history: importing it runs nothing.
import {
  to = bos_session.last_boot
  id = "nightly"
}
