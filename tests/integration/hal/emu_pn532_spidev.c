/*
 * emu_pn532_spidev.c - run a program that finds an emulated PN532 on /dev/spidev0.0.
 *
 * umockdev mocks the device: the program's ioctls come here and are served by the emulator in
 * real time. Commands (emu_commands.h) come from stdin, or from a FIFO. The program's exit status
 * is ours. GPIO cannot be mocked this way; --reset-file stands for the reset line.
 *
 * The program's own standard input is /dev/null: ours has the commands.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/spi/spidev.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <umockdev.h>
#include <unistd.h>

#include "hal/linux/clock_linux.h"
#include "tests/integration/hal/emu_commands.h"
#include "tests/integration/hal/reset_file.h"

enum { TRANSFERS_MAX = 8, BYTES_MAX = 4096, LINUX_SPI_LSB_FIRST = 0x08 };

const char *argp_program_version = "emu-pn532-spidev " ECM_VERSION;

static const char device[] =
    "P: /devices/platform/soc/3f204000.spi/spi_master/spi0/spi0.0/spidev/spidev0.0\n"
    "N: spidev0.0\nE: DEVNAME=/dev/spidev0.0\nE: SUBSYSTEM=spidev\nA: dev=153:0\n";

struct tool {
    const char *reset_path;
    const char *fifo_path;
    unsigned seed;
    char **command;
    GMainLoop *loop;
    GMutex lock; /* around emu: ioctls are served in a thread of umockdev's */
    GPid child;
    int status;
    struct clock_linux clock;
    struct emu_pn532 emu;
    struct emu_lines lines;
};

static uint8_t reverse(uint8_t byte)
{
    uint8_t result = 0;

    for (int i = 0; i < 8; i++) {
        result = (uint8_t)(result | ((byte >> i) & 1) << (7 - i));
    }
    return result;
}

/* One chip-select period with bytes: to the emulator in its own bit order, and back. */
static void exchange_bytes(
    struct tool *tool, const uint8_t *wire_tx, uint8_t *wire_rx, size_t size, uint32_t wake_us)
{
    static uint8_t tx[BYTES_MAX];
    static uint8_t rx[BYTES_MAX];

    for (size_t i = 0; i < size; i++) {
        tx[i] = wire_tx != NULL ? reverse(wire_tx[i]) : 0;
    }
    emu_pn532_spi(&tool->emu, tx, rx, size, wake_us);
    for (size_t i = 0; wire_rx != NULL && i < size; i++) {
        wire_rx[i] = reverse(rx[i]);
    }
}

/* Fetch a buffer of the program, whose address stands at offset of its transfers. */
static UMockdevIoctlData *fetch(
    UMockdevIoctlData *transfers, size_t offset, uint64_t address, size_t size)
{
    return address != 0 ? umockdev_ioctl_data_resolve(transfers, offset, size, NULL) : NULL;
}

/* Returns the bytes exchanged, or -1. */
static long serve_message(struct tool *tool, UMockdevIoctlClient *client, size_t count)
{
    UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
    UMockdevIoctlData *data =
        umockdev_ioctl_data_resolve(argument, 0, count * sizeof(struct spi_ioc_transfer), NULL);
    struct spi_ioc_transfer transfers[TRANSFERS_MAX];
    uint32_t wake_us = 0;
    long total = 0;

    if (data == NULL || count == 0 || count > TRANSFERS_MAX) {
        return -1;
    }
    memcpy(transfers, data->data, count * sizeof transfers[0]);
    for (size_t i = 0; i < count; i++) {
        const struct spi_ioc_transfer *transfer = &transfers[i];
        size_t at = i * sizeof transfers[0];
        UMockdevIoctlData *tx = NULL;
        UMockdevIoctlData *rx = NULL;

        if (transfer->len == 0) {
            wake_us = transfer->delay_usecs;
            g_usleep(wake_us);
            continue;
        }
        if (transfer->len > BYTES_MAX) {
            return -1;
        }
        tx = fetch(
            data, at + offsetof(struct spi_ioc_transfer, tx_buf), transfer->tx_buf, transfer->len);
        rx = fetch(
            data, at + offsetof(struct spi_ioc_transfer, rx_buf), transfer->rx_buf, transfer->len);
        exchange_bytes(tool, tx != NULL ? tx->data : NULL, rx != NULL ? rx->data : NULL,
            transfer->len, wake_us);
        if (rx != NULL && tx != NULL && transfer->tx_buf == transfer->rx_buf) {
            /* Both are copies of the same memory and both are written back. */
            memcpy(tx->data, rx->data, transfer->len);
        }
        total += transfer->len;
    }
    return total;
}

/* What no SPI controller of a Raspberry Pi can do is refused, as there. */
static bool is_mode_refused(UMockdevIoctlClient *client, size_t size)
{
    UMockdevIoctlData *data =
        umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, size, NULL);

    return data == NULL || (data->data[0] & LINUX_SPI_LSB_FIRST) != 0;
}

static gboolean serve_ioctl(
    UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user_data)
{
    struct tool *tool = user_data;
    unsigned long request = umockdev_ioctl_client_get_request(client);
    long result = 0;
    int code = 0;

    (void)base;
    g_mutex_lock(&tool->lock);
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC) {
        result = -1;
        code = ENOTTY;
    } else if (_IOC_NR(request) == _IOC_NR(SPI_IOC_MESSAGE(1)) && _IOC_SIZE(request) > 0) {
        result = serve_message(tool, client, _IOC_SIZE(request) / sizeof(struct spi_ioc_transfer));
        code = result < 0 ? EMSGSIZE : 0;
    } else if (_IOC_NR(request) == _IOC_NR(SPI_IOC_WR_MODE) &&
               is_mode_refused(client, _IOC_SIZE(request))) {
        result = -1;
        code = EINVAL;
    }
    g_mutex_unlock(&tool->lock);
    umockdev_ioctl_client_complete(client, result, code);
    return TRUE;
}

static gboolean look_at_reset(gpointer user_data)
{
    struct tool *tool = user_data;

    g_mutex_lock(&tool->lock);
    reset_file_look(tool->reset_path, &tool->emu);
    g_mutex_unlock(&tool->lock);
    return TRUE;
}

static gboolean take_commands(gint fd, GIOCondition condition, gpointer user_data)
{
    struct tool *tool = user_data;
    bool is_open = false;

    (void)condition;
    g_mutex_lock(&tool->lock);
    is_open = emu_lines_read(&tool->lines, fd, &tool->emu);
    g_mutex_unlock(&tool->lock);
    if (tool->lines.quit) {
        (void)kill(tool->child, SIGTERM);
    }
    return is_open;
}

static void take_exit(GPid pid, gint status, gpointer user_data)
{
    struct tool *tool = user_data;

    (void)pid;
    tool->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    g_main_loop_quit(tool->loop);
}

static gboolean pass_signal(gpointer user_data)
{
    struct tool *tool = user_data;

    (void)kill(tool->child, SIGTERM);
    return TRUE;
}

static int start_child(struct tool *tool)
{
    GError *error = NULL;
    gboolean is_started = g_spawn_async(NULL, tool->command, NULL,
        G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &tool->child, &error);

    if (!is_started) {
        (void)fprintf(stderr, "emu-pn532-spidev: %s\n", error->message);
        g_error_free(error);
        return -1;
    }
    (void)g_child_watch_add(tool->child, take_exit, tool);
    return 0;
}

/* Everything the child is to find must be there before it starts. */
static int run(struct tool *tool)
{
    UMockdevTestbed *testbed = umockdev_testbed_new();
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    GError *error = NULL;
    int commands = STDIN_FILENO;

    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(serve_ioctl), tool);
    if (!umockdev_testbed_add_from_string(testbed, device, &error) ||
        !umockdev_testbed_attach_ioctl(testbed, "/dev/spidev0.0", handler, &error)) {
        (void)fprintf(stderr, "emu-pn532-spidev: %s\n", error->message);
        return 1;
    }
    if (tool->fifo_path != NULL) {
        /* Read and write: a FIFO whose writer closes it does not end. */
        commands = open(tool->fifo_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (commands < 0) {
            perror(tool->fifo_path);
            return 2;
        }
    }
    tool->loop = g_main_loop_new(NULL, FALSE);
    if (start_child(tool) < 0) {
        return 2;
    }
    (void)g_unix_fd_add(commands, G_IO_IN | G_IO_HUP, take_commands, tool);
    (void)g_unix_signal_add(SIGTERM, pass_signal, tool);
    (void)g_unix_signal_add(SIGINT, pass_signal, tool);
    (void)g_timeout_add(RESET_FILE_LOOK_MS, look_at_reset, tool);
    g_main_loop_run(tool->loop);
    /* Removes the mocked tree. The handler stays: a thread of umockdev's may be about to tell it that
     * the program is gone, and a tool that crashes there hides the program's own status. */
    g_object_unref(testbed);
    return tool->status;
}

/* The library that redirects /dev must be loaded first, into us and into the child. */
static int run_again_with_preload(char **argv)
{
    static const char library[] = "libumockdev-preload.so.0";
    const char *loaded = getenv("LD_PRELOAD");
    const char *options = NULL;

    if (loaded != NULL && strstr(loaded, library) != NULL) {
        return 0;
    }
    (void)setenv("LD_PRELOAD", library, 1);
    /* With sanitizers: they want to be the first library, and umockdev never gives all back. */
    options = getenv("ASAN_OPTIONS");
    (void)setenv(
        "ASAN_OPTIONS", g_strconcat("verify_asan_link_order=0:detect_leaks=0:", options, NULL), 1);
    (void)execv("/proc/self/exe", argv);
    perror("emu-pn532-spidev");
    return 1;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct tool *tool = state->input;

    switch (key) {
    case 'f':
        tool->fifo_path = value;
        return 0;
    case 'r':
        tool->reset_path = value;
        return 0;
    case 's':
        tool->seed = (unsigned)strtoul(value, NULL, 10);
        return 0;
    case ARGP_KEY_ARGS:
        tool->command = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which program is to be run?");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"fifo", 'f', "PATH", 0, "take commands from this FIFO instead of stdin", 0},
        {"reset-file", 'r', "PATH", 0, "0 in this file holds the chip in reset", 0},
        {"seed", 's', "N", 0, "of the chip's chance (default 1)", 0}, {0}};
    static const struct argp parser = {.options = options,
        .parser = parse_option,
        .args_doc = "-- COMMAND [ARGUMENT...]",
        .doc = "Run a program that finds an emulated PN532 on /dev/spidev0.0. Commands on stdin: "
               "tap HEX [KIND] [URI], remove [HEX], fault KIND [COUNT], fault late MS [COUNT], "
               "reset, status, quit (which ends the program)."};
    static struct tool tool = {.seed = 1};

    argp_err_exit_status = 2;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &tool);
    if (run_again_with_preload(argv) != 0) {
        return 1;
    }
    if (clock_linux_open(&tool.clock) < 0) {
        perror("emu-pn532-spidev");
        return 1;
    }
    g_mutex_init(&tool.lock);
    emu_pn532_init(&tool.emu, &tool.clock.base, tool.seed);
    return run(&tool);
}
