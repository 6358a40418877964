# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_session_template.compute
  identity = {
    name = "compute"
  }
}

import {
  to = bos_session.compute
  identity = {
    name = "nightly"
  }
}
