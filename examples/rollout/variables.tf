variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "image" {
  description = "Id of the image that the compute nodes boot"
  type        = string
  default     = "00000000-0000-4000-8000-000000000001"
}

variable "healthy_deadline" {
  description = "How long a node has from its start; real nodes want 20m or so"
  type        = string
  default     = "20s"
}
