#!/usr/bin/env bash
# Boots nodes with SMD, BSS, boot-service and BMC mocks as others wrote them, in the
# versions that tools/realparts/go.mod and tools/bootservice/go.mod pin, with PCS and
# inventory-service, which are no modules that could be had by their version and are built of
# their repositories where these can be reached, or as BOS_PCS (a folder of the sources
# with the program power-control in it) and BOS_INVENTORY_SERVICE (the program) name
# them, and virtual machines that really boot. Needs Go, PostgreSQL 15 or newer, and for the machines the
# Debian packages qemu-system-x86, ipxe-qemu, ovmf, busybox-static and cpio, terraform,
# and apt for a kernel; what cannot be had is skipped, and said. LONG=1 has iPXE wait as
# long as at a site.
set -euo pipefail
cd "$(dirname "$0")/.."

postgres=
for dir in /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /none/initdb)")"; do
  if [ -x "$dir/initdb" ] && [ -x "$dir/pg_isready" ]; then postgres=$dir; break; fi
done
[ -n "$postgres" ] || { echo "PostgreSQL is not installed: install the Debian package postgresql-15 and run 'make integration' again"; exit 1; }

command -v qemu-system-x86_64 >/dev/null ||
  echo "no node boots with iPXE: install the Debian packages qemu-system-x86 and ipxe-qemu for that"

parts=$PWD/bin/realparts
mkdir -p "$parts"
go build -o "$parts/terraform-provider-bos" .
cd tools/realparts
go build -o "$parts/" github.com/OpenCHAMI/smd/v2/cmd/{smd,smd-init} github.com/OpenCHAMI/bss/cmd/{boot-script-service,bss-init} ./bmcmock
ln -sfn "$(go list -m -f '{{.Dir}}' github.com/OpenCHAMI/smd/v2)/migrations/postgres" "$parts/smd-migrations"
ln -sfn "$(go list -m -f '{{.Dir}}' github.com/OpenCHAMI/bss)/migrations/postgres" "$parts/bss-migrations"
cd ../bootservice
go build -o "$parts/boot-service" github.com/openchami/boot-service/cmd/server
cd ../..

# sources FOLDER REPOSITORY COMMIT: the sources as they were at that commit.
sources() {
  [ -f "$1/go.mod" ] && return
  rm -rf "$1" && git init -q "$1" &&
    timeout 60 git -C "$1" fetch -q --depth 1 "https://github.com/OpenCHAMI/$2" "$3" 2>/dev/null && git -C "$1" checkout -q FETCH_HEAD
}
pcs=$parts/power-control-9d78bc55
if [ -z "${BOS_PCS:-}" ] && sources "$pcs" power-control 9d78bc554514824926023ffea9f9bf7c7335d863 &&
  (cd "$pcs" && go build -o power-control ./cmd/power-control); then BOS_PCS=$pcs; fi
[ -n "${BOS_PCS:-}" ] || echo "no node boots through PCS, whose repository cannot be reached: BOS_PCS may name a folder of its sources with the program power-control"
inventory=$parts/inventory-service-57f2be9f
if [ -z "${BOS_INVENTORY_SERVICE:-}" ] && sources "$inventory" inventory-service 57f2be9f144bae3ae87c19d9a0d242fcbb5459e4 &&
  (cd "$inventory" && go build -o inventory-service ./cmd/server); then BOS_INVENTORY_SERVICE=$inventory/inventory-service; fi
[ -n "${BOS_INVENTORY_SERVICE:-}" ] || echo "no node boots by inventory-service, whose repository cannot be reached: BOS_INVENTORY_SERVICE may name the program"
export BOS_PCS=${BOS_PCS:-} BOS_INVENTORY_SERVICE=${BOS_INVENTORY_SERVICE:-}

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$parts/bos-report" ./cmd/bos-report
node=$PWD/bin/real-node
BOS_REPORT=$parts/bos-report examples/real-node/prepare.sh "$node" || { node=; echo "no virtual machine boots Linux: see above what is missing"; }
BOS_REAL_PARTS=$parts BOS_POSTGRES=$postgres BOS_REAL_NODE=$node BOS_LONG=${LONG:-} \
  go test -count=1 -timeout 60m ${VERBOSE:+-v} ./internal/integration
