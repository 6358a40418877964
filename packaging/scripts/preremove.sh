#!/bin/sh
# An upgrade (deb: "upgrade", rpm: 1) leaves the service running until the new one is there.
set -e
if [ "$1" = remove ] || [ "$1" = 0 ]; then
  if [ -d /run/systemd/system ]; then
    systemctl disable --now bos.service bos-backup.timer
  fi
fi
