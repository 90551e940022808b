/*
 * main.c - the tag reader on an RP2040: what it is made of, in the order it starts.
 */
#include <string.h>

#include <hardware/watchdog.h>
#include <pico/stdlib.h>

#include "boards/pico-reader.h"
#include "firmware/app/app.h"
#include "firmware/app/update.h"
#include "firmware/boot/boot.h"
#include "firmware/crypto/crypto.h"
#include "firmware/identity/identity.h"
#include "firmware/pico/layout.h"
#include "hal/chip/ds3231.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/clock.h"
#include "hal/pico/clock_pico.h"
#include "hal/pico/feedback_pico.h"
#include "hal/pico/flash_pico.h"
#include "hal/pico/gpio_pico.h"
#include "hal/pico/i2c_pico.h"
#include "hal/pico/serial_pico.h"
#include "hal/pico/spi_pico.h"

enum {
    SLEEP_MAX_US = 4000000,       /* well before the watchdog bites */
    TRIAL_MAX_US = 300 * 1000000, /* a firmware on trial that is not well by then starts anew */
};

static struct {
    struct clock_pico clock;
    struct feedback_pico feedback;
    struct flash_pico flash;
    struct serial_pico line;
    struct spi_pico spi;
    struct gpio_pico_in irq;
    struct gpio_pico_out reset;
    struct i2c_pico rtc;
    struct pn532_spi nfc;
    struct pn532_reader reader;
    struct identity identity;
    uint8_t public_key[CRYPTO_KEY_SIZE];
    struct update update;
    struct app app;
    bool is_confirmed;
} it;

static void start_ports(void)
{
    static const struct spi_pico_pins nfc_pins = {
        .sck = BOARD_NFC_SCK, .mosi = BOARD_NFC_MOSI, .miso = BOARD_NFC_MISO, .cs = BOARD_NFC_CS};
    static const struct feedback_pico_pins lamps = {.green = BOARD_LAMP_GREEN,
        .amber = BOARD_LAMP_AMBER,
        .red = BOARD_LAMP_RED,
        .buzzer = BOARD_BUZZER,
        .tone_hz = BOARD_TONE_HZ,
        .low_tone_hz = BOARD_LOW_TONE_HZ};

    clock_pico_init(&it.clock);
    feedback_pico_init(&it.feedback, &lamps);
    flash_pico_init(&it.flash);
    serial_pico_init(&it.line, BOARD_LINK_TX, BOARD_LINK_RX, BOARD_LINK_BAUD);
    spi_pico_init(&it.spi, 0, &nfc_pins, BOARD_NFC_HZ);
    gpio_pico_in_init(&it.irq, BOARD_NFC_IRQ);
    gpio_pico_out_init(&it.reset, BOARD_NFC_RESET, true);
    i2c_pico_init(&it.rtc, BOARD_RTC_SDA, BOARD_RTC_SCL, BOARD_RTC_HZ, DS3231_ADDRESS);
    pn532_spi_init(&it.nfc, &it.spi.spi, &it.irq.line, &it.clock.base);
    pn532_reader_init(&it.reader, &(struct pn532_reader_config){.name = "spi0",
                                      .link = &it.nfc.link,
                                      .clock = &it.clock.base,
                                      .reset = &it.reset.line});
}

/* ---- what needs cryptography -------------------------------------------------------------- */

static void chain_next(void *user, const uint8_t head[static MESSAGE_HASH_SIZE],
    const uint8_t *record, size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    crypto_chain_next(head, record, size, ret_head);
}

static void chain_start(
    void *user, const char *device_id, uint64_t epoch, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    crypto_chain_start(device_id, epoch, ret_head);
}

static void sign(void *user, const uint8_t *input, size_t size,
    uint8_t ret_signature[static MESSAGE_SIGNATURE_SIZE])
{
    (void)user;
    crypto_sign(it.identity.seed, input, size, ret_signature);
    watchdog_update();
}

static uint64_t make_random(void *user)
{
    (void)user;
    return random_pico_u64();
}

/* ---- start -------------------------------------------------------------------------------- */

static bool load_identity(void)
{
    uint8_t page[IDENTITY_PAGE];

    if (hal_flash_read(&it.flash.flash, BOARD_FLASH_IDENTITY, page, sizeof page) < 0 ||
        !identity_get(page, &it.identity)) {
        return false;
    }
    if (it.identity.has_seed) {
        crypto_public_key(it.identity.seed, it.public_key);
        watchdog_update();
    }
    return true;
}

static struct session_update_port start_update(void)
{
    struct receiver_conf conf = {.flash = &it.flash.flash,
        .layout = &layout,
        .board = BOARD_NAME,
        .running = layout_running_slot(),
        .version = ECM_FIRMWARE_NUMBER};

    memcpy(conf.key, it.identity.update_key, sizeof conf.key);
    if (!it.identity.has_update_key || update_open(&it.update, &conf) < 0) {
        return (struct session_update_port){0};
    }
    return update_port(&it.update);
}

static void start_app(void)
{
    const struct app_ports ports = {.reader = &it.reader.base,
        .clock = &it.clock.base,
        .feedback = &it.feedback.feedback,
        .flash = &it.flash.flash,
        .link = &it.line.serial,
        .rtc = &it.rtc.i2c,
        .crypto = {.chain_next = chain_next, .sign = it.identity.has_seed ? sign : NULL},
        .update = start_update(),
        .chain_start = chain_start,
        .random = make_random};
    const struct app_conf conf = {.device_id = it.identity.device_id,
        .reader_name = "tagreader",
        .version = ECM_FIRMWARE_VERSION,
        .board = BOARD_NAME,
        .failed_update = update_failed(&it.update),
        .public_key = it.identity.has_seed ? it.public_key : NULL,
        .log_offset = BOARD_FLASH_LOG,
        .log_sectors = BOARD_FLASH_LOG_SECTORS,
        .home_limit_s = it.identity.home_limit_s,
        .baud = BOARD_LINK_BAUD};

    (void)app_start(&it.app, &ports, &conf);
}

/* A reader that does not know its name records nothing: red for ever, and a word on the line. */
static void wait_to_be_provisioned(void)
{
    static const uint8_t sentence[] = "\r\necm: this tag reader has no identity; provision it\r\n";

    (void)hal_serial_write(&it.line.serial, sentence, sizeof sentence - 1);
    gpio_put(BOARD_LAMP_RED, true);
    for (;;) {
        watchdog_update();
        sleep_ms(1000);
    }
}

/* ---- run ---------------------------------------------------------------------------------- */

/* Until due_us, a tag, or a whole frame. */
static void rest_until(uint64_t due_us)
{
    uint64_t limit_us = time_us_64() + SLEEP_MAX_US;
    absolute_time_t end = from_us_since_boot(due_us < limit_us ? due_us : limit_us);

    while (!gpio_pico_has_edge(&it.irq) && !serial_pico_has_frame(&it.line) &&
           !best_effort_wfe_or_timeout(end)) {
    }
}

/* A new firmware says that it works, once; or is started anew when it cannot. */
static void judge_trial(void)
{
    if (it.is_confirmed || update_is_busy(&it.update)) {
        return;
    }
    if (app_is_well(&it.app)) {
        it.is_confirmed = boot_confirm(&it.flash.flash, &layout, layout_running_slot()) == 0;
    } else if (time_us_64() > TRIAL_MAX_US && layout_is_on_trial(&it.flash.flash)) {
        watchdog_reboot(0, 0, 0);
    }
}

int main(void)
{
    watchdog_enable(LAYOUT_WATCHDOG_MS, true);
    start_ports();
    if (!load_identity()) {
        wait_to_be_provisioned();
    }
    start_app();
    for (;;) {
        watchdog_update();
        rest_until(app_step(&it.app));
        judge_trial();
        if (update_wants_restart(&it.update)) {
            watchdog_reboot(0, 0, 0);
        }
    }
}
