resource "bos_session_template" "compute" {
  name       = "compute"
  enable_cfs = false

  boot_sets = {
    compute = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      node_roles_groups = ["Compute"]
      kernel_parameters = "quiet"
    }
  }
}

resource "bos_session" "compute" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  reason        = "kernel update" # in the history; a pipeline's run by default

  # A change of the template is a new session; nothing else reboots nodes again.
  triggers = { template = bos_session_template.compute.revision }
}
