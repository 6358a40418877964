variable "gateway" {
  description = "URL of the API gateway"
  type        = string
  default     = "https://api-gw-service-nmn.local"
}

variable "ca_file" {
  description = "PEM of the platform's CA; empty if the machine trusts it already"
  type        = string
  default     = ""
}

variable "client_secret" {
  description = "Secret of the Keycloak client; set TF_VAR_client_secret"
  type        = string
  sensitive   = true
  ephemeral   = true # in no plan file and no state
}

variable "image_id" {
  description = "IMS image to boot"
  type        = string
}

variable "configuration" {
  description = "CFS configuration that nodes get after they booted"
  type        = string
}

variable "limit" {
  description = "Nodes to act on; null for all of the template"
  type        = string
  default     = null
}
