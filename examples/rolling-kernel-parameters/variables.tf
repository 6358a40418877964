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

variable "canary" {
  description = "Nodes that try a change first: a node, or a group"
  type        = string
  default     = "x1000c0s0b0n0"
}
