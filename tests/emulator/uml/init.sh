#!/usr/bin/busybox sh
# shellcheck shell=dash
# The first process inside User-Mode Linux (see uml.py): makes the board, then does what it is told.
#
# The root is the host's file system, read-only. What is written goes to /run (memory) or to
# /run/host, which is the test's own folder on the host. The kernel command line gives, as
# environment: ecm_folder that folder, ecm_module the SPI controller.
ecm_folder=${ecm_folder:-/nowhere} ecm_module=${ecm_module:-/nowhere}
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run

fail() {
    echo "init: $1"
    busybox poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t configfs configfs /sys/kernel/config
mount -t tmpfs tmpfs /run || fail "no /run"
mkdir /run/host
mount -t hostfs hostfs /run/host -o "$ecm_folder" || fail "no $ecm_folder"
busybox ifconfig lo 127.0.0.1 up || fail "no loopback"

here=${0%/*}
# shellcheck source=tests/emulator/uml/make_board.sh
. "$here/make_board.sh"
ln -s "$chip" /run/chip

"$here/serve.sh"
busybox poweroff -f
