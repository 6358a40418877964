# terraform test; needs no virtual machine.

mock_provider "bos" {}

run "the_image_is_where_prepare_puts_it" {
  command = plan
  assert {
    condition     = strcontains(file("prepare.sh"), bos_session_template.real.boot_sets["nodes"].path)
    error_message = "prepare.sh makes another image than the template boots."
  }
}
