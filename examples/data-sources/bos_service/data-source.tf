# Which BOS is this, and what can it do beyond v2?
data "bos_service" "site" {}

# The plan of a session names its nodes only where BOS has previews.
check "previews" {
  assert {
    condition     = contains(data.bos_service.site.extensions, "previews")
    error_message = "The BOS at ${data.bos_service.site.endpoint} has no previews, so plans cannot name the nodes of sessions."
  }
}

output "version" {
  value = data.bos_service.site.api_version
}
