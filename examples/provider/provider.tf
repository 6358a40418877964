terraform {
  required_version = ">= 1.10"
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

provider "bos" {
  endpoint       = "https://api-gw-service-nmn.local/apis/bos" # or BOS_ENDPOINT in the environment
  token          = var.bos_token
  ca_certificate = file("${path.module}/platform-ca.pem")

  # During apply, go by the preview that was reviewed at plan.
  applying = terraform.applying
}

variable "bos_token" {
  description = "Bearer token for BOS"
  type        = string
  sensitive   = true
  ephemeral   = true # in no plan file and no state
}
