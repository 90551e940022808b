/*
 * main.c - the tag reader on an RP2040: what it is made of, in the order it starts.
 */
#include <hardware/watchdog.h>
#include <pico/stdlib.h>

#include "boards/pico-reader.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/pico/clock_pico.h"
#include "hal/pico/feedback_pico.h"
#include "hal/pico/gpio_pico.h"
#include "hal/pico/serial_pico.h"
#include "hal/pico/spi_pico.h"

static struct clock_pico clock;
static struct spi_pico spi;
static struct gpio_pico_in irq;
static struct gpio_pico_out reset;
static struct serial_pico port;
static struct feedback_pico feedback;
static struct pn532_spi link;
static struct pn532_reader reader;

int main(void)
{
    static const struct spi_pico_pins nfc = {
        .sck = BOARD_NFC_SCK, .mosi = BOARD_NFC_MOSI, .miso = BOARD_NFC_MISO, .cs = BOARD_NFC_CS};
    static const struct feedback_pico_pins lamps = {.green = BOARD_LAMP_GREEN,
        .amber = BOARD_LAMP_AMBER,
        .red = BOARD_LAMP_RED,
        .buzzer = BOARD_BUZZER,
        .tone_hz = BOARD_TONE_HZ,
        .low_tone_hz = BOARD_LOW_TONE_HZ};

    clock_pico_init(&clock);
    feedback_pico_init(&feedback, &lamps);
    serial_pico_init(&port, BOARD_LINK_TX, BOARD_LINK_RX, BOARD_LINK_BAUD);
    spi_pico_init(&spi, 0, &nfc, BOARD_NFC_HZ);
    gpio_pico_in_init(&irq, BOARD_NFC_IRQ);
    gpio_pico_out_init(&reset, BOARD_NFC_RESET, true);
    pn532_spi_init(&link, &spi.spi, &irq.line, &clock.base);
    pn532_reader_init(&reader,
        &(struct pn532_reader_config){
            .name = "spi0", .link = &link.link, .clock = &clock.base, .reset = &reset.line});
    watchdog_enable(8000, true);
    for (;;) {
        struct hal_reader_event event;
        uint64_t due;

        watchdog_update();
        hal_reader_poll(&reader.base, &event);
        if (event.kind == HAL_READER_TAG) {
            hal_feedback_show(&feedback.feedback, HAL_FEEDBACK_IN, time_us_64());
            hal_serial_write(&port.serial, event.tag.uid, event.tag.uid_size);
        }
        if (event.kind == HAL_READER_FAULT) {
            hal_serial_write(&port.serial, (const uint8_t *)event.text, sizeof event.text);
        }
        hal_feedback_step(&feedback.feedback, time_us_64());
        due = hal_reader_due_us(&reader.base);
        if (due > time_us_64() + 100000) {
            due = time_us_64() + 100000;
        }
        while (!gpio_pico_has_edge(&irq) && time_us_64() < due) {
            best_effort_wfe_or_timeout(from_us_since_boot(due));
        }
    }
}
