#!/usr/bin/env bash
# Tests the policies against the recorded plans in policy/testdata, with the OPA
# that tools/policy pins.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -modfile=tools/policy/go.mod -o bin/opa github.com/open-policy-agent/opa
bin/opa check --strict policy/bos
bin/opa test --bundle policy
