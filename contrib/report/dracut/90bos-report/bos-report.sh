#!/bin/sh
# Runs before the root filesystem is switched to, when it is mounted and the network
# is still that of the initrd. It holds the boot up for 30 seconds at most
# (rd.bos.report=SECONDS; 0 reports nothing): who has bos-report.service in the image
# reports from there in any case.

type getarg > /dev/null 2>&1 || . /lib/dracut-lib.sh

if getarg bss_referral_token= > /dev/null; then
    seconds=$(getarg rd.bos.report=) || :
    case "$seconds" in
        '') seconds=30 ;;
        *[!0-9]* | ??????*)
            warn "bos-report: rd.bos.report=$seconds is no number of seconds; 30 are taken"
            seconds=30
            ;;
    esac
    if [ "$seconds" -gt 0 ]; then
        bos-report --once --timeout "${seconds}s" 2>&1 | vinfo || :
    fi
fi
