#!/usr/bin/env bash
# Makes an image that boots in a virtual machine: Debian's kernel for clouds and an
# initrd of busybox and bos-report, with the manifest that BOS reads, in the bucket
# boot-images below a folder. Needs Debian 12 or newer with the packages busybox-static and cpio, and
# Go, if the kernel or bos-report is not there yet.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "${1:-$here/images}" && cd "${1:-$here/images}" && pwd)
image=$folder/boot-images/debian
mkdir -p "$image"

for program in busybox cpio dpkg-deb; do
  command -v "$program" >/dev/null || { echo "$program is not on PATH; install the Debian packages busybox-static and cpio"; exit 1; }
done
if ldd "$(command -v busybox)" >/dev/null 2>&1; then
  echo "$(command -v busybox) needs libraries, which the initrd does not have; install the Debian package busybox-static"; exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The newest kernel that Debian has for this release, without installing it.
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^  Depends: \(linux-image-.*\)/\1/p' | head -1)
[ -n "$package" ] || { echo "apt knows no linux-image-cloud-amd64; run 'apt-get update' first"; exit 1; }
kept=$folder/$package
if [ ! -e "$kept/vmlinuz" ]; then
  echo "fetching $package"
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package")
  dpkg-deb -x "$work/$package"_*.deb "$work/package"
  mkdir -p "$kept"
  for module in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net button evdev; do
    find "$work/package" -name "$module.ko*" -exec cp {} "$kept/" \;
  done
  cp "$work"/package/boot/vmlinuz-* "$kept/vmlinuz"
fi
cp "$kept/vmlinuz" "$image/kernel"

root=$work/root
mkdir -p "$root"/{bin,mod,etc/acpi/PWRF,proc,sys,dev}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$kept"/*.ko* "$root/mod/"
cp "$here/init" "$root/init"
if [ -z "${BOS_REPORT:-}" ]; then
  (cd "$here/../.." && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/bos-report" ./cmd/bos-report)
  BOS_REPORT=$work/bos-report
fi
cp "$BOS_REPORT" "$root/bin/bos-report"
printf '#!/bin/sh\nexec /bin/busybox poweroff -f\n' > "$root/etc/acpi/PWRF/00000080"
chmod 755 "$root/init" "$root/bin/"* "$root/etc/acpi/PWRF/00000080"
(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) | gzip -9n > "$image/initrd"

artifact() { printf '{"link":{"path":"s3://boot-images/debian/%s","type":"s3","etag":""},"type":"application/vnd.cray.image.%s","md5":"%s"}' \
  "$1" "$1" "$(md5sum < "$image/$1" | cut -d' ' -f1)"; }
printf '{"version":"1.0","artifacts":[%s,%s]}\n' "$(artifact kernel)" "$(artifact initrd)" > "$image/manifest.json"
echo "s3://boot-images/debian/manifest.json is in $folder"
