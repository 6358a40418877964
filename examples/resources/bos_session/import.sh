terraform import bos_session_template.compute compute
terraform import bos_session.compute nightly
# one of a tenant:
terraform import bos_session.compute tenant-a/nightly
