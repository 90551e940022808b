/*
 * reader_cli.c - the unmodified driver on Linux ports, for tests: prints what the reader says.
 *
 * One line an event: "up", "tag UID TECH [PICC MAC]", "gone UID", "fault TEXT", "recovered TEXT".
 * Ends after --events of them (0: never) or with status 1 after --seconds.
 */
#include <argp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/chip/pn532_hsu.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/linux/clock_linux.h"
#include "hal/linux/gpio_linux.h"
#include "hal/linux/serial_linux.h"
#include "hal/linux/spi_linux.h"

enum { WAIT_MS_MAX = 1000 };

const char *argp_program_version = "reader-cli " ECM_VERSION;

struct cli {
    const char *spi_path;
    const char *serial_path;
    const char *reset_name;
    unsigned long events;
    unsigned long seconds;
    unsigned long health_ms;
    struct clock_linux clock;
    struct spi_linux spi;
    struct serial_linux serial;
    struct hal_gpio_out *reset;
    struct pn532_spi spi_link;
    struct pn532_hsu hsu_link;
    struct pn532_reader reader;
};

static void print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        printf("%02X", bytes[i]);
    }
}

static void print_event(const struct hal_reader_event *event)
{
    static const char *const techs[] = {"unknown", "type2", "type4", "ntag424", "classic"};

    switch (event->kind) {
    case HAL_READER_NONE:
        return;
    case HAL_READER_TAG:
    case HAL_READER_GONE:
        printf("%s ", event->kind == HAL_READER_TAG ? "tag" : "gone");
        print_hex(event->tag.uid, event->tag.uid_size);
        if (event->kind == HAL_READER_TAG) {
            printf(" %s", techs[event->tag.tech]);
        }
        if (event->kind == HAL_READER_TAG && event->tag.has_sun) {
            printf(" ");
            print_hex(event->tag.sun_picc, sizeof event->tag.sun_picc);
            printf(" ");
            print_hex(event->tag.sun_mac, sizeof event->tag.sun_mac);
        }
        printf("\n");
        break;
    case HAL_READER_FAULT:
    case HAL_READER_RECOVERED:
        printf("%s %s\n", event->kind == HAL_READER_FAULT ? "fault" : "recovered", event->text);
        break;
    }
    (void)fflush(stdout);
}

static int open_ports(struct cli *cli)
{
    struct pn532_reader_config config = {
        .name = "test", .clock = &cli->clock.base, .health_ms = (uint32_t)cli->health_ms};
    int rc = clock_linux_open(&cli->clock);

    if (rc == 0 && cli->reset_name != NULL) {
        rc = gpio_linux_open_out(&cli->reset, cli->reset_name, true);
    }
    if (rc == 0 && cli->spi_path != NULL) {
        rc = spi_linux_open(&cli->spi, cli->spi_path, 0);
        pn532_spi_init(&cli->spi_link, &cli->spi.base, NULL, &cli->clock.base);
        config.link = &cli->spi_link.link;
    } else if (rc == 0) {
        rc = serial_linux_open(&cli->serial, cli->serial_path);
        pn532_hsu_init(&cli->hsu_link, &cli->serial.base, &cli->clock.base);
        config.link = &cli->hsu_link.link;
    }
    config.reset = cli->reset;
    if (rc == 0) {
        pn532_reader_init(&cli->reader, &config);
    }
    return rc;
}

static void close_ports(struct cli *cli)
{
    if (cli->spi_path != NULL) {
        spi_linux_close(&cli->spi);
    } else {
        serial_linux_close(&cli->serial);
    }
    gpio_linux_close_out(cli->reset);
}

static void wait_for_reader(struct cli *cli)
{
    struct hal_reader *reader = &cli->reader.base;
    struct pollfd waiter = {.fd = hal_reader_fd(reader), .events = POLLIN};
    uint64_t now_us = hal_clock_boot_us(&cli->clock.base);
    uint64_t due_us = hal_reader_due_us(reader);
    uint64_t wait_ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;

    (void)poll(&waiter, 1, wait_ms < WAIT_MS_MAX ? (int)wait_ms : WAIT_MS_MAX);
}

static int run(struct cli *cli)
{
    uint64_t end_us = hal_clock_boot_us(&cli->clock.base) + cli->seconds * 1000000;
    unsigned long count = 0;
    bool was_up = false;

    while (hal_clock_boot_us(&cli->clock.base) < end_us) {
        struct hal_reader_event event;

        hal_reader_poll(&cli->reader.base, &event);
        print_event(&event);
        count += event.kind != HAL_READER_NONE;
        if (!was_up && pn532_reader_is_up(&cli->reader)) {
            was_up = true;
            puts("up");
            (void)fflush(stdout);
        }
        if (cli->events > 0 && count >= cli->events) {
            return 0;
        }
        wait_for_reader(cli);
    }
    return 1;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct cli *cli = state->input;

    switch (key) {
    case 'd':
        cli->spi_path = value;
        return 0;
    case 't':
        cli->serial_path = value;
        return 0;
    case 'r':
        cli->reset_name = value;
        return 0;
    case 'n':
        cli->events = strtoul(value, NULL, 10);
        return 0;
    case 'l':
        cli->seconds = strtoul(value, NULL, 10);
        return 0;
    case 'k':
        cli->health_ms = strtoul(value, NULL, 10);
        return 0;
    case ARGP_KEY_END:
        if ((cli->spi_path == NULL) == (cli->serial_path == NULL)) {
            argp_error(state, "one of --spi and --tty is needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {{"spi", 'd', "PATH", 0, "spidev of the PN532", 0},
        {"tty", 't', "PATH", 0, "serial port of the PN532", 0},
        {"reset", 'r', "LINE", 0, "its reset line, as in gpio_linux.h", 0},
        {"events", 'n', "N", 0, "end after N events (default: never)", 0},
        {"seconds", 'l', "N", 0, "give up after N seconds (default 60)", 0},
        {"health-ms", 'k', "N", 0, "health check period", 0}, {0}};
    static const struct argp parser = {.options = options,
        .parser = parse_option,
        .doc = "Run the PN532 reader on Linux ports and print its events."};
    static struct cli cli = {.seconds = 60};
    int rc = 0;

    argp_err_exit_status = 2;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &cli);
    rc = open_ports(&cli);
    if (rc < 0) {
        (void)fprintf(stderr, "reader-cli: %s\n", strerror(-rc));
        return 1;
    }
    rc = run(&cli);
    close_ports(&cli);
    return rc;
}
