terraform import bos_session.compute terraform-3af897f6-2e3b-4c50-b72c-d5f6e667ebb8
# with a tenant:
terraform import bos_session.compute tenant-a/nightly
