# The nodes, folded:
terraform import 'bos_staged_apply.window[0]' 'x3000c0s[1-4]b0n0'
# with a tenant:
terraform import 'bos_staged_apply.window[0]' 'tenant-a/x3000c0s[1-4]b0n0'
