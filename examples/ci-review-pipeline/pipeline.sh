#!/usr/bin/env bash
# The steps of the pipeline, so that they can be tried by hand:
#   ./pipeline.sh plan && ./pipeline.sh policy && ./pipeline.sh apply
# POLICIES is the folder with the rules (policy/bos of the provider's repository).
set -euo pipefail
cd "$(dirname "$0")"

case ${1:?plan, policy or apply} in
plan)
  terraform plan -input=false -no-color -out=boot.plan
  terraform show -json boot.plan > boot.json
  terraform show -no-color boot.plan > boot.txt # for the review
  ;;
policy) # denied: the messages are printed and the exit code is 1
  opa eval --fail-defined --format pretty --data "${POLICIES:?}" --data settings.json --input boot.json \
    'union({data.bos.max_nodes.deny, data.bos.protected_roles.deny})[_]'
  ;;
apply) # what was reviewed, or nothing
  terraform apply -input=false -no-color boot.plan
  ;;
esac
