# All templates, with the images that they boot.
data "bos_session_templates" "all" {}

output "images" {
  value = { for template in data.bos_session_templates.all.templates : template.id => template.images }
}
