terraform import bos_session_template.system system-2026-11
# one of a tenant:
terraform import bos_session_template.system tenant-a/system-2026-11
