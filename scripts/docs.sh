#!/usr/bin/env bash
# Renders the pages of the registry from templates/, examples/ and the schema
# that terraform itself reports, into docs/. With --check it changes nothing
# and fails when docs/ is not what would be rendered. Needs Go, and terraform
# (or tofu) on PATH; nothing is downloaded but Go modules.
set -euo pipefail
cd "$(dirname "$0")/.."

tf=$(command -v terraform || command -v tofu || true)
[ -n "$tf" ] || { echo "neither terraform nor tofu is on PATH; install Terraform 1.10 or newer"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/bin/terraform-provider-bos" .
go build -modfile=tools/docs/go.mod -o "$work/bin/tfplugindocs" github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs

cat > "$work/terraformrc" <<RC
provider_installation {
  dev_overrides { "bootorch/bos" = "$work/bin" }
}
RC
mkdir "$work/empty"
cat > "$work/empty/main.tf" <<'TF'
terraform {
  required_providers {
    bos = { source = "bootorch/bos" }
  }
}
TF
# Actions, list resources and identities are in the schema whatever the core.
TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1 "$tf" -chdir="$work/empty" providers schema -json |
  go run ./internal/registryschema > "$work/schema.json"

mkdir "$work/site"
cp -r templates examples "$work/site/"
"$work/bin/tfplugindocs" generate --provider-dir "$work/site" --provider-name terraform-provider-bos \
  --rendered-provider-name BOS --providers-schema "$work/schema.json" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if grep -i 'does not exist' "$work/log"; then
  echo "templates/ has a page for something that the provider does not have"; exit 1
fi

# Pages that are not rendered (docs/adr, guides written by hand) are left alone.
rendered=(index.md resources data-sources functions actions list-resources)
if [ "${1:-}" = --check ]; then
  for page in "${rendered[@]}"; do
    [ -e "$work/site/docs/$page" ] || [ -e "docs/$page" ] || continue
    diff -ruN "docs/$page" "$work/site/docs/$page" || stale=1
  done
  for page in "$work"/site/docs/guides/*.md; do
    [ -e "$page" ] || continue
    diff -u "docs/guides/$(basename "$page")" "$page" || stale=1
  done
  [ -z "${stale:-}" ] || { echo "docs/ is not what templates/, examples/ and the schema say: run 'make docs' and commit the result"; exit 1; }
  exit 0
fi
for page in "${rendered[@]}"; do rm -rf "docs/$page"; done
cp -r "$work/site/docs/." docs/
