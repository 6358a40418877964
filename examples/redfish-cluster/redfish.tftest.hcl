# terraform test; needs no cluster. The template, the inventory and the service's
# configuration have to go together.

mock_provider "bos" {}

run "the_files_go_together" {
  command = plan
  assert {
    condition     = contains(keys(yamldecode(file("nodes.yaml")).groups), one(bos_session_template.rack_a.boot_sets["nodes"].node_groups))
    error_message = "The template boots a group that nodes.yaml does not have."
  }
  assert {
    condition     = anytrue([for prefix in yamldecode(file("bos.yaml")).artifacts.http.prefixes : startswith(var.image, prefix)])
    error_message = "bos.yaml does not let BOS fetch the image."
  }
}
