/*
 * emu_pn532_pty.c - an emulated PN532 on the UART at the other end of a pty, in real time.
 *
 * Prints the path of the terminal to open, then takes commands on stdin (emu_commands.h).
 */
#include <argp.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "hal/linux/clock_linux.h"
#include "tests/integration/hal/emu_commands.h"
#include "tests/integration/hal/reset_file.h"

enum { IDLE_MS = 100, CHUNK = 256 };

const char *argp_program_version = "emu-pn532-pty " ECM_VERSION;

struct tool {
    const char *reset_path;
    unsigned seed;
    int master;
    int slave;
    struct clock_linux clock;
    struct emu_pn532 emu;
    struct emu_lines lines;
};

static int open_pty(struct tool *tool)
{
    struct termios settings;

    tool->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (tool->master < 0 || grantpt(tool->master) < 0 || unlockpt(tool->master) < 0) {
        return -1;
    }
    /* Held open so that the line survives a driver that comes and goes. */
    tool->slave = open(ptsname(tool->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tool->slave < 0 || tcgetattr(tool->slave, &settings) < 0) {
        return -1;
    }
    cfmakeraw(&settings);
    return tcsetattr(tool->slave, TCSANOW, &settings);
}

/* Milliseconds until the emulator has something to say. */
static int wait_ms(struct tool *tool)
{
    uint64_t now_us = hal_clock_boot_us(&tool->clock.base);
    uint64_t next_us = emu_pn532_next_us(&tool->emu);
    int limit_ms = tool->reset_path != NULL ? RESET_FILE_LOOK_MS : IDLE_MS;

    if (next_us <= now_us) {
        return 0;
    }
    if (next_us - now_us >= (uint64_t)limit_ms * 1000) {
        return limit_ms;
    }
    return (int)((next_us - now_us + 999) / 1000);
}

static void pass_bytes(struct tool *tool)
{
    uint8_t bytes[CHUNK];
    ssize_t count = read(tool->master, bytes, sizeof bytes);
    size_t size = 0;

    if (count > 0) {
        emu_pn532_hsu_write(&tool->emu, bytes, (size_t)count);
    }
    size = emu_pn532_hsu_read(&tool->emu, bytes, sizeof bytes);
    if (size > 0 && write(tool->master, bytes, size) != (ssize_t)size) {
        (void)fprintf(stderr, "emu-pn532-pty: nobody reads; %zu bytes lost\n", size);
    }
}

static void serve(struct tool *tool)
{
    bool is_open = true;

    while (is_open) {
        struct pollfd waiters[] = {
            {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = tool->master, .events = POLLIN}};

        (void)poll(waiters, 2, wait_ms(tool));
        /* A driver that was killed leaves the line marked as its own. */
        (void)ioctl(tool->slave, TIOCNXCL);
        reset_file_look(tool->reset_path, &tool->emu);
        pass_bytes(tool);
        if (waiters[0].revents != 0) {
            is_open = emu_lines_read(&tool->lines, STDIN_FILENO, &tool->emu);
        }
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct tool *tool = state->input;

    switch (key) {
    case 'r':
        tool->reset_path = value;
        return 0;
    case 's':
        tool->seed = (unsigned)strtoul(value, NULL, 10);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"reset-file", 'r', "PATH", 0, "0 in this file holds the chip in reset", 0},
        {"seed", 's', "N", 0, "of the chip's chance (default 1)", 0}, {0}};
    static const struct argp parser = {.options = options,
        .parser = parse_option,
        .doc = "An emulated PN532 on a pty. Prints the terminal's path; then commands on stdin: "
               "tap HEX [KIND] [URI], remove [HEX], fault KIND [COUNT], fault late MS [COUNT], "
               "reset, status, quit."};
    static struct tool tool = {.seed = 1};

    argp_err_exit_status = 2;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &tool);
    if (clock_linux_open(&tool.clock) < 0 || open_pty(&tool) < 0) {
        perror("emu-pn532-pty");
        return 1;
    }
    emu_pn532_init(&tool.emu, &tool.clock.base, tool.seed);
    puts(ptsname(tool.master));
    (void)fflush(stdout);
    serve(&tool);
    return 0;
}
