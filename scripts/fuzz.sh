#!/usr/bin/env bash
# Every fuzz target, one after the other, each for the time or the count given
# (20s, 10m, 3000x). The first finding ends it; its input is in testdata/fuzz.
set -euo pipefail
budget=${1:?how long each target runs, such as 20s or 3000x}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
count=0
# Only the packages that have some are linked to be asked for theirs.
files='{{range .TestGoFiles}}{{$.Dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$.Dir}}/{{.}} {{end}}'
for package in $(go list -f "{{.ImportPath}} $files" ./... | while read -r path files; do
  # shellcheck disable=SC2086 # the names of files have no spaces
  [ -z "$files" ] || ! grep -q '^func Fuzz' $files || echo "$path"
done); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "fuzz $package $target"
    count=$((count + 1))
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$budget" "$package" 2>&1 | tee "$log" && continue
    # On a busy machine the end of the time itself is told as a failure
    # (golang/go#75804). It names no input, and nothing else was found.
    if grep -q '^    context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic|\.go:[0-9]+:' "$log"; then
      continue
    fi
    exit 1
  done
done
[ "$count" -gt 0 ] || { echo "there are no fuzz targets"; exit 1; }
echo "$count targets, nothing found"
