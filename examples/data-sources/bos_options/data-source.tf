# How BOS is set up, such as how long it gives a node to boot.
data "bos_options" "site" {}

output "boot_timeout" {
  description = "Seconds that a node has to boot before BOS powers it off by force"
  value       = data.bos_options.site.max_boot_wait_time
}
