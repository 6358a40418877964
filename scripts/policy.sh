#!/usr/bin/env bash
# Tests the policies against the recorded plans in policy/testdata, with the
# conftest that tools/policy pins, and the step of the CI example that uses them.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -modfile=tools/policy/go.mod -o bin/conftest github.com/open-policy-agent/conftest
bin/conftest verify --strict --no-color --policy policy/bos --data policy

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$PWD/bin:$PATH POLICIES=$PWD/policy/bos
cp -r examples/ci-review-pipeline "$work/ci"
step() { cp "policy/testdata/$1/data.json" "$work/ci/boot.json"; "$work/ci/pipeline.sh" policy; }
step boot_compute || { echo "pipeline.sh denies a plan that is allowed"; exit 1; }
if step reboot_all; then echo "pipeline.sh lets a reboot of role Management pass"; exit 1; fi
