#!/usr/bin/env bash
# Whether the program reaches code with known vulnerabilities. Ends with 0 if none is
# known, 3 if one is, and 4 if nothing was checked because the database cannot be had;
# BOS_VULNDB may name a copy of it, such as file:///srv/vulndb.
set -uo pipefail
cd "$(dirname "$0")/.."
go build -C tools/packages -o "$PWD/bin/" golang.org/x/vuln/cmd/govulncheck || exit 1
said=$(mktemp)
trap 'rm -f "$said"' EXIT
bin/govulncheck ${BOS_VULNDB:+-db "$BOS_VULNDB"} . ./cmd/bos-report >"$said" 2>&1
status=$?
cat "$said"
if [ $status -ne 0 ] && [ $status -ne 3 ] && grep -qE 'fetching vulnerabilities|no such host|dial tcp|connection refused|db.json|i/o timeout|vulndb' "$said"; then
  echo "VULNERABILITIES NOT CHECKED: the database cannot be reached from here. This says nothing about the program; set BOS_VULNDB to a copy, or run 'make vulnerabilities' where vuln.go.dev can be reached."
  exit 4
fi
exit $status
