variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "image" {
  description = "Manifest of the image; the web server must be among the prefixes in bos.yaml"
  type        = string
  default     = "http://10.1.0.1/images/compute/manifest.json"
}
