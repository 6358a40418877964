#!/usr/bin/env bash
# A deb, an rpm and an SBOM for each of ARCHES, and the Helm chart, in the folder OUT, with their checksums:
# scripts/packages.sh OUT VERSION ARCH... The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1 version=$2
shift 2
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/bos[_-]* "$out/SHA256SUMS"

tools=$PWD/bin
go build -C tools/packages -o "$tools/" github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
# The time of all files is that of the commit, or what SOURCE_DATE_EPOCH says.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH=$epoch VERSION=$version
for arch in "$@"; do
  export ARCH=$arch BINARIES=$out/$arch
  mkdir -p "$BINARIES"
  CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$BINARIES/bos" .
  for kind in deb rpm; do "$tools/nfpm" package -f packaging/nfpm.yaml -p $kind -t "$out"; done
  # What was built in, as the program itself says.
  "$tools/cyclonedx-gomod" bin -json -noserial -version "v$version" -output "$out/bos_${version}_linux_$arch.cdx.json" "$BINARIES/bos"
  sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -u -d "@$epoch" +%FT%TZ)\"/" "$out/bos_${version}_linux_$arch.cdx.json"
done
# The Helm chart as Helm packages it.
mkdir "$out/chart"
cp -rL packaging/helm/bos "$out/chart/"
sed -i -e "s/^version: .*/version: $version/" -e "s/^appVersion: .*/appVersion: \"$version\"/" "$out/chart/bos/Chart.yaml"
tar -C "$out/chart" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - bos | gzip -n > "$out/bos-$version.tgz"
rm -r "$out/chart"
(cd "$out" && sha256sum bos[_-]*.deb bos[_-]*.rpm bos_*.cdx.json bos-*.tgz > SHA256SUMS)
