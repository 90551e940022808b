#!/usr/bin/busybox sh
# shellcheck shell=dash
# The first process inside User-Mode Linux for the tests of the units: makes the board and a root
# that may be written to (the host's, below a file system in memory), and becomes systemd.
#
# The kernel command line gives, as environment: ecm_folder the test's own folder on the host, which
# is /run/host here; ecm_module the SPI controller.
ecm_folder=${ecm_folder:-/nowhere} ecm_module=${ecm_module:-/nowhere}
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=$(cd "${0%/*}" && pwd)

fail() {
    echo "init: $1"
    busybox poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t configfs configfs /sys/kernel/config
# shellcheck source=tests/emulator/uml/make_board.sh
. "$here/../uml/make_board.sh"
mount -t tmpfs tmpfs /run || fail "no /run"
mkdir /run/over /run/root
mount -t tmpfs tmpfs /run/over
mkdir /run/over/upper /run/over/work
mount -t overlay overlay -o lowerdir=/,upperdir=/run/over/upper,workdir=/run/over/work /run/root ||
    fail "no root to write to"
cd /run/root || fail "no root"
mkdir -p before
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mount -t tmpfs tmpfs run
mkdir run/host
mount -t hostfs hostfs run/host -o "$ecm_folder" || fail "no $ecm_folder"
ln -s "$chip" run/chip
busybox ifconfig lo 127.0.0.1 up || fail "no loopback"

# Of the host's services only what a unit needs to be started: no udev, no login, no time service, and
# nobody who empties /tmp, where this repository or the test's folder may lie.
mount -t tmpfs tmpfs etc/systemd/system
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service \
    systemd-logind.service dbus.socket dbus.service systemd-timesyncd.service \
    systemd-update-utmp.service systemd-hwdb-update.service ldconfig.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-firstboot.service \
    systemd-sysctl.service systemd-modules-load.service systemd-random-seed.service \
    systemd-machine-id-commit.service systemd-remount-fs.service systemd-sysusers.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-tmpfiles-clean.timer \
    systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount; do
    ln -s /dev/null etc/systemd/system/$unit
done
cat >etc/systemd/system/ecm-serve.service <<UNIT
[Unit]
Description=What the test asks for
[Service]
ExecStart=$here/../uml/serve.sh
ExecStopPost=systemctl --no-block --force poweroff
UNIT
cat >etc/systemd/system/ecm-test.target <<UNIT
[Unit]
Requires=basic.target ecm-serve.service
After=basic.target
AllowIsolate=yes
UNIT
pivot_root . before || fail "no other root"
exec chroot . /lib/systemd/systemd --unit=ecm-test.target --log-level=warning --show-status=no
