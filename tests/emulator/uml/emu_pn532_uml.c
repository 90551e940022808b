/*
 * emu_pn532_uml.c - the board around the daemon inside User-Mode Linux: PN532, lamps, wires.
 *
 * Serves the virtual SPI controller (ecm_vspi.h) from an emulated PN532 in real time, drives the
 * chip's IRQ line by gpio-sim's pull file, and looks every LOOK_US at the lines the daemon drives:
 * the chip's reset, and any others that are only recorded. gpio-sim of 6.1 does not tell when a
 * value changes, so a pulse shorter than a look is missed.
 *
 * Commands (emu_commands.h) come from a FIFO; their answers go to standard output. The trace file
 * gets one line per event, with the boot time in microseconds at which it was seen:
 *
 *   TIME command LINE       before it is done
 *   TIME NAME LEVEL         irq, reset or a recorded line changed
 *   TIME transfer SIZE SELECT_US
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hal/fake/emu_pn532.h"
#include "hal/linux/clock_linux.h"
#include "tests/emulator/uml/ecm_vspi.h"
#include "tests/integration/hal/emu_commands.h"

enum { LOOK_US = 1000, LINES_MAX = 8, NAME_SIZE = 16, PATH_SIZE = 256 };

/* A line that the daemon drives. */
struct watched {
    char name[NAME_SIZE];
    int fd; /* gpio-sim's value file */
    int level;
};

struct board {
    const char *chip; /* gpio-sim's folder in sysfs */
    const char *fifo;
    const char *trace_path;
    int irq_line;
    struct watched lines[LINES_MAX]; /* the first one is the reset line */
    size_t line_count;

    struct clock_linux clock;
    struct emu_pn532 emu;
    FILE *trace;
    int bus;
    int pull; /* of the IRQ line */
    int irq_level;
    int commands;
    char text[EMU_LINE_MAX]; /* commands not yet ended by a newline */
    size_t text_size;
};

static uint64_t now_us(struct board *board)
{
    return hal_clock_boot_us(&board->clock.base);
}

static void trace(struct board *board, const char *what, const char *detail)
{
    (void)fprintf(board->trace, "%llu %s %s\n", (unsigned long long)now_us(board), what, detail);
    (void)fflush(board->trace);
}

/* --- the lines --- */

static int open_line(const struct board *board, int line, const char *file, int flags)
{
    char path[PATH_SIZE];
    int fd = -1;

    (void)snprintf(path, sizeof path, "%s/sim_gpio%d/%s", board->chip, line, file);
    fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
    }
    return fd;
}

static void drive_irq(struct board *board)
{
    int level = emu_pn532_irq(&board->emu);
    const char *pull = level != 0 ? "pull-up" : "pull-down";

    if (level == board->irq_level) {
        return;
    }
    board->irq_level = level;
    trace(board, "irq", level != 0 ? "1" : "0");
    if (pwrite(board->pull, pull, strlen(pull), 0) < 0) {
        perror("emu-pn532-uml: irq");
    }
}

static void look_at_lines(struct board *board)
{
    for (size_t i = 0; i < board->line_count; i++) {
        struct watched *line = &board->lines[i];
        char digit = 0;

        if (pread(line->fd, &digit, 1, 0) != 1 || digit - '0' == line->level) {
            continue;
        }
        line->level = digit - '0';
        trace(board, line->name, line->level != 0 ? "1" : "0");
        if (i == 0) {
            emu_pn532_reset(&board->emu, line->level != 0);
        }
    }
}

/* --- the bus --- */

static uint8_t reverse(uint8_t byte)
{
    uint8_t result = 0;

    for (int i = 0; i < 8; i++) {
        result = (uint8_t)(result | ((byte >> i) & 1) << (7 - i));
    }
    return result;
}

/* Answer one transfer. The IRQ line moves before the host knows that the transfer is over. */
static void serve_bus(struct board *board)
{
    static uint8_t message[sizeof(struct ecm_vspi_request) + ECM_VSPI_BYTES_MAX];
    static uint8_t rx[ECM_VSPI_BYTES_MAX];
    uint8_t *tx = message + sizeof(struct ecm_vspi_request);
    struct ecm_vspi_request request;
    ssize_t got = read(board->bus, message, sizeof message);
    char detail[32];

    if (got < (ssize_t)sizeof request) {
        return;
    }
    memcpy(&request, message, sizeof request);
    (void)snprintf(detail, sizeof detail, "%u %u", request.size, request.select_us);
    trace(board, "transfer", detail);
    for (size_t i = 0; i < request.size; i++) {
        tx[i] = reverse(tx[i]);
    }
    if (request.is_first != 0) {
        emu_pn532_spi(&board->emu, tx, rx, request.size, request.select_us);
    } else {
        /* The model knows whole chip-select periods only; our driver sends nothing else. */
        memset(rx, 0, request.size);
        trace(board, "error", "a second transfer in one chip-select period");
    }
    for (size_t i = 0; i < request.size; i++) {
        rx[i] = reverse(rx[i]);
    }
    drive_irq(board);
    if (write(board->bus, rx, request.size) != (ssize_t)request.size) {
        perror("emu-pn532-uml: bus");
    }
}

/* --- commands --- */

static bool take_commands(struct board *board)
{
    size_t space = sizeof board->text - 1 - board->text_size;
    ssize_t got = read(board->commands, board->text + board->text_size, space);
    bool goes_on = true;

    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    board->text_size += (size_t)got;
    board->text[board->text_size] = '\0';
    for (char *end = strchr(board->text, '\n'); goes_on && end != NULL;
         end = strchr(board->text, '\n')) {
        *end = '\0';
        trace(board, "command", board->text);
        goes_on = emu_command_line(&board->emu, board->text);
        board->text_size -= (size_t)(end - board->text) + 1;
        memmove(board->text, end + 1, board->text_size + 1);
    }
    if (board->text_size == sizeof board->text - 1) {
        puts("error: line too long");
        board->text_size = 0;
    }
    return goes_on;
}

/* --- start, and the loop --- */

static int open_board(struct board *board)
{
    if (clock_linux_open(&board->clock) < 0) {
        perror("emu-pn532-uml: boot id");
        return -1;
    }
    board->trace = fopen(board->trace_path, "we");
    board->bus = open(ECM_VSPI_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    /* Read and write: a FIFO whose writer closes it does not end. */
    board->commands = open(board->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (board->trace == NULL || board->bus < 0 || board->commands < 0) {
        perror("emu-pn532-uml");
        return -1;
    }
    board->pull = open_line(board, board->irq_line, "pull", O_WRONLY);
    board->irq_level = -1;
    emu_pn532_init(&board->emu, &board->clock.base, 1);
    return board->pull < 0 ? -1 : 0;
}

static struct timespec wait_time(struct board *board)
{
    uint64_t now = now_us(board);
    uint64_t next = emu_pn532_next_us(&board->emu);
    uint64_t wait_us = LOOK_US;

    /* What is due already waits for the host, not for us. */
    if (next > now && next - now < wait_us) {
        wait_us = next - now;
    }
    return (struct timespec){.tv_nsec = (long)wait_us * 1000};
}

static int run(struct board *board)
{
    bool goes_on = true;

    while (goes_on) {
        struct pollfd fds[2] = {
            {.fd = board->bus, .events = POLLIN}, {.fd = board->commands, .events = POLLIN}};
        struct timespec wait = {0};

        look_at_lines(board);
        drive_irq(board);
        wait = wait_time(board);
        if (ppoll(fds, 2, &wait, NULL) < 0 && errno != EINTR) {
            perror("emu-pn532-uml");
            return EXIT_FAILURE;
        }
        if ((fds[0].revents & POLLIN) != 0) {
            /* Reset may have changed since the last look, before this transfer. */
            look_at_lines(board);
            serve_bus(board);
        }
        if ((fds[1].revents & POLLIN) != 0) {
            goes_on = take_commands(board);
        }
    }
    return EXIT_SUCCESS;
}

/* NAME=NUMBER; the chip's folder must be known already. */
static int watch_line(struct board *board, const char *text)
{
    const char *equals = strchr(text, '=');
    struct watched *line = &board->lines[board->line_count];

    if (equals == NULL || board->chip == NULL || board->line_count == LINES_MAX) {
        return -1;
    }
    (void)snprintf(line->name, sizeof line->name, "%.*s", (int)(equals - text), text);
    line->level = -1;
    line->fd = open_line(board, (int)strtol(equals + 1, NULL, 10), "value", O_RDONLY);
    if (line->fd < 0) {
        return -1;
    }
    board->line_count++;
    return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct board *board = state->input;

    switch (key) {
    case 'c':
        board->chip = value;
        return 0;
    case 'f':
        board->fifo = value;
        return 0;
    case 't':
        board->trace_path = value;
        return 0;
    case 'i':
        board->irq_line = (int)strtol(value, NULL, 10);
        return 0;
    case ARGP_KEY_ARG:
        if (watch_line(board, value) < 0) {
            argp_error(state, "'%s': no such line, or not NAME=NUMBER after --chip", value);
        }
        return 0;
    case ARGP_KEY_END:
        if (board->line_count == 0 || board->fifo == NULL || board->trace_path == NULL) {
            argp_error(state, "--chip, --fifo, --trace and the reset line are wanted");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"chip", 'c', "FOLDER", 0, "gpio-sim's chip in sysfs; must come first", 0},
        {"fifo", 'f', "PATH", 0, "take commands from this FIFO", 0},
        {"trace", 't', "PATH", 0, "write what happens to this file", 0},
        {"irq", 'i', "NUMBER", 0, "the chip's IRQ is this line", 0}, {0}};
    static const struct argp parser = {.options = options,
        .parser = parse_option,
        .args_doc = "reset=NUMBER [NAME=NUMBER]...",
        .doc = "An emulated PN532 and its wires, on a virtual SPI controller and gpio-sim."};
    static struct board board;

    argp_err_exit_status = 2;
    (void)argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &board);
    if (open_board(&board) < 0) {
        return EXIT_FAILURE;
    }
    return run(&board);
}
