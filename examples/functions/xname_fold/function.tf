output "limit" {
  value = provider::bos::xname_fold(["x3000c0s2b0n0", "x3000c0s1b0n0"]) # "x3000c0s[1-2]b0n0"
}
