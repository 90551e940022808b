/*
 * play.c - one loop: next action of the script, then whatever the network has to say.
 *
 * Simulated time belongs to the script, real time to the network: between two actions the
 * messages of all homes are passed on, however fast the simulated day goes by.
 */
#include "tools/ecm-sim/play.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mqtt.h"
#include "tools/ecm-sim/progress.h"

enum {
    BOOT_BEFORE_MS = 60 * 1000,   /* the gateways are up a minute before the first tap */
    FINISH_AFTER_MS = 300 * 1000, /* and see what comes due in the five minutes after the last */
    PUMP_MS = 20,
    OWED_EVERY_US = 200 * 1000,
};

static volatile sig_atomic_t stop_wanted;

void play_stop(void)
{
    stop_wanted = 1;
}

struct playing {
    const struct play_conf *conf;
    struct home_conf home_conf;
    struct mqtt_io *io;
    struct home *homes;
    size_t open_count;
    struct progress *progress;
    struct outcome *outcome;
    uint64_t start_us;
};

/* Pass messages on for up to wait_ms, and let every home do what is due. */
static void pump(struct playing *playing, int wait_ms)
{
    struct pollfd waiting = {.fd = mqtt_io_fd(playing->io), .events = POLLIN};
    uint64_t now_us = 0;

    if (poll(&waiting, 1, wait_ms) > 0) {
        mqtt_io_dispatch(playing->io);
    }
    now_us = loop_now_us();
    for (size_t i = 0; i < playing->open_count; i++) {
        home_tick(&playing->homes[i], now_us);
    }
}

/* ---- the three parts ---------------------------------------------------------------------- */

static int open_homes(struct playing *playing, struct err *err)
{
    const struct script *script = playing->conf->script;
    int64_t at_ms = script->actions[0].at_ms - BOOT_BEFORE_MS;

    playing->homes = calloc(script->home_count, sizeof *playing->homes);
    if (playing->homes == NULL) {
        return err_set(err, -ENOMEM, "%zu homes: out of memory", script->home_count);
    }
    for (size_t i = 0; i < script->home_count && !stop_wanted; i++) {
        int rc = home_open(&playing->homes[i], &playing->home_conf, &script->homes[i], at_ms, err);

        if (rc < 0) {
            return rc;
        }
        playing->open_count++;
        pump(playing, 0);
        progress_show(playing->progress, loop_now_us(), "switching on", i + 1, script->home_count);
    }
    return stop_wanted ? -EINTR : 0;
}

/* Wait until it is time for what happens at at_ms. */
static void keep_pace(struct playing *playing, int64_t at_ms)
{
    const struct script *script = playing->conf->script;
    uint64_t since_ms = (uint64_t)(at_ms - script->actions[0].at_ms);
    uint64_t due_us = 0;

    if (playing->conf->speed == 0) {
        return;
    }
    due_us = playing->start_us + since_ms * 1000 / playing->conf->speed;
    for (uint64_t now_us = loop_now_us(); now_us < due_us && !stop_wanted; now_us = loop_now_us()) {
        uint64_t left_ms = (due_us - now_us + 999) / 1000;

        pump(playing, left_ms < PUMP_MS ? (int)left_ms : PUMP_MS);
    }
}

static int play_actions(struct playing *playing, struct err *err)
{
    const struct script *script = playing->conf->script;
    int64_t end_ms = script->actions[script->action_count - 1].at_ms + FINISH_AFTER_MS;

    playing->start_us = loop_now_us();
    for (size_t i = 0; i < script->action_count; i++) {
        const struct action *action = &script->actions[i];
        int rc = 0;

        keep_pace(playing, action->at_ms);
        if (stop_wanted) {
            return -EINTR;
        }
        rc = home_act(&playing->homes[action->home], action, err);
        if (rc < 0) {
            return rc;
        }
        pump(playing, 0);
        progress_show(playing->progress, loop_now_us(), "playing", i + 1, script->action_count);
    }
    for (size_t i = 0; i < playing->open_count; i++) {
        home_finish(&playing->homes[i], end_ms);
    }
    return 0;
}

static uint64_t count_owed(struct playing *playing)
{
    uint64_t owed = 0;

    for (size_t i = 0; i < playing->open_count; i++) {
        owed += home_owed(&playing->homes[i]);
    }
    return owed;
}

static int wait_for_acks(struct playing *playing, struct err *err)
{
    uint64_t now_us = loop_now_us();
    uint64_t end_us = now_us + playing->conf->timeout_s * UINT64_C(1000000);
    uint64_t most = count_owed(playing);
    uint64_t owed = most;
    uint64_t look_us = 0;

    while (owed > 0 && now_us < end_us && !stop_wanted) {
        pump(playing, PUMP_MS);
        now_us = loop_now_us();
        if (now_us >= look_us) {
            owed = count_owed(playing);
            look_us = now_us + OWED_EVERY_US;
        }
        progress_show(
            playing->progress, now_us, "waiting for the acks", owed < most ? most - owed : 0, most);
    }
    if (owed == 0) {
        return 0;
    }
    if (stop_wanted) {
        return err_set(err, -EINTR, "stopped; %" PRIu64 " records are not acked", owed);
    }
    return err_set(err, -ETIMEDOUT, "%" PRIu64 " records are not acked after %u s", owed,
        playing->conf->timeout_s);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int play_all(struct playing *playing, struct err *err)
{
    int rc = open_homes(playing, err);

    if (rc == 0) {
        rc = play_actions(playing, err);
    }
    if (rc == 0) {
        rc = wait_for_acks(playing, err);
    }
    playing->outcome->counts.records_unacked = count_owed(playing);
    playing->outcome->counts.is_complete = rc == 0;
    return rc;
}

int play(const struct play_conf *conf, struct outcome *outcome, struct err *err)
{
    struct progress progress;
    struct playing playing = {.conf = conf, .progress = &progress, .outcome = outcome};
    uint64_t begin_us = loop_now_us();
    int rc = 0;

    if (conf->script->action_count == 0) {
        outcome->counts.is_complete = true;
        return 0;
    }
    progress_init(&progress, conf->is_quiet);
    rc = mqtt_io_open(&playing.io, err);
    if (rc < 0) {
        return rc;
    }
    playing.home_conf = conf->home;
    playing.home_conf.io = playing.io;
    playing.home_conf.outcome = outcome;
    rc = play_all(&playing, err);
    for (size_t i = 0; i < playing.open_count; i++) {
        home_close(&playing.homes[i]);
    }
    mqtt_io_close(playing.io);
    free(playing.homes);
    progress_done(&progress);
    outcome->counts.elapsed_s = (double)(loop_now_us() - begin_us) / 1e6;
    return rc;
}
