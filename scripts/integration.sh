#!/usr/bin/env bash
# Boots nodes with SMD, BSS, boot-service and BMC mocks as others wrote them, in the
# versions that tools/realparts/go.mod and tools/bootservice/go.mod pin, with PCS if
# BOS_PCS names a folder of its sources in which power-control was built, and virtual
# machines that really boot. Needs Go, PostgreSQL 15 or newer, and for the machines the
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
[ -n "${BOS_PCS:-}" ] || echo "no node boots through PCS, which the module proxy does not have: BOS_PCS may name a folder of its sources with the program power-control"

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$parts/bos-report" ./cmd/bos-report
node=$PWD/bin/real-node
BOS_REPORT=$parts/bos-report examples/real-node/prepare.sh "$node" || { node=; echo "no virtual machine boots Linux: see above what is missing"; }
BOS_REAL_PARTS=$parts BOS_POSTGRES=$postgres BOS_REAL_NODE=$node BOS_LONG=${LONG:-} \
  go test -count=1 -timeout 60m ${VERBOSE:+-v} ./internal/integration
