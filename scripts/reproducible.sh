#!/usr/bin/env bash
# Builds the packages of what is committed twice: in two folders of different length, each with a
# build cache of its own that starts empty. Fails where a byte differs. It takes minutes.
# scripts/reproducible.sh VERSION ARCH...
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for folder in "$work/one" "$work/another/and/longer"; do
  git clone --quiet . "$folder"
  GOCACHE="$folder.cache" "$folder/scripts/packages.sh" "$folder/out" "$@"
done
echo "of commit $(git rev-parse HEAD), with $(go version):"
cat "$work/one/out/SHA256SUMS"
diff "$work/one/out/SHA256SUMS" "$work/another/and/longer/out/SHA256SUMS" ||
  { echo "the same commit gave other bytes the second time"; exit 1; }
