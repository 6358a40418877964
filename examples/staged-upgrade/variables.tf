variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "kernel_parameters" {
  description = "Kernel parameters of the compute nodes"
  type        = string
  default     = "quiet"
}

variable "image_id" {
  description = "Image to upgrade to"
  type        = string
  default     = "00000000-0000-4000-8000-000000000001"
}

variable "apply_now" {
  description = "Reboot the nodes into what is staged"
  type        = bool
  default     = false
}
