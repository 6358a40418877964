#!/bin/sh
# The user first, as the files of a site are for it. Nothing is started: what boots
# nodes is started by who has configured it. What runs goes on with the new program.
set -e
case "$1" in
abort-upgrade | abort-remove | abort-deconfigure) exit 0 ;;
esac
systemd-sysusers bos.conf
systemd-tmpfiles --create bos.conf
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart bos.service
fi
