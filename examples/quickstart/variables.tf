variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "operation" {
  description = "boot leaves nodes alone that run the image already; reboot does not"
  type        = string
  default     = "boot"
}

variable "kernel_parameters" {
  description = "Kernel parameters of the compute nodes"
  type        = string
  default     = "quiet"
}

variable "include_disabled" {
  description = "Boot nodes that are disabled in the inventory as well"
  type        = bool
  default     = false
}
