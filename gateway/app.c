/*
 * app.c - one turn: step the simulation, poll the reader if due, tick the gateway, set the timer.
 *
 * Whatever wakes the loop (reader, network, timer) ends in turn(), so there is one place that
 * decides when to wake up next.
 */
#include "gateway/app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mqtt.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/settings.h"
#include "gateway/taglines.h"
#include "hal/clock.h"
#include "hal/reader.h"

#define SESSION_RETRY_US (30u * 1000000u)
#define IO_THREAD_DEAD_MS (120u * 1000u) /* a name look-up may block it for a while */
#define SLEEP_MAX_US (60ull * 1000000u)

enum { PATH_SIZE = SETTINGS_PATH_SIZE + 16 };

struct app {
    const struct settings *settings;
    struct app_ports ports;
    struct loop *loop;
    struct loop_source *timer;
    struct loop_source *watchdog;
    struct loop_source *io_source;
    struct loop_source *input_source;
    /* What is watched of the reader and of each input; fd -1: nothing. */
    struct watched {
        struct loop_source *source;
        int fd;
    } reader, inputs[GATEWAY_INPUTS];
    struct taglines *taglines; /* NULL: no tag readers */
    struct loop_source *taglines_source;
    struct metrics *metrics; /* NULL: not wanted */
    struct mqtt_io *io;
    struct mqtt_session *session; /* NULL: its files could not be read, try again */
    uint64_t session_retry_us;
    struct gateway *gateway; /* NULL while starting and stopping */
    char status[GATEWAY_STATUS_SIZE];
    char outbox_path[PATH_SIZE];
    char key_path[PATH_SIZE];
    char relay_path[PATH_SIZE];
};

/* ---- MQTT --------------------------------------------------------------------------------- */

static void turn(void *user);

static void on_connected(void *user)
{
    struct app *app = user;

    if (app->gateway != NULL) {
        gateway_on_connected(app->gateway);
    }
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    struct app *app = user;

    if (app->gateway != NULL) {
        gateway_on_disconnected(app->gateway, reason, retry_ms);
    }
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct app *app = user;

    if (app->gateway != NULL) {
        gateway_on_message(app->gateway, topic, payload, size);
    }
}

static void on_io(void *user)
{
    struct app *app = user;

    mqtt_io_dispatch(app->io);
    turn(app);
}

static int port_publish(
    void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct app *app = user;

    /* QoS 0: the collector's ack is the guarantee, QoS 1 would add duplicates and nothing else. */
    return app->session == NULL ? -ENOTCONN
                                : mqtt_publish(app->session, topic, payload, size, 0, retain);
}

static int port_subscribe(void *user, const char *topic)
{
    struct app *app = user;

    return app->session == NULL ? -ENOTCONN : mqtt_subscribe(app->session, topic, 0);
}

static uint64_t port_now_us(void *user)
{
    (void)user;
    return loop_now_us();
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void open_session(struct app *app)
{
    static const struct mqtt_handler handler = {on_connected, on_disconnected, on_message};
    const struct settings *settings = app->settings;
    char will_topic[TOPIC_MAX] = "";
    uint8_t will[SMALL_MESSAGE_MAX] = {0};
    struct mqtt_conf conf = {
        .host = settings->host,
        .port = (uint16_t)settings->port,
        .client_id = settings->device,
        .keepalive_s = (unsigned)settings->keepalive_s,
        .backoff_max_ms = (unsigned)settings->backoff_max_s * 1000u,
        .ca_file = text_or_null(settings->ca_file),
        .cert_file = text_or_null(settings->cert_file),
        .key_file = text_or_null(settings->key_file),
        .user = text_or_null(settings->user),
        .password_file = text_or_null(settings->password_file),
    };
    struct err err = {0};

    if (gateway_will(app->gateway, will_topic, will, sizeof will, &conf.will_size) == 0) {
        conf.will_topic = will_topic;
        conf.will_payload = will;
    }
    if (mqtt_session_open(&app->session, app->io, &conf, &handler, app, &err) < 0) {
        app->session = NULL;
        app->session_retry_us = loop_now_us() + SESSION_RETRY_US;
        gateway_on_disconnected(app->gateway, err.text, SESSION_RETRY_US / 1000u);
    }
}

/* ---- the turn ----------------------------------------------------------------------------- */

static void watch(struct app *app, struct watched *watched, int fd)
{
    if (fd == watched->fd) {
        return;
    }
    loop_source_close(watched->source);
    watched->source = NULL;
    watched->fd = -1;
    if (fd >= 0 && loop_add_fd(app->loop, &watched->source, fd, turn, app) == 0) {
        watched->fd = fd;
    }
}

static void watch_inputs(struct app *app)
{
    for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
        watch(app, &app->inputs[i], gateway_input_fd(app->gateway, i));
    }
}

static void tell_status(struct app *app)
{
    char line[GATEWAY_STATUS_SIZE] = "";
    char notice[GATEWAY_STATUS_SIZE + 8] = "";

    (void)gateway_status(app->gateway, line);
    if (strcmp(line, app->status) != 0) {
        memcpy(app->status, line, sizeof line);
        (void)snprintf(notice, sizeof notice, "STATUS=%s", line);
        loop_notify(notice);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t until(uint64_t due_us, uint64_t now_us)
{
    return due_us > now_us ? due_us - now_us : 0;
}

/* How long nothing is to do, seen from both clocks. */
static uint64_t do_what_is_due(struct app *app)
{
    struct hal_reader *reader = app->ports.reader;
    struct gateway_due due = {0};
    uint64_t clock_us = hal_clock_boot_us(app->ports.clock);
    uint64_t step_us = UINT64_MAX;

    if (app->ports.step != NULL) {
        step_us = app->ports.step(app->ports.user, clock_us);
    }
    /* Cheap when there is nothing: with an IRQ line it is one look at it (hal/reader.h). */
    gateway_poll_reader(app->gateway, 0);
    watch(app, &app->reader, hal_reader_fd(reader));
    if (app->taglines != NULL) {
        taglines_poll(app->taglines, loop_now_us());
    }
    if (app->session == NULL && loop_now_us() >= app->session_retry_us) {
        open_session(app);
    }
    gateway_tick(app->gateway, &due);
    watch_inputs(app);
    if (app->ports.step != NULL) {
        step_us = app->ports.step(app->ports.user, hal_clock_boot_us(app->ports.clock));
    }
    due.clock_us = earlier(due.clock_us, earlier(step_us, hal_reader_due_us(reader)));
    if (app->session == NULL) {
        due.uplink_us = earlier(due.uplink_us, app->session_retry_us);
    }
    if (app->taglines != NULL) {
        due.uplink_us = earlier(due.uplink_us, taglines_due_us(app->taglines));
    }
    return earlier(until(due.clock_us, hal_clock_boot_us(app->ports.clock)),
        until(due.uplink_us, loop_now_us()));
}

static void turn(void *user)
{
    struct app *app = user;
    uint64_t wait_us = do_what_is_due(app);

    tell_status(app);
    loop_timer_set(app->timer, earlier(wait_us, SLEEP_MAX_US));
}

static void on_input(void *user)
{
    struct app *app = user;

    if (!app->ports.on_input(app->ports.user)) {
        loop_source_close(app->input_source);
        app->input_source = NULL;
    }
    turn(app);
}

/* Alive is: this loop turns, the I/O thread does, and what the gateway is there for gets done. */
static void on_watchdog(void *user)
{
    struct app *app = user;

    if (mqtt_io_age_ms(app->io) < IO_THREAD_DEAD_MS && gateway_is_alive(app->gateway)) {
        loop_notify("WATCHDOG=1");
    }
    loop_timer_set(app->watchdog, loop_watchdog_us() / 3);
}

static size_t make_metrics(void *user, char text[static METRICS_SIZE])
{
    struct app *app = user;

    return metrics_of_gateway(app->gateway, mqtt_io_age_ms(app->io), text);
}

/* ---- start and stop ----------------------------------------------------------------------- */

static int make_folder(const char *path, struct err *err)
{
    char part[SETTINGS_PATH_SIZE] = "";

    for (const char *end = strchr(path + 1, '/');; end = strchr(end + 1, '/')) {
        (void)snprintf(
            part, sizeof part, "%.*s", end == NULL ? (int)strlen(path) : (int)(end - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return err_set(err, -errno, "cannot create folder '%s': %s", part, strerror(errno));
        }
        if (end == NULL) {
            return 0;
        }
    }
}

static int open_gateway(struct app *app, struct err *err)
{
    const struct settings *settings = app->settings;
    const struct gateway_conf conf = {
        .site = settings->site,
        .device = settings->device,
        .outbox_path = app->outbox_path,
        .key_path = settings->sign ? app->key_path : NULL,
        .version = ECM_VERSION,
        .outbox_bytes_max = (uint64_t)settings->budget_mib << 20,
        .keep_days = (unsigned)settings->keep_days,
        .home_limit_s = (unsigned)settings->home_limit_h * 3600u,
        .relay_path = app->taglines != NULL ? app->relay_path : NULL,
        .relay_bytes_max = (uint64_t)settings->tagreader_budget_mib << 20,
        .update_path = text_or_null(settings->tagreader_update),
    };
    const struct gateway_ports ports = {
        .clock = app->ports.clock,
        .feedback = app->ports.feedback,
        .readers = {app->ports.reader},
        .reader_count = 1,
        .uplink = {app, port_publish, port_subscribe, port_now_us},
        .inputs = {app->ports.inputs[0], app->ports.inputs[1]},
        .line_send = taglines_send,
        .line_user = app->taglines,
    };

    return gateway_open(&app->gateway, &conf, &ports, err);
}

static int open_loop(struct app *app, struct err *err)
{
    int rc = loop_open(&app->loop, err);

    if (rc < 0) {
        return rc;
    }
    rc = loop_stop_on_signals(app->loop);
    if (rc == 0) {
        rc = loop_add_timer(app->loop, &app->timer, turn, app);
    }
    if (rc == 0) {
        rc = loop_add_timer(app->loop, &app->watchdog, on_watchdog, app);
    }
    if (rc == 0 && app->ports.on_input != NULL && app->ports.input_fd >= 0) {
        /* A file or /dev/null cannot be waited for; then nobody types. */
        (void)loop_add_fd(app->loop, &app->input_source, app->ports.input_fd, on_input, app);
    }
    return rc < 0 ? err_set(err, rc, "event loop: %s", strerror(-rc)) : 0;
}

static int open_taglines(struct app *app, struct err *err)
{
    if (app->ports.taglines == NULL || app->settings->tagreader_devices[0] == '\0') {
        return 0;
    }
    return taglines_open(
        &app->taglines, app->settings->tagreader_devices, app->ports.taglines, err);
}

static int start_taglines(struct app *app, struct err *err)
{
    int rc = 0;

    if (app->taglines == NULL) {
        return 0;
    }
    rc = loop_add_fd(app->loop, &app->taglines_source, taglines_fd(app->taglines), turn, app);
    if (rc < 0) {
        return err_set(err, rc, "event loop: %s", strerror(-rc));
    }
    taglines_start(app->taglines, app->gateway);
    return 0;
}

static int start(struct app *app, struct err *err)
{
    int rc = make_folder(app->settings->state_dir, err);

    if (rc == 0) {
        rc = open_loop(app, err);
    }
    if (rc == 0) {
        rc = open_taglines(app, err);
    }
    if (rc == 0) {
        rc = open_gateway(app, err);
    }
    if (rc == 0) {
        rc = start_taglines(app, err);
    }
    if (rc == 0) {
        rc = mqtt_io_open(&app->io, err);
    }
    if (rc == 0) {
        rc = loop_add_fd(app->loop, &app->io_source, mqtt_io_fd(app->io), on_io, app);
        (void)(rc < 0 && err_set(err, rc, "event loop: %s", strerror(-rc)));
    }
    if (rc == 0 && app->settings->metrics_socket[0] != '\0') {
        rc = metrics_open(
            &app->metrics, app->loop, app->settings->metrics_socket, make_metrics, app, err);
    }
    return rc;
}

static void stop(struct app *app)
{
    metrics_close(app->metrics);
    taglines_stop(app->taglines);
    gateway_close(app->gateway);
    app->gateway = NULL;
    mqtt_session_close(app->session);
    loop_source_close(app->io_source);
    mqtt_io_close(app->io);
    loop_source_close(app->taglines_source);
    taglines_close(app->taglines);
    loop_source_close(app->reader.source);
    for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
        loop_source_close(app->inputs[i].source);
    }
    loop_source_close(app->input_source);
    loop_source_close(app->watchdog);
    loop_source_close(app->timer);
    loop_close(app->loop);
}

int app_run(const struct settings *settings, const struct app_ports *ports, struct err *err)
{
    struct app app = {.settings = settings, .ports = *ports, .reader = {.fd = -1}};
    int rc = 0;

    for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
        app.inputs[i].fd = -1;
    }
    (void)snprintf(app.outbox_path, sizeof app.outbox_path, "%s/outbox.db", settings->state_dir);
    (void)snprintf(app.key_path, sizeof app.key_path, "%s/device.key", settings->state_dir);
    (void)snprintf(app.relay_path, sizeof app.relay_path, "%s/relay.db", settings->state_dir);
    rc = start(&app, err);
    if (rc == 0) {
        loop_notify("READY=1");
        loop_timer_set(app.timer, 0);
        if (loop_watchdog_us() > 0) {
            loop_timer_set(app.watchdog, 0);
        }
        rc = loop_run(app.loop);
        if (rc < 0) {
            (void)err_set(err, rc, "event loop: %s", strerror(-rc));
        }
        loop_notify("STOPPING=1");
    }
    stop(&app);
    return rc;
}
