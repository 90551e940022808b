/*
 * metrics.c - see metrics.h: the smallest server that curl and node_exporter's kin can read.
 */
#include "base/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"

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

/* ---- the page ----------------------------------------------------------------------------- */

void metrics_line(struct metrics_page *page, const char *format, ...)
{
    va_list arguments;
    int size = 0;

    va_start(arguments, format);
    size = vsnprintf(page->text + page->size, METRICS_SIZE - page->size, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < METRICS_SIZE - page->size) {
        page->size += (size_t)size;
    } else {
        page->text[page->size] = '\0';
    }
}

void metrics_number(
    struct metrics_page *page, const char *name, const char *type, const char *help, uint64_t value)
{
    const char *prefix = page->prefix;

    metrics_line(page, "# HELP %s_%s %s\n# TYPE %s_%s %s\n%s_%s %" PRIu64 "\n", prefix, name, help,
        prefix, name, type, prefix, name, value);
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
