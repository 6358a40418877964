#!/bin/bash
# A dracut module: the initrd reports to BOS once the root filesystem is mounted.
# Copy this folder to /usr/lib/dracut/modules.d, have bos-report in /usr/bin, and
# build the image with: dracut --add bos-report ...

# Only where it is asked for: a report out of the initrd says that kernel and initrd
# run, and not that the node came up.
check() {
    require_binaries bos-report || return 1
    return 255
}

depends() {
    # The network, however the image has it set up (dracut 057 and newer choose).
    echo network
}

install() {
    inst_binary bos-report
    inst_simple /etc/bos/report.conf 2>/dev/null || :
    # Files that the configuration names, such as certificates.
    local file
    for file in $(sed -n 's/^[[:space:]]*bos_ca_file=//p' "${dracutsysrootdir-}/etc/bos/report.conf" 2>/dev/null); do
        inst_simple "$file"
    done
    inst_hook pre-pivot 90 "$moddir/bos-report.sh"
}
