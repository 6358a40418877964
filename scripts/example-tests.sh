#!/usr/bin/env bash
# Checks the format of examples/ and runs its *.tftest.hcl files with the
# terraform on PATH, each against a BOS of its own with emulated nodes. Needs bin/terraform-provider-bos.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
service=
stop() { [ -z "$service" ] || { kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; service=; }; }
trap 'stop; rm -rf "$work"' EXIT
cat > "$work/terraformrc" <<RC
provider_installation {
  dev_overrides { "bootorch/bos" = "$PWD/bin" }
}
RC
export TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1
terraform fmt -check -diff -recursive examples
for folder in $(dirname examples/*/*.tftest.hcl | sort -u); do
  mkfifo "$work/ready"
  bin/terraform-provider-bos serve --emulate 8 --emulate-boot-time 200ms --emulate-power-time 100ms --listen 127.0.0.1:0 \
    --also tapms --tenant 'blue=x1000c0s0b[0-1]n[0-1]' --tenant 'green=x1000c0s1b[0-1]n[0-1]' \
    > "$work/ready" 2> "$work/serve.log" &
  service=$!
  read -r line < "$work/ready" || { cat "$work/serve.log"; exit 1; }
  rm "$work/ready"
  echo "== $folder"
  TF_VAR_endpoint=${line#BOS is ready at } terraform -chdir="$folder" test -no-color || { cat "$work/serve.log"; exit 1; }
  stop
done
