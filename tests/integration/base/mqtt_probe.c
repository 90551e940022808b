/*
 * mqtt_probe.c - base/mqtt.h at work, for test_mqtt.py.
 *
 * mqtt-probe PORT SESSIONS [CA CERT KEY]
 *
 * Opens SESSIONS sessions p0, p1, ...; each subscribes to in/pN and answers what comes on out/pN.
 * Says on standard output what happens: "up N", "down N <wait in ms> <reason>". Ends on standard
 * input's end. Commands on standard input: "burst COUNT SIZE" publishes that many messages from
 * session 0 on burst, handing them over as fast as the queue takes them, and then says
 * "burst done".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mqtt.h"

struct probe {
    unsigned index;
    struct mqtt_session *session;
};

static void on_connected(void *user)
{
    struct probe *probe = user;
    char pattern[32];

    (void)snprintf(pattern, sizeof pattern, "in/p%u", probe->index);
    if (mqtt_subscribe(probe->session, pattern, 0) != 0) {
        printf("cannot subscribe %u\n", probe->index);
    }
    printf("up %u\n", probe->index);
    (void)fflush(stdout);
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    struct probe *probe = user;

    printf("down %u %u %s\n", probe->index, retry_ms, reason);
    (void)fflush(stdout);
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct probe *probe = user;
    char answer[32];

    (void)topic;
    (void)snprintf(answer, sizeof answer, "out/p%u", probe->index);
    (void)mqtt_publish(probe->session, answer, payload, size, 0, false);
}

static const struct mqtt_handler handler = {on_connected, on_disconnected, on_message};

static void burst(struct mqtt_io *io, struct probe *probe, unsigned count, size_t size)
{
    char *payload = calloc(1, size);

    for (unsigned i = 0; i < count && payload != NULL;) {
        int rc = 0;

        (void)snprintf(payload, size, "%u", i);
        rc = mqtt_publish(probe->session, "burst", payload, size, 0, false);
        if (rc == 0) {
            i++;
        } else if (rc == -EAGAIN) {
            (void)usleep(200);
        } else {
            printf("burst broke at %u: %s\n", i, err_name(rc));
            break;
        }
        if (i % 100 == 0) {
            mqtt_io_dispatch(io);
        }
    }
    free(payload);
    printf("burst done\n");
    (void)fflush(stdout);
}

static void run(struct mqtt_io *io, struct probe *probes)
{
    struct pollfd fds[2] = {
        {.fd = mqtt_io_fd(io), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char line[128];

    for (;;) {
        unsigned count = 0;
        size_t size = 0;

        if (poll(fds, 2, -1) < 0) {
            return;
        }
        mqtt_io_dispatch(io);
        if (fds[1].revents == 0) {
            continue;
        }
        if (fgets(line, sizeof line, stdin) == NULL) {
            return;
        }
        if (sscanf(line, "burst %u %zu", &count, &size) == 2) {
            burst(io, &probes[0], count, size);
        }
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit = {4096, 4096};
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct probe *probes = calloc(count > 0 ? count : 1, sizeof *probes);
    struct mqtt_io *io = NULL;
    struct err err;
    int rc = 1;

    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    if (count == 0 || probes == NULL || mqtt_io_open(&io, &err) < 0) {
        (void)fprintf(stderr, "usage: mqtt-probe PORT SESSIONS [CA CERT KEY]\n");
        free(probes);
        return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        char id[32];
        const struct mqtt_conf conf = {.host = "127.0.0.1",
            .port = (uint16_t)strtoul(argv[1], NULL, 10),
            .client_id = id,
            .keepalive_s = 5,
            .backoff_min_ms = 100,
            .backoff_max_ms = 800,
            .ca_file = argc > 3 ? argv[3] : NULL,
            .cert_file = argc > 4 ? argv[4] : NULL,
            .key_file = argc > 5 ? argv[5] : NULL,
            .will_topic = i == 0 ? "will/p0" : NULL,
            .will_payload = "gone",
            .will_size = 4};

        (void)snprintf(id, sizeof id, "p%u", i);
        probes[i].index = i;
        if (mqtt_session_open(&probes[i].session, io, &conf, &handler, &probes[i], &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            goto out;
        }
    }
    run(io, probes);
    rc = 0;
out:
    for (unsigned i = 0; i < count; i++) {
        mqtt_session_close(probes[i].session);
    }
    mqtt_io_close(io);
    free(probes);
    return rc;
}
