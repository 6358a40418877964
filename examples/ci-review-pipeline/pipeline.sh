#!/usr/bin/env bash
# The steps of the pipeline, so that they can be tried by hand:
#   ./pipeline.sh plan && ./pipeline.sh policy && ./pipeline.sh apply
# POLICIES is the folder with the rules (policy/bos of the provider's repository).
set -euo pipefail
cd "$(dirname "$0")"

case ${1:?plan, policy or apply} in
plan) # boot.txt is for the review: "terraform show" would leave the warnings out, which name the nodes
  terraform plan -input=false -no-color -out=boot.plan | tee boot.txt
  terraform show -json boot.plan > boot.json
  ;;
policy) # denied: the messages are printed and the exit code is 1
  conftest test --no-color --all-namespaces --policy "${POLICIES:?}" --data settings.json boot.json
  ;;
apply) # what was reviewed, or nothing
  terraform apply -input=false -no-color boot.plan
  ;;
esac
