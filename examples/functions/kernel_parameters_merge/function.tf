variable "debug" {
  type    = bool
  default = false
}

locals {
  site = "console=tty0 console=ttyS0,115200 quiet hugepages=8"
}

output "kernel_parameters" {
  value = provider::bos::kernel_parameters_merge(local.site, "hugepages=16", var.debug ? "loglevel=7" : "")
  # "console=tty0 console=ttyS0,115200 quiet hugepages=16"
}
