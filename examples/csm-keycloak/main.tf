# BOS of a CSM system, behind its API gateway, with tokens from its Keycloak.
# CSM's own BOS has no previews: plans warn that they cannot name the nodes.

terraform {
  required_version = ">= 1.10"
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}

provider "bos" {
  endpoint       = "${var.gateway}/apis/bos"
  ca_certificate = var.ca_file == "" ? null : file(var.ca_file)
  applying       = terraform.applying

  client_credentials = {
    token_url     = "${var.gateway}/keycloak/realms/shasta/protocol/openid-connect/token"
    client_id     = "admin-client"
    client_secret = var.client_secret # kubectl get secret admin-client-auth
  }
}

resource "bos_session_template" "compute" {
  name = "compute-cos"
  cfs  = { configuration = var.configuration }

  boot_sets = {
    compute = {
      path                        = "s3://boot-images/${var.image_id}/manifest.json"
      node_roles_groups           = ["Compute"]
      rootfs_provider             = "sbps"
      rootfs_provider_passthrough = "sbps:v1:iqn.2023-06.csm.iscsi:_sbps-hsn._tcp.my-system.my-site-domain:300"
      kernel_parameters           = "ip=dhcp quiet spire_join_token=$${SPIRE_JOIN_TOKEN}" # $$ is a $ for BOS
    }
  }
}

resource "bos_session" "compute" {
  template_name = bos_session_template.compute.name
  operation     = "reboot"
  limit         = var.limit
  triggers      = { template = bos_session_template.compute.revision }
}
