/*
 * metrics.c - a list of numbers, and the smallest server that curl and node_exporter's kin can read.
 */
#include "gateway/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "gateway/gateway_internal.h"

enum { HEAD_SIZE = 160, REQUEST_SIZE = 1024, BACKLOG = 4 };

struct client {
    struct metrics *metrics;
    struct loop_source *source; /* NULL: free */
    int fd;
    uint64_t order;
};

struct metrics {
    struct loop *loop;
    struct loop_source *source;
    int fd;
    metrics_text make_text;
    void *user;
    uint64_t accepted;
    struct sockaddr_un address;
    struct client clients[METRICS_CLIENTS_MAX];
    char text[METRICS_SIZE];
    char answer[HEAD_SIZE + METRICS_SIZE];
};

/* ---- the numbers -------------------------------------------------------------------------- */

struct page {
    char *text;
    size_t size;
};

static void add(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct page *page, const char *format, ...)
{
    va_list arguments;
    int size = 0;

    va_start(arguments, format);
    size = vsnprintf(page->text + page->size, METRICS_SIZE - page->size, format, arguments);
    va_end(arguments);
    /* A line that does not fit is left out whole; the table below is far from that. */
    if (size > 0 && (size_t)size < METRICS_SIZE - page->size) {
        page->size += (size_t)size;
    } else {
        page->text[page->size] = '\0';
    }
}

static void number(
    struct page *page, const char *name, const char *type, const char *help, uint64_t value)
{
    add(page, "# HELP ecm_gateway_%s %s\n# TYPE ecm_gateway_%s %s\necm_gateway_%s %" PRIu64 "\n",
        name, help, name, type, name, value);
}

static void add_health(struct page *page, const struct health *health)
{
    static const char *const names[HEALTH_PARTS] = {
        [HEALTH_OUTBOX] = "outbox",
        [HEALTH_READER_0] = "reader",
        [HEALTH_READER_1] = "reader2",
        [HEALTH_READER_2] = "reader3",
        [HEALTH_READER_3] = "reader4",
        [HEALTH_FEEDBACK] = "feedback",
        [HEALTH_ASSIST] = "assist",
        [HEALTH_CASE] = "case",
        [HEALTH_CLOCK] = "clock",
        [HEALTH_BROKER] = "broker",
        [HEALTH_COLLECTOR] = "collector",
    };

    add(page, "# HELP ecm_gateway_ok Whether a part is well.\n# TYPE ecm_gateway_ok gauge\n");
    for (int part = 0; part < HEALTH_PARTS; part++) {
        add(page, "ecm_gateway_ok{part=\"%s\"} %d\n", names[part],
            health_is_bad(health, (enum health_part)part) ? 0 : 1);
    }
}

static void add_outbox(struct page *page, const struct device_state *state)
{
    number(page, "head_seq", "counter", "Newest record of this log.", state->head_seq);
    number(page, "acked_seq", "gauge", "Newest record the collector has.", state->acked_seq);
    number(page, "oldest_seq", "gauge", "Oldest record still held.", state->oldest_seq);
    number(page, "records_owed", "gauge", "Records the collector has not acked.",
        state->head_seq - state->acked_seq);
    number(page, "drain_eta_seconds", "gauge",
        "Until all is acked at the present rate; 0: unknown.", state->drain_eta_s);
    number(page, "taps_total", "counter", "Taps stored since this log began.", state->taps_total);
    number(page, "taps_refused_total", "counter", "Taps shown red since the program started.",
        state->taps_refused);
    number(page, "outbox_bytes", "gauge", "Bytes in use.", state->outbox_bytes);
    number(page, "outbox_bytes_max", "gauge", "Disk budget.", state->outbox_bytes_max);
}

static void add_uplink(struct page *page, const struct gateway *gateway, uint64_t io_age_ms)
{
    struct uplink_counts counts = {0};

    uplink_counts(gateway->uplink, &counts);
    number(page, "batches_sent_total", "counter", "Batches handed to the network.",
        counts.batches_sent);
    number(page, "records_sent_total", "counter", "Records in them, repeats too.",
        counts.records_sent);
    number(page, "records_acked_total", "counter", "Records acked.", counts.records_acked);
    number(page, "hellos_sent_total", "counter", "Sessions begun with the collector.",
        counts.hellos_sent);
    number(page, "ack_stalls_total", "counter", "Acks that did not come in time.", counts.stalls);
    number(page, "resends_asked_total", "counter", "Times the collector asked for a resend.",
        counts.resends_asked);
    number(page, "messages_ignored_total", "counter", "Messages not meant for us, or unreadable.",
        counts.messages_ignored + gateway->messages_ignored);
    number(
        page, "io_age_milliseconds", "gauge", "Since the network thread last turned.", io_age_ms);
}

size_t metrics_of_gateway(
    struct gateway *gateway, uint64_t io_age_ms, char text[static METRICS_SIZE])
{
    struct page page = {.text = text};
    struct device_state state = {0};

    text[0] = '\0';
    gateway_state(gateway, &state);
    add(&page,
        "# HELP ecm_gateway_info Which device and program.\n# TYPE ecm_gateway_info gauge\n"
        "ecm_gateway_info{device=\"%s\",version=\"%s\"} 1\n",
        state.device_id, state.version);
    add_health(&page, &gateway->health);
    add_outbox(&page, &state);
    add_uplink(&page, gateway, io_age_ms);
    number(
        &page, "reader_faults_total", "counter", "Times a reader broke down.", state.reader_resets);
    number(&page, "case_open", "gauge", "1: the case is open.", state.case_open);
    number(&page, "case_openings_total", "counter", "Times the case was opened since the start.",
        state.case_openings);
    number(
        &page, "assist_pressed", "gauge", "1: the assist button is pressed.", state.assist_pressed);
    number(&page, "assist_calls_total", "counter", "Times it was pressed since the start.",
        state.assist_calls);
    number(&page, "uptime_milliseconds", "gauge", "Boot clock of this device.", state.uptime_ms);
    number(&page, "clock_trust", "gauge", "0 unset, 1 battery clock, 2 synchronised.",
        (uint64_t)state.wall_trust);
    number(&page, "clock_unix_milliseconds", "gauge", "What the wall clock shows.",
        state.wall_ms > 0 ? (uint64_t)state.wall_ms : 0);
    return page.size;
}

/* ---- the server --------------------------------------------------------------------------- */

static void drop(struct client *client)
{
    loop_source_close(client->source);
    client->source = NULL;
    (void)close(client->fd);
}

static void on_request(void *user)
{
    struct client *client = user;
    struct metrics *metrics = client->metrics;
    char request[REQUEST_SIZE];

    /* Read what there is, so that closing is an end and not a reset. */
    if (recv(client->fd, request, sizeof request, MSG_DONTWAIT) > 0) {
        size_t size = metrics->make_text(metrics->user, metrics->text);
        int head = snprintf(metrics->answer, HEAD_SIZE,
            "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
            size);

        memcpy(metrics->answer + head, metrics->text, size);
        /* A socket that does not take 16 KiB at once has a client that does not want them. */
        (void)send(client->fd, metrics->answer, (size_t)head + size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    drop(client);
}

/* A free place, else that of the client who has waited longest. */
static struct client *take_place(struct metrics *metrics)
{
    struct client *oldest = &metrics->clients[0];

    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        struct client *client = &metrics->clients[i];

        if (client->source == NULL) {
            return client;
        }
        if (client->order < oldest->order) {
            oldest = client;
        }
    }
    drop(oldest);
    return oldest;
}

static void on_client(void *user)
{
    struct metrics *metrics = user;
    int fd = accept4(metrics->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *client = NULL;

    if (fd < 0) {
        return;
    }
    client = take_place(metrics);
    *client = (struct client){.metrics = metrics, .fd = fd, .order = ++metrics->accepted};
    if (loop_add_fd(metrics->loop, &client->source, fd, on_request, client) < 0) {
        client->source = NULL;
        (void)close(fd);
    }
}

/* A socket that a killed program left behind must not keep the next one from listening. */
static int make_room(const char *path)
{
    struct stat status = {0};

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return -EEXIST;
    }
    return unlink(path) == 0 ? 0 : -errno;
}

static int listen_on(struct metrics *metrics)
{
    int rc = make_room(metrics->address.sun_path);

    if (rc < 0) {
        return rc;
    }
    metrics->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (metrics->fd < 0) {
        return -errno;
    }
    if (bind(metrics->fd, (const struct sockaddr *)&metrics->address, sizeof metrics->address) !=
            0 ||
        listen(metrics->fd, BACKLOG) != 0) {
        rc = -errno;
        (void)close(metrics->fd);
        return rc;
    }
    rc = loop_add_fd(metrics->loop, &metrics->source, metrics->fd, on_client, metrics);
    if (rc < 0) {
        (void)close(metrics->fd);
        (void)unlink(metrics->address.sun_path);
    }
    return rc;
}

int metrics_open(struct metrics **ret_metrics, struct loop *loop, const char *path,
    metrics_text make_text, void *user, struct err *err)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    int rc = -ENOMEM;

    if (metrics != NULL) {
        metrics->loop = loop;
        metrics->make_text = make_text;
        metrics->user = user;
        metrics->address.sun_family = AF_UNIX;
        rc = -ENAMETOOLONG;
        if (strlen(path) < sizeof metrics->address.sun_path) {
            memcpy(metrics->address.sun_path, path, strlen(path) + 1);
            rc = listen_on(metrics);
        }
    }
    if (rc < 0) {
        free(metrics);
        return err_set(err, rc, "metrics socket '%s': %s", path, strerror(-rc));
    }
    *ret_metrics = metrics;
    return 0;
}

void metrics_close(struct metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        if (metrics->clients[i].source != NULL) {
            drop(&metrics->clients[i]);
        }
    }
    loop_source_close(metrics->source);
    (void)close(metrics->fd);
    (void)unlink(metrics->address.sun_path);
    free(metrics);
}
