#!/usr/bin/busybox sh
# shellcheck shell=dash
# The first process inside User-Mode Linux (see uml.py): makes the board, then does what it is told.
#
# The root is the host's file system, read-only. What is written goes to /run (memory) or to
# /run/host, which is the test's own folder on the host. The kernel command line gives, as
# environment: ecm_folder that folder, ecm_module the SPI controller.
#
# A line on /dev/ttyS0 is a shell command. Its output comes back, and then "== STATUS".
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

# A Raspberry Pi's lines, by its chip's name, so that the configuration we ship fits. The PN532 board
# pulls its reset line up, and the chip holds IRQ high until it has something.
bank=/sys/kernel/config/gpio-sim/board/bank0
mkdir -p $bank || fail "no gpio-sim"
echo 32 >$bank/num_lines
echo pinctrl-bcm2835 >$bank/label
for line in 17=LED_GREEN 27=LED_RED 22=LED_AMBER 18=BUZZER 24=PN532_RESET 25=PN532_IRQ; do
    mkdir "$bank/line${line%%=*}"
    echo "${line#*=}" >"$bank/line${line%%=*}/name"
done
echo 1 >/sys/kernel/config/gpio-sim/board/live || fail "no gpio chip"
ln -s "/sys/devices/platform/$(cat /sys/kernel/config/gpio-sim/board/dev_name)/$(cat $bank/chip_name)" \
    /run/chip
echo pull-up >/run/chip/sim_gpio24/pull
echo pull-up >/run/chip/sim_gpio25/pull

# spidev takes no chip by a name of its own: it is bound by hand, as the overlay does it on a Pi.
busybox insmod "$ecm_module" || fail "no SPI controller"
echo spidev >/sys/bus/spi/devices/spi0.0/driver_override
echo spi0.0 >/sys/bus/spi/drivers/spidev/bind || fail "no spidev"

exec 3<>/dev/ttyS0
stty raw -echo <&3
echo "== 0" >&3
while IFS= read -r command <&3; do
    (eval "$command") </dev/null >&3 2>&1 3>&-
    echo "== $?" >&3
done
busybox poweroff -f
