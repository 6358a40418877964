output "nodes" {
  value = provider::bos::xname_expand("x3000c0s[1-4]b0n0") # ["x3000c0s1b0n0", "x3000c0s2b0n0", ...]
}
