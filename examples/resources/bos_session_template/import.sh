terraform import bos_session_template.compute compute
# with a tenant:
terraform import bos_session_template.compute tenant-a/compute
