# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_session.stage
  identity = {
    name = "staged"
  }
}

import {
  to = bos_staged_apply.window[0]
  identity = {
    nodes = "x1000c0s0b[0-1]n[0-1]"
  }
}
