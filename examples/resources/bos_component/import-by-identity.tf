# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_component.node
  identity = {
    xname = "x3000c0s1b0n0"
  }
}
