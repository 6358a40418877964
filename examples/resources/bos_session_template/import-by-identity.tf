# Terraform 1.12 or newer, OpenTofu 1.12 or newer.
import {
  to = bos_session_template.system
  identity = {
    name = "system-2026-11"
    # tenant = "tenant-a", where it is a tenant's and not that of the provider
  }
}
