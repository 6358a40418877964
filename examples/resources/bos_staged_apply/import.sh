terraform import bos_session.stage staged
# The nodes, folded:
terraform import -var window=true 'bos_staged_apply.window[0]' 'x1000c0s0b[0-1]n[0-1]'
# those of a tenant:
terraform import -var window=true 'bos_staged_apply.window[0]' 'tenant-a/x1000c0s0b[0-1]n[0-1]'
