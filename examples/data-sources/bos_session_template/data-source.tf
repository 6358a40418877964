# A template that somebody else keeps.
data "bos_session_template" "compute" {
  name = "compute"
}

# It is run again whenever what it boots changes.
resource "bos_session" "compute" {
  template_name = data.bos_session_template.compute.name
  operation     = "reboot"
  triggers      = { template = data.bos_session_template.compute.revision }
}
