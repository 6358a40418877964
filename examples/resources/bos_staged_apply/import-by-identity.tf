# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_staged_apply.window[0]
  identity = {
    nodes = "x3000c0s[1-4]b0n0"
  }
}
