#!/usr/bin/env bash
# The container image as an OCI archive: scripts/image.sh FILE VERSION. BASE may name an
# image to build on. Needs the Debian package buildah, and looks at what it has built.
set -euo pipefail
cd "$(dirname "$0")/.."
file=$(realpath -m "$1") version=$2 base=${BASE:-scratch}
command -v buildah >/dev/null || { echo "buildah is not installed: install the Debian package buildah and run 'make image' again"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/context/state" "$(dirname "$file")"
mkdir -m 0700 "$work/context/state/bos"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$work/context/bos" .
cp LICENSE packaging/bos.yaml "$work/context/"
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
rm -f "$file"
buildah "${storage[@]}" build --isolation chroot --format oci --timestamp "$(git log -1 --format=%ct)" \
  --build-arg "BASE=$base" --label "org.opencontainers.image.version=$version" --label org.opencontainers.image.licenses=MPL-2.0 \
  -f packaging/Containerfile -t "bos:$version" "$work/context"
buildah "${storage[@]}" push "bos:$version" "oci-archive:$file:bos:$version"

# What a site relies on is read back from the archive.
mkdir "$work/layout"
tar -xf "$file" -C "$work/layout"
blob() { tr -d ' \n' < "$1" | sed -n "s/.*\"$2\":{[^}]*\"digest\":\"sha256:\([0-9a-f]*\)\".*/\1/p"; }
manifest=$(sed -n 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/p' "$work/layout/index.json")
config=$work/layout/blobs/sha256/$(blob "$work/layout/blobs/sha256/$manifest" config)
for want in '"User":"65532:65532"' '"Entrypoint":\["/usr/bin/bos"\]' '"/var/lib/bos":{}' '"WorkingDir":"/var/lib/bos"' '"Cmd":\["serve","--config","/etc/bos/bos.yaml"\]'; do
  grep -q "$want" "$config" || { echo "the image has no $want"; cat "$config"; exit 1; }
done
container=$(buildah "${storage[@]}" from --pull-never "localhost/bos:$version")
root=$(buildah "${storage[@]}" mount "$container")
# The user of the image can run its program, and write nothing but the folder of the records.
[ -z "$(find "$root" -path "$root/proc" -prune -o -path "$root/sys" -prune -o -path "$root/dev" -prune -o \( -perm -0002 -o -perm -4000 \) ! -type l -print)" ]
[ "$(stat -c '%u %a' "$root/var/lib/bos")" = "65532 700" ] || { echo "/var/lib/bos is not for the user of the image"; exit 1; }
chroot --userspec=65532:65532 "$root" /usr/bin/bos token make try --role reader --lasts 1h --file /var/lib/bos/tokens.yaml > /dev/null
# Its service runs as that user: it says where it is, answers, and ends in order.
mkfifo "$work/said"
chroot --userspec=65532:65532 "$root" /usr/bin/bos serve --config /etc/bos/bos.yaml --database /var/lib/bos/bos.db --listen 127.0.0.1:0 > "$work/said" 2> "$work/log" &
served=$!
exec 3< "$work/said"
url=
while [ -z "$url" ] && read -r -t 120 -u 3 line; do
  case $line in *"BOS is ready at http"*) url=${line##* at } ;; esac
done
[ -n "$url" ] || { echo "serve in the image does not become ready:"; cat "$work/log"; kill "$served" || true; exit 1; }
[ "$(curl -sS -m 20 -o /dev/null -w '%{http_code}' "$url/livez")" = 200 ] || { echo "serve in the image does not answer:"; cat "$work/log"; kill "$served"; exit 1; }
[ "$(curl -sS -m 20 -o /dev/null -w '%{http_code}' "$url/v2/components")" = 401 ] || { echo "serve in the image answers whoever asks"; kill "$served"; exit 1; }
kill -TERM "$served"
wait "$served" || { echo "serve in the image ends with $?:"; cat "$work/log"; exit 1; }
echo "$file is the image of version $version, on $base"
