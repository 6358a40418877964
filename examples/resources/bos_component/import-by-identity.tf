# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_component.debug
  identity = {
    xname = "x1000c0s0b0n0"
  }
}
