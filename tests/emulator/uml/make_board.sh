# shellcheck shell=dash
# Sourced by the first processes inside User-Mode Linux: makes the board. ecm_module is the SPI
# controller; fail() ends the machine with a sentence. Wants /sys and configfs.
#
# A Raspberry Pi's lines, by its chip's name, so that the configuration we ship fits. The PN532 board
# pulls its reset line up, and the chip holds IRQ high until it has something. The contact of the
# case is closed (low), the assist button is let go (high).
bank=/sys/kernel/config/gpio-sim/board/bank0
mkdir -p $bank || fail "no gpio-sim"
echo 32 >$bank/num_lines
echo pinctrl-bcm2835 >$bank/label
for line in 5=CASE 6=ASSIST 17=LED_GREEN 27=LED_RED 22=LED_AMBER 18=BUZZER 24=PN532_RESET 25=PN532_IRQ; do
    mkdir "$bank/line${line%%=*}"
    echo "${line#*=}" >"$bank/line${line%%=*}/name"
done
echo 1 >/sys/kernel/config/gpio-sim/board/live || fail "no gpio chip"
chip=/sys/devices/platform/$(cat /sys/kernel/config/gpio-sim/board/dev_name)/$(cat $bank/chip_name)
echo pull-down >"$chip/sim_gpio5/pull"
for line in 6 24 25; do
    echo pull-up >"$chip/sim_gpio$line/pull"
done

# spidev takes no chip by a name of its own: it is bound by hand, as the overlay does it on a Pi.
busybox insmod "${ecm_module:-/nowhere}" || fail "no SPI controller"
echo spidev >/sys/bus/spi/devices/spi0.0/driver_override
echo spi0.0 >/sys/bus/spi/drivers/spidev/bind || fail "no spidev"
