output "limit" {
  value = provider::bos::limit_without("Compute", "x3000c0s[1-4]b0n0") # "Compute,!x3000c0s[1-4]b0n0"
}
