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

variable "retry" {
  description = "Nodes to try again; the output retry_limit of the apply before"
  type        = string
  default     = ""
}
