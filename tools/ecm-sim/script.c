/*
 * script.c - one pass over the visits, one over the homes' days, and a sort.
 *
 * Every decision takes its number from the stream whether it is used or not, so that turning one
 * kind of noise up leaves the others as they were.
 */
#include "tools/ecm-sim/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tools/ecm-sim/random.h"

enum {
    CARER_ID_SIZE = 256,
    DAY_S = 86400,
    HOME_LIMIT_USUAL_S = 4 * 3600,
    HOME_LIMIT_NIGHT_S = 14 * 3600,
    HOME_LIMIT_SPARE_S = 3600,
};

const struct noise noise_none = {0};

const struct noise noise_field = {
    .jitter_s = 240,
    .late = 6,
    .cut_short = 5,
    .missed = 2,
    .double_tap = 4,
    .wrong_home = 1,
    .forgotten = 3,
    .outage = 10,
    .power_cut = 5,
};

struct making {
    struct script *script;
    const struct roster *roster;
    const struct script_conf *conf;
    struct random random; /* of the slot or home-day being made */
};

/* ---- homes -------------------------------------------------------------------------------- */

static int by_device(const void *a, const void *b)
{
    return strcmp(
        ((const struct script_home *)a)->device_id, ((const struct script_home *)b)->device_id);
}

/* The homes played: devices in order of id, each once. */
static int make_homes(struct making *making)
{
    const struct roster *roster = making->roster;
    struct script *script = making->script;
    size_t kept = 0;

    script->homes = calloc(roster->device_count + 1, sizeof *script->homes);
    if (script->homes == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < roster->device_count; i++) {
        script->homes[i] = (struct script_home){
            .device_id = roster->devices[i].device_id, .home_limit_s = HOME_LIMIT_USUAL_S};
    }
    qsort(script->homes, roster->device_count, sizeof *script->homes, by_device);
    for (size_t i = 0; i < roster->device_count; i++) {
        if (kept == 0 || by_device(&script->homes[kept - 1], &script->homes[i]) != 0) {
            script->homes[kept++] = script->homes[i];
        }
    }
    if (making->conf->homes_max != 0 && kept > making->conf->homes_max) {
        kept = making->conf->homes_max;
    }
    script->home_count = kept;
    return 0;
}

/* false: this device is not played. */
static bool find_home(const struct script *script, const char *device_id, uint32_t *ret_home)
{
    struct script_home wanted = {.device_id = device_id};
    const struct script_home *found =
        bsearch(&wanted, script->homes, script->home_count, sizeof *script->homes, by_device);

    if (found == NULL) {
        return false;
    }
    *ret_home = (uint32_t)(found - script->homes);
    return true;
}

/* A home with long visits gets the longer limit, as its installer would have set it. */
static void allow_length(struct script_home *home, int64_t length_s)
{
    unsigned wanted = HOME_LIMIT_USUAL_S;

    if (length_s + HOME_LIMIT_SPARE_S > HOME_LIMIT_NIGHT_S) {
        wanted = (unsigned)length_s + HOME_LIMIT_SPARE_S;
    } else if (length_s + HOME_LIMIT_SPARE_S > HOME_LIMIT_USUAL_S) {
        wanted = HOME_LIMIT_NIGHT_S;
    }
    if (wanted > home->home_limit_s) {
        home->home_limit_s = wanted;
    }
}

/* ---- slots -------------------------------------------------------------------------------- */

static int add_action(struct making *making, int64_t at_ms, uint32_t home, enum action_kind kind,
    const struct roster_card *card)
{
    struct script *script = making->script;

    if (script->action_count == script->action_capacity) {
        size_t wider = script->action_capacity == 0 ? 256 : 2 * script->action_capacity;
        struct action *moved = reallocarray(script->actions, wider, sizeof *moved);

        if (moved == NULL) {
            return -ENOMEM;
        }
        script->actions = moved;
        script->action_capacity = wider;
    }
    script->actions[script->action_count] = (struct action){
        .at_ms = at_ms,
        .home = home,
        .number = (uint32_t)script->action_count,
        .kind = kind,
        .card = card,
    };
    script->action_count++;
    return 0;
}

/* What becomes of one slot. */
struct slot {
    uint32_t home;
    int64_t in_s, out_s;
    int64_t again_s; /* after the tap in; 0: no second tap */
    bool is_missed, is_forgotten;
};

static void disturb(struct making *making, struct slot *slot)
{
    const struct noise *noise = &making->conf->noise;
    struct script_counts *counts = &making->script->counts;
    struct random *random = &making->random;
    int64_t length = slot->out_s - slot->in_s;
    int64_t late_s = random_between(random, 16 * 60, 60 * 60);
    int64_t share = random_between(random, 20, 70);
    int64_t again_s = random_between(random, 2, 60);
    uint32_t other = (uint32_t)random_between(random, 0, (int64_t)making->script->home_count - 1);
    int64_t jitter_in = random_between(random, -(int64_t)noise->jitter_s, noise->jitter_s);
    int64_t jitter_out = random_between(random, -(int64_t)noise->jitter_s, noise->jitter_s);

    if (random_percent(random, noise->late)) {
        slot->in_s += late_s;
        slot->out_s += late_s;
        counts->late++;
    }
    if (random_percent(random, noise->cut_short)) {
        slot->out_s = slot->in_s + length * share / 100;
        counts->cut_short++;
    }
    slot->in_s += jitter_in;
    slot->out_s += jitter_out;
    if (slot->out_s < slot->in_s + 130) {
        slot->out_s = slot->in_s + 130; /* sooner the gateway would take it for the same tap */
    }
    if (random_percent(random, noise->double_tap)) {
        slot->again_s = again_s;
        counts->double_taps++;
    }
    if (random_percent(random, noise->wrong_home) && other != slot->home) {
        slot->home = other;
        counts->wrong_home++;
    }
    if (random_percent(random, noise->forgotten)) {
        slot->is_forgotten = true;
        counts->forgotten++;
    }
    if (random_percent(random, noise->missed)) {
        slot->is_missed = true;
        counts->missed++;
    }
}

static bool is_silent(const struct noise *noise)
{
    return memcmp(noise, &noise_none, sizeof *noise) == 0;
}

static int make_slot(
    struct making *making, const struct roster_visit *visit, uint32_t home, size_t index)
{
    char carer[CARER_ID_SIZE];
    struct slot slot = {.home = home, .in_s = visit->start_utc, .out_s = visit->end_utc};
    const struct roster_card *card = NULL;
    int rc = 0;

    making->script->counts.slots++;
    if (roster_carer(visit, index, carer, sizeof carer) == 0) {
        card = roster_card_of(making->roster, carer, visit->start_utc);
    }
    if (card == NULL) {
        making->script->counts.without_carer++;
        return 0;
    }
    if (!is_silent(&making->conf->noise)) {
        making->random = random_stream(making->conf->seed, visit->visit_id, index);
        disturb(making, &slot);
    }
    if (slot.is_missed) {
        return 0;
    }
    rc = add_action(making, slot.in_s * 1000, slot.home, ACTION_TAP_IN, card);
    if (rc == 0 && slot.again_s != 0) {
        rc = add_action(
            making, (slot.in_s + slot.again_s) * 1000, slot.home, ACTION_TAP_AGAIN, card);
    }
    if (rc == 0 && !slot.is_forgotten) {
        rc = add_action(making, slot.out_s * 1000, slot.home, ACTION_TAP_OUT, card);
    }
    return rc;
}

static int make_visit(struct making *making, const struct roster_visit *visit)
{
    const struct roster_device *device =
        roster_device_of(making->roster, visit->person_id, visit->start_utc);
    struct script *script = making->script;
    uint32_t home = 0;
    int rc = 0;

    if (device == NULL) {
        script->counts.visits++;
        script->counts.without_device++;
        return 0;
    }
    if (!find_home(script, device->device_id, &home)) {
        return 0;
    }
    script->counts.visits++;
    if (visit->cancel_utc != INT64_MAX) {
        script->counts.cancelled++;
        return 0;
    }
    allow_length(&script->homes[home], visit->end_utc - visit->start_utc);
    for (size_t i = 0; i < (size_t)visit->carers_required && rc == 0; i++) {
        rc = make_slot(making, visit, home, i);
    }
    return rc;
}

/* ---- homes' days -------------------------------------------------------------------------- */

static int make_power_cut(struct making *making, uint32_t home, int64_t day_utc)
{
    int64_t at = day_utc + random_between(&making->random, 5 * 3600, 22 * 3600);
    int64_t up = at + random_between(&making->random, 60, 20 * 60);
    int64_t sync = up + random_between(&making->random, 120, 90 * 60);
    int rc = add_action(making, at * 1000, home, ACTION_POWER_DOWN, NULL);

    if (rc == 0) {
        rc = add_action(making, up * 1000, home, ACTION_POWER_UP, NULL);
    }
    if (rc == 0) {
        rc = add_action(making, sync * 1000, home, ACTION_CLOCK_SYNC, NULL);
    }
    making->script->counts.power_cuts++;
    return rc;
}

static int make_outage(struct making *making, uint32_t home, int64_t day_utc)
{
    int64_t at = day_utc + random_between(&making->random, 5 * 3600, 20 * 3600);
    int64_t up = at + random_between(&making->random, 3600, 8 * 3600);
    int rc = add_action(making, at * 1000, home, ACTION_NET_DOWN, NULL);

    if (rc == 0) {
        rc = add_action(making, up * 1000, home, ACTION_NET_UP, NULL);
    }
    making->script->counts.outages++;
    return rc;
}

static int make_home_day(struct making *making, uint32_t home, int64_t day_utc)
{
    const struct noise *noise = &making->conf->noise;
    int rc = 0;

    making->random =
        random_stream(making->conf->seed, making->script->homes[home].device_id, (uint64_t)day_utc);
    if (random_percent(&making->random, noise->power_cut)) {
        rc = make_power_cut(making, home, day_utc);
    }
    making->random = random_stream(
        making->conf->seed, making->script->homes[home].device_id, (uint64_t)day_utc + 1);
    if (rc == 0 && random_percent(&making->random, noise->outage)) {
        rc = make_outage(making, home, day_utc);
    }
    return rc;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const struct action *x = a;
    const struct action *y = b;

    if (x->at_ms != y->at_ms) {
        return x->at_ms < y->at_ms ? -1 : 1;
    }
    if (x->home != y->home) {
        return x->home < y->home ? -1 : 1;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static int make_visits(struct making *making, int64_t *ret_first_utc, int64_t *ret_last_utc)
{
    const struct script_conf *conf = making->conf;
    int rc = 0;

    *ret_first_utc = INT64_MAX;
    for (size_t i = 0; i < making->roster->visit_count && rc == 0; i++) {
        const struct roster_visit *visit = &making->roster->visits[i];

        if (visit->start_utc < conf->from_utc || visit->start_utc >= conf->to_utc) {
            continue;
        }
        if (*ret_first_utc == INT64_MAX) {
            *ret_first_utc = visit->start_utc;
        }
        *ret_last_utc = visit->start_utc;
        rc = make_visit(making, visit);
    }
    return rc;
}

static int make_actions(struct making *making)
{
    int64_t first_utc = 0;
    int64_t last_utc = 0;
    int rc = make_visits(making, &first_utc, &last_utc);

    if (rc < 0 || first_utc == INT64_MAX) {
        return rc;
    }
    /* By days in UTC, so that playing one day or the week gives that day the same noise. */
    for (int64_t day = first_utc - first_utc % DAY_S; day <= last_utc; day += DAY_S) {
        for (size_t home = 0; home < making->script->home_count && rc == 0; home++) {
            rc = make_home_day(making, (uint32_t)home, day);
        }
    }
    return rc;
}

int script_make(struct script *script, const struct roster *roster, const struct script_conf *conf,
    struct err *err)
{
    struct making making = {.script = script, .roster = roster, .conf = conf};
    int rc = 0;

    memset(script, 0, sizeof *script);
    rc = make_homes(&making);
    if (rc == 0) {
        rc = make_actions(&making);
    }
    if (rc < 0) {
        script_done(script);
        return err_set(err, rc, "cannot lay out the day: out of memory");
    }
    if (script->action_count > 0) {
        qsort(script->actions, script->action_count, sizeof *script->actions, by_time);
    }
    return 0;
}

void script_done(struct script *script)
{
    free(script->homes);
    free(script->actions);
    memset(script, 0, sizeof *script);
}
