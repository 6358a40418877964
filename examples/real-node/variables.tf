variable "endpoint" {
  description = "URL of BOS, in front of /v2"
  type        = string
  default     = "http://127.0.0.1:8770"
}

variable "image" {
  description = "Manifest of the image, as prepare.sh makes it"
  type        = string
  default     = "s3://boot-images/debian/manifest.json"
}

variable "kernel_parameters" {
  description = "Where the console is, and that a kernel that panics starts anew; real_node=off, panic or mute lets the boot fail"
  type        = string
  default     = "console=ttyS0 panic=5"
}

variable "operation" {
  description = "boot, reboot or shutdown"
  type        = string
  default     = "boot"
}

variable "limit" {
  description = "Act on these nodes alone; all machines by default"
  type        = string
  default     = null
}

variable "again" {
  description = "Another value runs the session again"
  type        = string
  default     = "1"
}
