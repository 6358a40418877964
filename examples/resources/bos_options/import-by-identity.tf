# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_options.site
  identity = {
    id = "options"
  }
}
