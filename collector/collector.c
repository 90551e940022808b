/*
 * collector.c - see collector.h.
 *
 * One thread runs everything but the broker's I/O. Whatever the broker has for us when the loop
 * turns is taken, committed once and answered: the busier the devices, the more a commit carries.
 */
#include "collector/collector.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/mqtt.h"
#include "collector/ingest/ingest.h"
#include "collector/inputs.h"
#include "collector/live/live.h"
#include "collector/metrics.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum {
    LIVE_DELAY_US = 200000, /* taps of one moment are reconciled together */
    LIVE_SLICE_US = 50000,
    LIVE_RETRY_US = 5000000,
    WATCH_US = 500000, /* look for imports */
    REPORT_US = 60000000,
    INPUTS_RETRY_US = 5000000,
    PAUSE_MIN_US = 1000000,
    PAUSE_MAX_US = 30000000,
};

struct collector {
    const struct collector_conf *conf;
    struct loop *loop;
    struct storage *storage;
    struct ingest *ingest;
    struct live *live;
    struct mqtt_io *io;
    struct mqtt_session *session;
    struct loop_source *io_source, *live_timer, *watch_timer, *pause_timer, *report_timer,
        *watchdog_timer, *inputs_timer;
    struct metrics *metrics; /* NULL: not wanted */
    struct inputs inputs;
    uint64_t inputs_seen; /* committed, as of the last look */
    uint64_t started_us;
    bool is_paused;    /* the store refused: nothing is taken until it accepts again */
    uint64_t pause_us; /* the last pause; 0: the store is well */
    uint64_t commits_at_pause;
    bool broker_was_up; /* the loss of the broker is told once, not at every attempt */
    bool broker_was_told;
    bool live_is_ailing;
    uint64_t reported_records;
};

static int64_t now_ms(void *user)
{
    struct timespec now;

    (void)user;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_utc(void *user)
{
    return now_ms(user) / 1000;
}

static uint64_t now_us(void *user)
{
    (void)user;
    return loop_now_us();
}

/* ---- broker ------------------------------------------------------------------------------- */

static int publish(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct collector *collector = user;

    return mqtt_publish(collector->session, topic, bytes, size, 0, false);
}

static void subscribe(struct collector *collector, enum topic_kind kind)
{
    static const char *const all[] = {
        [TOPIC_UP] = "ecm/v1/+/+/up", [TOPIC_STATE] = "ecm/v1/+/+/state"};
    const char *site = collector->conf->site;
    char pattern[TOPIC_MAX];

    if (strcmp(site, "+") == 0) {
        (void)snprintf(pattern, sizeof pattern, "%s", all[kind]);
    } else {
        (void)topic_format(pattern, site, "+", kind); /* valid: collector_conf_finish() */
    }
    if (mqtt_subscribe(collector->session, pattern, 0) < 0) {
        log_warn("cannot subscribe to %s; the next connection tries again", pattern);
    }
}

static void on_connected(void *user)
{
    struct collector *collector = user;

    log_info("broker connected event=broker-up host=%s port=%d", collector->conf->host,
        (int)collector->conf->port);
    collector->broker_was_up = true;
    collector->broker_was_told = false;
    loop_timer_set(collector->inputs_timer, 0);
    subscribe(collector, TOPIC_UP);
    subscribe(collector, TOPIC_STATE);
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    struct collector *collector = user;

    if (!collector->broker_was_told) {
        log_warn("broker away: %s; trying for ever, next in %u ms event=broker-down host=%s"
                 " port=%d",
            reason, retry_ms, collector->conf->host, (int)collector->conf->port);
        collector->broker_was_told = true;
    }
    collector->broker_was_up = false;
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct collector *collector = user;

    /* While the store refuses, what comes is passed over: nobody was told that we have it. */
    if (!collector->is_paused) {
        ingest_message(collector->ingest, topic, payload, size);
    }
}

static const struct mqtt_handler mqtt_handler = {
    .connected = on_connected,
    .disconnected = on_disconnected,
    .message = on_message,
};

/* ---- the store refuses -------------------------------------------------------------------- */

static void raise_alarm(struct collector *collector, int code)
{
    const char *site = strcmp(collector->conf->site, "+") == 0 ? "all" : collector->conf->site;
    struct alert alert = {.unix_ms = now_ms(NULL)};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    char topic[TOPIC_MAX];
    size_t size = 0;

    (void)snprintf(
        alert.event, sizeof alert.event, "%s", code == ECM_EFULL ? "store-full" : "store-failed");
    (void)snprintf(alert.text, sizeof alert.text, "collector %s: the store cannot be written (%s)",
        collector->conf->id, err_name(code));
    if (topic_format(topic, site, NULL, TOPIC_ALERT) == 0 &&
        alert_encode(&alert, bytes, sizeof bytes, &size) == 0) {
        (void)publish(collector, topic, bytes, size);
    }
}

static void pause_taking(struct collector *collector, int code)
{
    if (collector->pause_us == 0) {
        log_err("the store cannot be written: %s; nothing is acknowledged, trying again"
                " event=%s store=%s",
            code == ECM_EFULL ? "the disk is full" : err_name(code),
            code == ECM_EFULL ? "store-full" : "store-failed", collector->conf->store);
        raise_alarm(collector, code);
        collector->pause_us = PAUSE_MIN_US;
    } else if (collector->pause_us < PAUSE_MAX_US) {
        collector->pause_us *= 2;
    }
    collector->is_paused = true;
    collector->commits_at_pause = ingest_counts(collector->ingest).commits;
    loop_timer_set(collector->pause_timer, collector->pause_us);
}

/* Whether the store takes a transaction again. */
static int probe(struct collector *collector)
{
    struct storage *storage = collector->storage;
    int rc = storage->ops->begin(storage);

    if (rc == 0) {
        storage->ops->rollback(storage);
    }
    return rc;
}

static void on_pause_over(void *user)
{
    struct collector *collector = user;
    int rc = probe(collector);

    if (rc < 0) {
        pause_taking(collector, rc);
        return;
    }
    collector->is_paused = false;
}

static void commit(struct collector *collector)
{
    int rc = collector->is_paused ? 0 : ingest_commit(collector->ingest);

    if (rc < 0) {
        pause_taking(collector, rc);
    } else if (collector->pause_us > 0 &&
               ingest_counts(collector->ingest).commits > collector->commits_at_pause) {
        log_info("the store is written again event=store-ok");
        collector->pause_us = 0;
    }
    if (ingest_counts(collector->ingest).inputs != collector->inputs_seen) {
        collector->inputs_seen = ingest_counts(collector->ingest).inputs;
        loop_timer_set(collector->inputs_timer, 0);
    }
}

static void on_io(void *user)
{
    struct collector *collector = user;

    mqtt_io_dispatch(collector->io);
    commit(collector);
}

/* Nothing is begun here: each callback of the loop ends its transaction. */
static void tell_inputs(void *user)
{
    struct collector *collector = user;
    int rc = collector->broker_was_up ? inputs_tell(&collector->inputs) : 0;

    if (rc != 0) {
        loop_timer_set(collector->inputs_timer, rc > 0 ? 0 : INPUTS_RETRY_US);
    }
}

/* ---- verdicts ----------------------------------------------------------------------------- */

static void on_touched(void *user, const char *device_id, int64_t from_utc, int64_t to_utc)
{
    struct collector *collector = user;
    bool was_idle = !live_has_work(collector->live);

    if (live_touch(collector->live, device_id, from_utc, to_utc) < 0) {
        log_warn("out of memory: the verdicts of one device follow at the next start");
        return;
    }
    if (was_idle) {
        loop_timer_set(collector->live_timer, LIVE_DELAY_US);
    }
}

static void run_live(void *user)
{
    struct collector *collector = user;
    int rc = live_run(collector->live, LIVE_SLICE_US);

    if (rc < 0) {
        if (!collector->live_is_ailing) {
            log_warn("cannot reconcile now (%s); trying again event=live-failed", err_name(rc));
        }
        collector->live_is_ailing = true;
        loop_timer_set(collector->live_timer, LIVE_RETRY_US);
        return;
    }
    collector->live_is_ailing = false;
    if (live_has_work(collector->live)) {
        loop_timer_set(collector->live_timer, 0);
    }
}

static void on_watch(void *user)
{
    struct collector *collector = user;
    bool was_idle = !live_has_work(collector->live);

    if (live_watch(collector->live) < 0) {
        loop_timer_set(collector->live_timer, 0); /* it meets the same fault, and says so */
    }
    if (was_idle && live_has_work(collector->live)) {
        loop_timer_set(collector->live_timer, 0);
    }
    loop_timer_set(collector->watch_timer, WATCH_US);
}

/* ---- health ------------------------------------------------------------------------------- */

static void report_counts(struct collector *collector)
{
    struct ingest_counts counts = ingest_counts(collector->ingest);

    if (counts.records == collector->reported_records) {
        return;
    }
    log_info("counts records=%llu batches=%llu commits=%llu repeated=%llu ahead=%llu"
             " quarantined=%llu unverified=%llu verdicts=%llu",
        (unsigned long long)counts.records, (unsigned long long)counts.batches,
        (unsigned long long)counts.commits, (unsigned long long)counts.repeated,
        (unsigned long long)counts.ahead, (unsigned long long)counts.quarantined,
        (unsigned long long)counts.unverified,
        (unsigned long long)live_counts(collector->live).verdicts);
    collector->reported_records = counts.records;
}

static uint64_t size_of(const char *path, const char *suffix)
{
    char name[COLLECTOR_PATH_SIZE + 8];
    struct stat status;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static size_t make_metrics(void *user, char text[static METRICS_SIZE])
{
    struct collector *collector = user;
    const struct collector_conf *conf = collector->conf;
    struct collector_numbers numbers = {
        .id = conf->id,
        .version = ECM_VERSION,
        .is_broker_up = collector->broker_was_up,
        .is_store_ok = collector->pause_us == 0,
        .ingest = ingest_counts(collector->ingest),
        .devices = ingest_gauges(collector->ingest),
        .live = live_counts(collector->live),
        .backlog = live_backlog(collector->live),
        .quarantine_bytes_max = (uint64_t)conf->quarantine_mib << 20,
        .store_bytes = size_of(conf->store, "") + size_of(conf->store, "-wal"),
        .calls = collector->inputs.calls,
        .openings = collector->inputs.openings,
        .io_age_ms = mqtt_io_age_ms(collector->io),
        .uptime_s = (loop_now_us() - collector->started_us) / 1000000,
    };

    /* What the store cannot say now stays 0; store_ok tells. */
    (void)collector->storage->ops->quarantine_state(collector->storage, &numbers.quarantine);
    return metrics_of_collector(&numbers, text);
}

static void on_report(void *user)
{
    struct collector *collector = user;
    char status[160];

    report_counts(collector);
    (void)snprintf(status, sizeof status, "STATUS=broker %s, store %s, %llu records",
        collector->broker_was_up ? "up" : "away", collector->pause_us > 0 ? "refusing" : "ok",
        (unsigned long long)collector->reported_records);
    loop_notify(status);
    loop_timer_set(collector->report_timer, REPORT_US);
}

static void on_watchdog(void *user)
{
    struct collector *collector = user;
    uint64_t period_us = loop_watchdog_us();

    /* This thread turns, or we would not be here; the I/O thread must too. */
    if (mqtt_io_age_ms(collector->io) * 1000 < period_us) {
        loop_notify("WATCHDOG=1");
    }
    loop_timer_set(collector->watchdog_timer, period_us / 3);
}

/* ---- start and stop ----------------------------------------------------------------------- */

/* mkdir -p of the folder of path; what exists is left alone. */
static int make_folders(const char *path, struct err *err)
{
    char part[COLLECTOR_PATH_SIZE];

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0750) != 0 && errno != EEXIST) {
            return err_set(err, -errno, "%s: %s", part, strerror(errno));
        }
    }
    return 0;
}

static int open_core(struct collector *collector, struct err *err)
{
    const struct ingest_ports ingest_ports = {
        .publish = publish,
        .now_ms = now_ms,
        .now_us = now_us,
        .touched = on_touched,
        .user = collector,
        .quarantine_bytes_max = (uint64_t)collector->conf->quarantine_mib << 20,
    };
    struct ingest_ports with_storage = ingest_ports;
    struct live_ports live_ports = {.now_utc = now_utc, .now_us = now_us, .user = collector};
    int rc = collector->conf->store_is_preset ? make_folders(collector->conf->store, err) : 0;

    if (rc == 0) {
        rc = storage_sqlite_open(&collector->storage, collector->conf->store, 0, err);
    }
    if (rc < 0) {
        return rc;
    }
    with_storage.storage = collector->storage;
    collector->inputs =
        (struct inputs){.storage = collector->storage, .publish = publish, .user = collector};
    live_ports.storage = collector->storage;
    live_ports.repairs = collector->conf->repairs;
    rc = ingest_open(&collector->ingest, &with_storage, collector->conf->id, err);
    if (rc == 0) {
        rc = live_open(&collector->live, &live_ports, err);
    }
    return rc;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static int open_broker(struct collector *collector, struct err *err)
{
    const struct collector_conf *conf = collector->conf;
    const struct mqtt_conf mqtt = {
        .host = conf->host,
        .port = (uint16_t)conf->port,
        .client_id = conf->id,
        .keepalive_s = (unsigned)conf->keepalive_s,
        .backoff_max_ms = 30000, /* one client: no herd to hold back */
        .ca_file = or_null(conf->ca_file),
        .cert_file = or_null(conf->cert_file),
        .key_file = or_null(conf->key_file),
        .user = or_null(conf->user),
        .password_file = or_null(conf->password_file),
    };
    int rc = mqtt_io_open(&collector->io, err);

    if (rc < 0) {
        return rc;
    }
    return mqtt_session_open(
        &collector->session, collector->io, &mqtt, &mqtt_handler, collector, err);
}

static int add_sources(struct collector *collector, struct err *err)
{
    const struct {
        struct loop_source **source;
        loop_callback callback;
        uint64_t first_us;
    } timers[] = {
        {&collector->live_timer, run_live, 0},
        {&collector->watch_timer, on_watch, WATCH_US},
        {&collector->pause_timer, on_pause_over, UINT64_MAX},
        {&collector->inputs_timer, tell_inputs, UINT64_MAX},
        {&collector->report_timer, on_report, REPORT_US},
        {&collector->watchdog_timer, on_watchdog, loop_watchdog_us() > 0 ? 0 : UINT64_MAX},
    };
    int rc = loop_add_fd(
        collector->loop, &collector->io_source, mqtt_io_fd(collector->io), on_io, collector);

    for (size_t i = 0; rc == 0 && i < sizeof timers / sizeof timers[0]; i++) {
        rc = loop_add_timer(collector->loop, timers[i].source, timers[i].callback, collector);
        if (rc == 0 && timers[i].first_us != UINT64_MAX) {
            loop_timer_set(*timers[i].source, timers[i].first_us);
        }
    }
    if (rc < 0) {
        return err_set(err, rc, "event loop: %s", err_name(rc));
    }
    if (collector->conf->metrics_socket[0] == '\0') {
        return 0;
    }
    return metrics_open(&collector->metrics, collector->loop, collector->conf->metrics_socket,
        make_metrics, collector, err);
}

int collector_run(const struct collector_conf *conf, struct err *err)
{
    struct collector collector = {.conf = conf, .started_us = loop_now_us()};
    int rc = loop_open(&collector.loop, err);

    if (rc == 0) {
        /* Before any thread begins: it would inherit signals that are not blocked yet. */
        rc = loop_stop_on_signals(collector.loop);
    }
    if (rc == 0) {
        rc = open_core(&collector, err);
    }
    if (rc == 0) {
        rc = open_broker(&collector, err);
    }
    if (rc == 0) {
        rc = add_sources(&collector, err);
    }
    if (rc == 0) {
        log_info("collector %s is up event=started store=%s", conf->id, conf->store);
        loop_notify("READY=1");
        rc = loop_run(collector.loop);
        loop_notify("STOPPING=1");
        report_counts(&collector);
        log_info("collector %s stops event=stopped", conf->id);
    }

    metrics_close(collector.metrics);
    loop_source_close(collector.inputs_timer);
    loop_source_close(collector.watchdog_timer);
    loop_source_close(collector.report_timer);
    loop_source_close(collector.pause_timer);
    loop_source_close(collector.watch_timer);
    loop_source_close(collector.live_timer);
    loop_source_close(collector.io_source);
    mqtt_session_close(collector.session);
    mqtt_io_close(collector.io);
    live_close(collector.live);
    ingest_close(collector.ingest);
    storage_close(collector.storage);
    loop_close(collector.loop);
    return rc;
}
