locals {
  limit = "Compute,!blue"
}

output "terms" {
  value = provider::bos::limit_parse(local.limit)
}
