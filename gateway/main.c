/*
 * main.c - ecm-gateway: arguments and configuration in, ports out. Nothing else.
 *
 * The only file of the gateway that knows what is behind the ports: the kernel's SPI, tty and
 * GPIO (hal/linux), or the emulated PN532 (hal/fake) that stands in for them without hardware.
 */
#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/app.h"
#include "gateway/feedback_text.h"
#include "gateway/settings.h"
#include "gateway/source.h"
#include "gateway/taglines.h"
#include "hal/chip/pn532_hsu.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/fake/emu_pn532.h"
#include "hal/fake/emu_spi.h"
#include "hal/fake/fake_input.h"
#include "hal/linux/clock_linux.h"
#include "hal/linux/feedback_gpio.h"
#include "hal/linux/gpio_linux.h"
#include "hal/linux/serial_linux.h"
#include "hal/linux/spi_linux.h"

enum {
    EXIT_BAD_INPUT = 2,
    TAP_US = 600 * 1000,
    PRESS_US = 500 * 1000,
    LINE_SIZE = 80,
    SIMULATED_DEBOUNCE_MS = 30
};

struct arguments {
    const char *config;
    bool check_only;
    bool print;
};

/* All hardware of this process; what the configuration does not ask for stays unused. */
struct board {
    const struct settings *settings;
    struct clock_linux clock;

    struct spi_linux spi;
    struct serial_linux serial;
    struct hal_gpio_in *irq;
    struct hal_gpio_out *reset;
    struct pn532_spi spi_link;
    struct pn532_hsu uart_link;
    struct pn532_reader reader;
    struct source source;

    struct emu_pn532 emulator;
    struct emu_spi emulated_bus;
    uint64_t tag_leaves_us; /* UINT64_MAX: no tag is on the emulated reader */
    struct fake_input contacts[GATEWAY_INPUTS];
    uint64_t let_go_us; /* UINT64_MAX: the simulated button is let go */
    size_t line_size;
    char line[LINE_SIZE];

    struct feedback_text text;
    struct feedback_gpio gpio;
    struct hal_gpio_out *lamps[4];
};

/* ---- the reader --------------------------------------------------------------------------- */

static void close_reader(void *user)
{
    struct board *board = user;

    gpio_linux_close_out(board->reset);
    gpio_linux_close_in(board->irq);
    board->reset = NULL;
    board->irq = NULL;
    if (board->settings->reader_type == SETTINGS_READER_SPI) {
        spi_linux_close(&board->spi);
    } else {
        serial_linux_close(&board->serial);
    }
}

static int open_lines(struct board *board, struct err *err)
{
    const struct settings *settings = board->settings;
    int rc = 0;

    if (settings->reader_irq[0] != '\0') {
        rc = gpio_linux_open_in(&board->irq, settings->reader_irq);
        if (rc < 0) {
            return err_set(
                err, rc, "cannot open IRQ line '%s': %s", settings->reader_irq, strerror(-rc));
        }
    }
    if (settings->reader_reset[0] != '\0') {
        rc = gpio_linux_open_out(&board->reset, settings->reader_reset, true);
        if (rc < 0) {
            return err_set(
                err, rc, "cannot open reset line '%s': %s", settings->reader_reset, strerror(-rc));
        }
    }
    return 0;
}

static int open_bus(struct board *board, struct err *err)
{
    const struct settings *settings = board->settings;
    int rc = 0;

    if (settings->reader_type == SETTINGS_READER_SPI) {
        rc = spi_linux_open(
            &board->spi, settings->reader_device, (uint32_t)settings->reader_speed_hz);
        pn532_spi_init(&board->spi_link, &board->spi.base, board->irq, &board->clock.base);
    } else {
        rc = serial_linux_open(&board->serial, settings->reader_device);
        pn532_hsu_init(&board->uart_link, &board->serial.base, &board->clock.base);
    }
    return rc < 0 ? err_set(err, rc, "cannot open '%s': %s", settings->reader_device, strerror(-rc))
                  : 0;
}

static int open_reader(void *user, struct hal_reader **ret_reader, struct err *err)
{
    struct board *board = user;
    bool is_spi = board->settings->reader_type == SETTINGS_READER_SPI;
    int rc = open_lines(board, err);

    if (rc == 0) {
        rc = open_bus(board, err);
    }
    if (rc < 0) {
        close_reader(board);
        return rc;
    }
    const struct pn532_reader_config config = {
        .name = board->source.base.name,
        .link = is_spi ? &board->spi_link.link : &board->uart_link.link,
        .clock = &board->clock.base,
        .reset = board->reset,
        .health_ms = (uint32_t)board->settings->reader_health_s * 1000u,
    };
    pn532_reader_init(&board->reader, &config);
    *ret_reader = &board->reader.base;
    return 0;
}

/* ---- the emulated reader ------------------------------------------------------------------ */

static void init_emulator(struct board *board)
{
    emu_pn532_init(&board->emulator, &board->clock.base, (uint32_t)board->clock.base.boot_id);
    emu_spi_init(&board->emulated_bus, &board->emulator);
    pn532_spi_init(
        &board->spi_link, &board->emulated_bus.spi, &board->emulated_bus.irq, &board->clock.base);
    const struct pn532_reader_config config = {
        .name = "simulated",
        .link = &board->spi_link.link,
        .clock = &board->clock.base,
        .reset = &board->emulated_bus.reset,
    };
    pn532_reader_init(&board->reader, &config);
    board->tag_leaves_us = UINT64_MAX;
    board->let_go_us = UINT64_MAX;
    for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
        fake_input_init(&board->contacts[i], &board->clock.base, false);
        board->contacts[i].fd = HAL_INPUT_TOLD;
    }
}

static int open_simulated(void *user, struct hal_input **ret_input, struct err *err)
{
    (void)err;
    *ret_input = user;
    return 0;
}

static void close_simulated(void *user, struct hal_input *input)
{
    (void)user;
    (void)input;
}

/* "open", "close": the case; "help": the button. false: it is another word. */
static bool move_contact(struct board *board, const char *word)
{
    if (strcmp(word, "open") == 0 || strcmp(word, "close") == 0) {
        fake_input_set(&board->contacts[0], strcmp(word, "open") == 0);
    } else if (strcmp(word, "help") == 0) {
        fake_input_set(&board->contacts[1], true);
        board->let_go_us = hal_clock_boot_us(&board->clock.base) + PRESS_US;
    } else {
        return false;
    }
    return true;
}

/* A tag number as typed: 8, 14 or 20 hex digits; a shorter one becomes the end of 7 bytes. */
static bool parse_tag(const char *text, struct emu_tag *ret_tag)
{
    struct emu_tag tag = {.kind = EMU_TAG_NTAG213, .uid = {0x04}, .uid_size = 7};
    char digits[2 * EMU_TAG_UID_MAX + 1] = "";
    size_t size = strspn(text, "0123456789abcdefABCDEF");

    if (size == 0 || text[size] != '\0' || size > 2 * EMU_TAG_UID_MAX) {
        return false;
    }
    if (size == 8 || size == 14 || size == 20) {
        (void)snprintf(digits, sizeof digits, "%s", text);
        tag.uid_size = (uint8_t)(size / 2);
    } else if (size < 12) {
        (void)snprintf(digits, sizeof digits, "04%.*s%s", (int)(12 - size), "000000000000", text);
    } else {
        return false;
    }
    for (size_t i = 0; i < tag.uid_size; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], '\0'};

        tag.uid[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    *ret_tag = tag;
    return true;
}

static void tap(struct board *board, const char *text)
{
    struct emu_tag tag;

    if (text[0] == '\0' || move_contact(board, text)) {
        return;
    }
    if (!parse_tag(text, &tag)) {
        printf("'%s' is no tag number: up to 10, or 14 or 20, hex digits; nor open, close, help\n",
            text);
        (void)fflush(stdout);
        return;
    }
    emu_pn532_remove_tag(&board->emulator);
    (void)emu_pn532_place_tag(&board->emulator, &tag);
    board->tag_leaves_us = hal_clock_boot_us(&board->clock.base) + TAP_US;
}

static bool on_input(void *user)
{
    struct board *board = user;
    char bytes[LINE_SIZE];
    ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);

    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            board->line[board->line_size] = '\0';
            tap(board, board->line);
            board->line_size = 0;
        } else if (bytes[i] > ' ' && board->line_size < sizeof board->line - 1) {
            board->line[board->line_size++] = bytes[i];
        }
    }
    return size > 0 || (size < 0 && errno == EINTR);
}

static uint64_t step_emulator(void *user, uint64_t now_us)
{
    struct board *board = user;
    uint64_t next_us = 0;

    if (now_us >= board->tag_leaves_us) {
        emu_pn532_remove_tag(&board->emulator);
        board->tag_leaves_us = UINT64_MAX;
    }
    if (now_us >= board->let_go_us) {
        fake_input_set(&board->contacts[1], false);
        board->let_go_us = UINT64_MAX;
    }
    next_us = emu_pn532_next_us(&board->emulator);
    next_us = next_us < board->let_go_us ? next_us : board->let_go_us;
    return next_us < board->tag_leaves_us ? next_us : board->tag_leaves_us;
}

/* ---- lamps -------------------------------------------------------------------------------- */

static int open_feedback(struct board *board, struct hal_feedback **ret_feedback, struct err *err)
{
    const struct settings *settings = board->settings;
    const char *const names[4] = {
        settings->green, settings->red, settings->amber, settings->buzzer};

    if (settings->feedback_type != SETTINGS_FEEDBACK_GPIO) {
        feedback_text_init(
            &board->text, settings->feedback_type == SETTINGS_FEEDBACK_TEXT ? stdout : NULL);
        *ret_feedback = &board->text.base;
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        int rc = names[i][0] == '\0' ? 0 : gpio_linux_open_out(&board->lamps[i], names[i], false);

        if (rc < 0) {
            return err_set(err, rc, "cannot open lamp line '%s': %s", names[i], strerror(-rc));
        }
    }
    const struct feedback_gpio_lines lines = {
        board->lamps[0], board->lamps[1], board->lamps[2], board->lamps[3]};
    feedback_gpio_init(&board->gpio, &lines);
    *ret_feedback = &board->gpio.base;
    return 0;
}

static void close_feedback(struct board *board)
{
    for (size_t i = 0; i < 4; i++) {
        gpio_linux_close_out(board->lamps[i]);
    }
}

/* ---- case and button ---------------------------------------------------------------------- */

static int open_input(void *user, struct hal_input **ret_input, struct err *err)
{
    const struct settings_input *input = user;
    static_assert((int)SETTINGS_NO_BIAS == (int)HAL_INPUT_NO_BIAS, "the same order");
    int rc = gpio_linux_open_input(ret_input, input->line, (enum hal_input_bias)input->bias);

    return rc < 0 ? err_set(err, rc, "cannot open '%s': %s", input->line, strerror(-rc)) : 0;
}

static void close_input(void *user, struct hal_input *input)
{
    (void)user;
    gpio_linux_close_input(input);
}

static struct contact_conf conf_of(const struct settings_input *input)
{
    return (struct contact_conf){
        .open = input->line[0] != '\0' ? open_input : NULL,
        .close = close_input,
        .user = (void *)(uintptr_t)input, /* read only: see open_input() */
        .active_low = input->active == SETTINGS_ACTIVE_LOW,
        .debounce_ms = (uint32_t)input->debounce_ms,
    };
}

/* ---- lines of tag readers ----------------------------------------------------------------- */

static int open_line(void *user, const char *path, struct hal_serial **ret_serial)
{
    struct serial_linux *serial = calloc(1, sizeof *serial);
    int rc = -ENOMEM;

    (void)user;
    if (serial != NULL) {
        rc = serial_linux_open(serial, path);
    }
    if (rc < 0) {
        free(serial);
        return rc;
    }
    *ret_serial = &serial->base;
    return 0;
}

static void close_line(void *user, struct hal_serial *serial)
{
    (void)user;
    serial_linux_close((struct serial_linux *)serial);
    free(serial);
}

/* ---- arguments ---------------------------------------------------------------------------- */

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        arguments->config = value;
        return 0;
    case 'n':
        arguments->check_only = true;
        return 0;
    case 'p':
        arguments->print = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", value);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(struct board *board)
{
    static const struct source_factory factory_template = {open_reader, close_reader, NULL};
    static const struct tagline_port taglines = {NULL, open_line, close_line};
    struct source_factory factory = factory_template;
    bool is_simulated = board->settings->reader_type == SETTINGS_READER_SIMULATED;
    struct app_ports ports = {
        .clock = &board->clock.base,
        .input_fd = -1,
        .taglines = &taglines,
        .inputs = {conf_of(&board->settings->case_contact), conf_of(&board->settings->assist)},
    };
    struct err err = {0};
    int rc = open_feedback(board, &ports.feedback, &err);

    factory.user = board;
    source_init(&board->source,
        board->settings->reader_type == SETTINGS_READER_SPI ? "spi0" : "uart0", &factory,
        &board->clock.base);
    ports.reader = &board->source.base;
    if (is_simulated) {
        init_emulator(board);
        ports.reader = &board->reader.base;
        ports.step = step_emulator;
        ports.on_input = on_input;
        ports.input_fd = STDIN_FILENO;
        ports.user = board;
        for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
            ports.inputs[i] = (struct contact_conf){
                open_simulated, close_simulated, &board->contacts[i], false, SIMULATED_DEBOUNCE_MS};
        }
        printf(
            "Simulated reader. Type a tag number (such as 7) and Enter to tap; open and close the "
            "case,\nor call for help, by these words; Ctrl-C ends.\n");
        (void)fflush(stdout);
    }
    log_info("starting version=%s site=%s device=%s state_dir=%s", ECM_VERSION,
        board->settings->site, board->settings->device, board->settings->state_dir);
    if (rc == 0) {
        rc = app_run(board->settings, &ports, &err);
    }
    source_done(&board->source);
    close_feedback(board);
    if (rc < 0) {
        log_err("%s", err.text);
    }
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "Configuration file; without one a simulated reader is used", 0},
        {"check", 'n', NULL, 0, "Check the configuration and exit", 0},
        {"print", 'p', NULL, 0, "Print the configuration in effect and exit", 0},
        {0},
    };
    static const struct argp argp = {.options = options,
        .parser = parse_option,
        .doc = "Records taps of NFC tags and delivers them to the collector, none lost.\v"
               "Exit status: 0 stopped cleanly; 1 failed; 2 bad arguments or configuration."};
    static const enum log_level levels[] = {
        LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    static struct settings settings;
    static struct board board;
    struct arguments arguments = {0};

    argp_program_version = "ecm-gateway " ECM_VERSION;
    argp_err_exit_status = EXIT_BAD_INPUT;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0 ||
        settings_load(&settings, arguments.config, stderr) < 0) {
        return EXIT_BAD_INPUT;
    }
    if (arguments.print) {
        conf_print(settings_items, settings_count, &settings, stdout);
    }
    if (arguments.print || arguments.check_only) {
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    (void)umask(0077); /* the outbox holds tag numbers, the key is a key */
    log_set_level(levels[settings.log_level]);
    board.settings = &settings;
    if (clock_linux_open(&board.clock) < 0) {
        log_err("the kernel does not tell its boot id");
        return EXIT_FAILURE;
    }
    return run(&board);
}
