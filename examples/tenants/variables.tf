variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "tenants" {
  description = "Image of each tenant"
  type        = map(object({ image = string }))
  default = {
    blue  = { image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json" }
    green = { image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json" }
  }
}
