#!/usr/bin/env bash
# Boots 64 emulated nodes with Terraform, changes their kernel parameters, and
# cleans up. Needs Go to build and terraform (or tofu) on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

tf=$(command -v terraform || command -v tofu || true)
[ -n "$tf" ] || { echo "neither terraform nor tofu is on PATH; install Terraform 1.10 or newer and run 'make demo' again"; exit 1; }
nodes=${NODES:-64}
boot=3 power=1 # seconds; each emulated node is up to a tenth faster or slower
version=0.1.0
work=$(mktemp -d)
service=
finish() {
  [ -z "$service" ] || { kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; }
  rm -rf "$work"
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }

say "building"
go build -ldflags "-X main.version=$version" -o bin/terraform-provider-bos .
mirror=$work/mirror/registry.terraform.io/bootorch/bos/$version/$(go env GOOS)_$(go env GOARCH)
mkdir -p "$mirror"
cp bin/terraform-provider-bos "$mirror/terraform-provider-bos_v$version"
cat > "$work/terraformrc" <<RC
provider_installation {
  filesystem_mirror { path = "$work/mirror" }
}
RC
export TF_CLI_CONFIG_FILE=$work/terraformrc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1

say "starting BOS with $nodes emulated nodes"
bin/terraform-provider-bos serve --emulate "$nodes" --emulate-boot-time ${boot}s --emulate-power-time ${power}s --listen 127.0.0.1:0 --state-dir "$work/state" > "$work/serve.log" 2>&1 &
service=$!
for _ in $(seq 100); do
  grep -q '^BOS is ready at' "$work/serve.log" && break
  kill -0 "$service" 2>/dev/null || { cat "$work/serve.log"; exit 1; }
  read -rt 0.1 <> <(:) || true
done
TF_VAR_endpoint=$(sed -n 's/^BOS is ready at //p' "$work/serve.log")
export TF_VAR_endpoint
[ -n "$TF_VAR_endpoint" ] || { echo "BOS did not start:"; cat "$work/serve.log"; exit 1; }
echo "$TF_VAR_endpoint"

cp -r examples/quickstart "$work/quickstart"
cd "$work/quickstart"
say "terraform init";  "$tf" init -no-color -input=false
say "terraform plan";  "$tf" plan -no-color -input=false -out=plan
say "terraform apply"
began=$(date +%s.%N)
"$tf" apply -no-color -input=false plan
took=$(echo "$(date +%s.%N) - $began" | awk '{print $1 - $3}')
say "the nodes that booted"; "$tf" output -no-color
[ "$("$tf" output -raw status)" = complete ] && [ -z "$("$tf" output -raw failed)" ] || { echo "not every node booted"; exit 1; }
say "a second plan changes nothing"
"$tf" plan -no-color -input=false -detailed-exitcode || { echo "the second plan wants changes"; exit 1; }
say "new kernel parameters reboot the nodes"
"$tf" apply -no-color -input=false -auto-approve -var operation=reboot -var 'kernel_parameters=quiet hugepages=16'
say "terraform destroy forgets the records and leaves the power alone"
"$tf" destroy -no-color -input=false -auto-approve -var operation=reboot
slowest=$(awk "BEGIN { print ($boot + $power) * 1.1 }")
say "the first apply took $took s; the slowest emulated node needs up to $slowest s of them"
