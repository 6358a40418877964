#!/usr/bin/env bash
# Runs the *.tftest.hcl files of examples/ with the terraform on PATH, each
# against a BOS of its own with emulated nodes. Needs bin/terraform-provider-bos.
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
for test in examples/*/*.tftest.hcl; do
  folder=$(dirname "$test")
  mkfifo "$work/ready"
  bin/terraform-provider-bos serve --emulate 8 --emulate-boot-time 200ms --emulate-power-time 100ms --listen 127.0.0.1:0 \
    > "$work/ready" 2> "$work/serve.log" &
  service=$!
  read -r line < "$work/ready" || { cat "$work/serve.log"; exit 1; }
  rm "$work/ready"
  echo "== $folder"
  TF_VAR_endpoint=${line#BOS is ready at } terraform -chdir="$folder" test -no-color || { cat "$work/serve.log"; exit 1; }
  stop
done
