variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

