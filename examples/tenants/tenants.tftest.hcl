# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one that has
# the tenants of tenants.yaml.

run "each_tenant_boots_its_nodes" {
  assert {
    condition     = tomap(output.nodes) == tomap(yamldecode(file("tenants.yaml")).tenants)
    error_message = "A tenant was planned other nodes than it has."
  }
  assert {
    condition     = alltrue([for tenant, session in bos_session.tenant : session.nodes == output.nodes[tenant] && session.succeeded])
    error_message = "A session acted on other nodes than its tenant has, or nodes failed."
  }
}
