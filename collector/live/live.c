/*
 * live.c - see live.h.
 *
 * Three lists: whole periods, people, and touched devices. People come from corrections, and from
 * the clock: whose visit has just become due, late or missed. Devices are only appended; when the list has grown
 * it is sorted and entries of one device become one, so that a busy moment costs little.
 */
#include "collector/live/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tzif.h"
#include "collector/corrections/correction_log.h"
#include "collector/live/redo.h"
#include "collector/storage/storage.h"
#include "collector/visits/visits.h"

enum { TOUCHES_FIRST = 256, ID_SIZE = STORAGE_DEVICE_ID_MAX + 1, PERSON_SIZE = 128 };

struct touch {
    char device_id[ID_SIZE];
    int64_t from_utc, to_utc;
    uint64_t since_us; /* when it was put on the list */
};

struct period {
    char *period_id;
    int64_t start_utc, end_utc;
    bool is_waiting; /* to be reconciled whole */
};

/* The people of one touch, or those that wait; copied, because the store is used again for each. */
struct people {
    char (*ids)[PERSON_SIZE];
    size_t count, capacity;
};

struct live {
    struct live_ports ports;
    struct visits_params params; /* the default ones, with the site's repairs */
    struct tzif zone;
    struct local_days days;
    struct touch *touches;
    size_t touch_count, touch_capacity, merge_at;
    struct period *periods;
    size_t period_count, waiting_count;
    uint64_t waiting_since_us; /* the periods */
    uint64_t imports;          /* as of the list of periods */
    struct corrections corrections;
    bool has_corrections;         /* else they could not be read yet, and nothing is reconciled */
    struct people corrected, due; /* of every period; of those that are now */
    int64_t swept_utc;            /* whose time came up to here is on the list */
    struct live_counts counts;
};

/* ---- touched devices ---------------------------------------------------------------------- */

static int compare_touches(const void *a, const void *b)
{
    return strcmp(((const struct touch *)a)->device_id, ((const struct touch *)b)->device_id);
}

static void merge_touches(struct live *live)
{
    size_t kept = 0;

    if (live->touch_count == 0) {
        return;
    }
    qsort(live->touches, live->touch_count, sizeof *live->touches, compare_touches);
    for (size_t i = 0; i < live->touch_count; i++) {
        struct touch *last = kept > 0 ? &live->touches[kept - 1] : NULL;
        const struct touch *touch = &live->touches[i];

        if (last == NULL || strcmp(last->device_id, touch->device_id) != 0) {
            live->touches[kept++] = *touch;
            continue;
        }
        last->from_utc = touch->from_utc < last->from_utc ? touch->from_utc : last->from_utc;
        last->to_utc = touch->to_utc > last->to_utc ? touch->to_utc : last->to_utc;
        last->since_us = touch->since_us < last->since_us ? touch->since_us : last->since_us;
    }
    live->touch_count = kept;
    live->merge_at = 2 * kept + TOUCHES_FIRST;
}

int live_touch(struct live *live, const char *device_id, int64_t from_utc, int64_t to_utc)
{
    struct touch *touch = NULL;

    if (live->touch_count >= live->merge_at && live->touch_count > 0) {
        merge_touches(live);
    }
    if (live->touch_count == live->touch_capacity) {
        size_t capacity = live->touch_capacity == 0 ? TOUCHES_FIRST : 2 * live->touch_capacity;
        struct touch *touches = realloc(live->touches, capacity * sizeof *touches);

        if (touches == NULL) {
            return -ENOMEM;
        }
        live->touches = touches;
        live->touch_capacity = capacity;
    }
    touch = &live->touches[live->touch_count++];
    (void)snprintf(touch->device_id, sizeof touch->device_id, "%s", device_id);
    touch->from_utc = from_utc;
    touch->to_utc = to_utc;
    touch->since_us = live->ports.now_us(live->ports.user);
    return 0;
}

static int add_person(void *user, const char *person_id)
{
    struct people *people = user;

    if (strlen(person_id) >= PERSON_SIZE) {
        return 0; /* the next whole period takes it along */
    }
    if (people->count == people->capacity) {
        size_t capacity = people->capacity == 0 ? 8 : 2 * people->capacity;
        char(*ids)[PERSON_SIZE] = realloc(people->ids, capacity * sizeof *ids);

        if (ids == NULL) {
            return -ENOMEM;
        }
        people->ids = ids;
        people->capacity = capacity;
    }
    (void)snprintf(people->ids[people->count++], PERSON_SIZE, "%s", person_id);
    return 0;
}

/* ---- periods ------------------------------------------------------------------------------ */

static void forget_periods(struct live *live)
{
    for (size_t i = 0; i < live->period_count; i++) {
        free(live->periods[i].period_id);
    }
    free(live->periods);
    live->periods = NULL;
    live->period_count = 0;
    live->waiting_count = 0;
}

static int take_periods(struct live *live, const struct dataset *dataset)
{
    forget_periods(live);
    live->periods = calloc(dataset->periods_count + 1, sizeof *live->periods);
    if (live->periods == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < dataset->periods_count; i++) {
        const struct period_row *row = &dataset->periods[i];
        char *period_id = strdup(dataset_text(dataset, row->period_id));

        if (period_id == NULL) {
            return -ENOMEM;
        }
        live->periods[live->period_count++] =
            (struct period){period_id, row->start_utc, row->end_utc, true};
    }
    live->waiting_count = live->period_count;
    live->waiting_since_us = live->ports.now_us(live->ports.user);
    return 0;
}

/* Read the list of periods anew, all of them to be reconciled. */
static int read_periods(struct live *live)
{
    /* An instant without visits and taps: the small tables only. */
    const struct storage_filter filter = {.from_utc = 1, .to_utc = 1};
    struct dataset dataset;
    int rc = dataset_init(&dataset);

    if (rc < 0) {
        return rc;
    }
    rc = live->ports.storage->ops->load(live->ports.storage, &filter, &dataset, NULL);
    if (rc == 0) {
        rc = take_periods(live, &dataset);
    }
    dataset_done(&dataset);
    return rc;
}

/* ---- corrections -------------------------------------------------------------------------- */

static const struct correction *undone(const struct live *live, const struct correction *correction)
{
    bool is_there = correction->action == CORRECTION_UNDO && correction->undone_seq >= 1 &&
                    correction->undone_seq <= (int64_t)live->corrections.count;

    return is_there ? &live->corrections.rows[correction->undone_seq - 1] : correction;
}

/* Whom a correction touches. RELEASE pays under a contract, of which the feed knows nothing. */
static int touch_corrected(struct live *live, const struct correction *correction)
{
    const struct storage_ops *ops = live->ports.storage->ops;

    correction = undone(live, correction);
    switch (correction->action) {
    case CORRECTION_ADD:
        return add_person(&live->corrected, correction->person_id);
    case CORRECTION_VOID:
        return ops->persons_of(
            live->ports.storage, NULL, correction->event_id, add_person, &live->corrected);
    case CORRECTION_PLAN:
        return ops->persons_of(
            live->ports.storage, correction->visit_id, NULL, add_person, &live->corrected);
    case CORRECTION_RELEASE:
    case CORRECTION_UNDO:
        return 0;
    }
    return 0;
}

/* A chain that is broken is good for nothing: then there are none. */
static int read_corrections(struct live *live)
{
    struct corrections corrections = {0};
    struct err err = {0};
    int rc = corrections_read(&corrections, live->ports.storage, &err);

    corrections_done(&live->corrections);
    live->corrections = corrections;
    live->has_corrections = rc == 0;
    return rc;
}

/* When nothing but corrections has come, only some people are touched; else everybody is. */
static int take_news(struct live *live, uint64_t imports)
{
    size_t before = live->corrections.count;
    bool is_known = live->has_corrections;
    int rc = read_corrections(live);

    if (rc < 0) {
        return rc;
    }
    /* Each correction counts as one import. */
    if (!is_known || imports - live->imports != live->corrections.count - before) {
        return read_periods(live);
    }
    for (size_t i = before; rc == 0 && i < live->corrections.count; i++) {
        rc = touch_corrected(live, &live->corrections.rows[i]);
    }
    return rc;
}

/* ---- the clock ---------------------------------------------------------------------------- */

/* Visits whose start or end was moved into the stretch by a correction. */
static int sweep_moved(struct live *live, int64_t from_utc, int64_t to_utc)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < live->corrections.count; i++) {
        const struct correction *correction = &live->corrections.rows[i];

        if (correction->action == CORRECTION_PLAN &&
            ((correction->start_utc > from_utc && correction->start_utc <= to_utc) ||
                (correction->end_utc > from_utc && correction->end_utc <= to_utc))) {
            rc = live->ports.storage->ops->persons_of(
                live->ports.storage, correction->visit_id, NULL, add_person, &live->due);
        }
    }
    return rc;
}

/* Who is due, late or missed by now, and was not when we looked last; see visits_stage(). */
static int sweep(struct live *live)
{
    const struct visits_params *params = &live->params;
    const int64_t later[] = {0, params->punctual_s + 1, params->window_s + 1};
    struct storage *storage = live->ports.storage;
    int64_t now_utc = live->ports.now_utc(live->ports.user);
    int rc = 0;

    for (size_t i = 0; rc == 0 && now_utc > live->swept_utc && i < 3; i++) {
        int64_t from_utc = live->swept_utc - later[i];
        int64_t to_utc = now_utc - later[i];

        rc = storage->ops->persons_due(storage, from_utc, to_utc, add_person, &live->due);
        if (rc == 0) {
            rc = sweep_moved(live, from_utc, to_utc);
        }
    }
    if (rc == 0) {
        live->swept_utc = now_utc;
    }
    return rc;
}

int live_watch(struct live *live)
{
    uint64_t imports = 0;
    int rc = live->ports.storage->ops->imports(live->ports.storage, &imports);

    if (rc == 0 && imports != live->imports) {
        rc = take_news(live, imports);
        live->imports = rc == 0 ? imports : live->imports;
    }
    return rc == 0 ? sweep(live) : rc;
}

/* ---- the work ----------------------------------------------------------------------------- */

/* Gone since it was put on the list: nothing to do, and no error. */
static int unless_gone(int rc)
{
    return rc == -ENOENT ? 0 : rc;
}

static int redo_period(struct live *live)
{
    const struct redo_rules rules = {&live->params, &live->days, &live->corrections};
    struct redo_scope scope = {.asof_utc = live->ports.now_utc(live->ports.user)};
    size_t i = 0;
    uint64_t changed = 0;
    int rc = 0;

    while (!live->periods[i].is_waiting) {
        i++;
    }
    scope.period_id = live->periods[i].period_id;
    rc = unless_gone(redo_verdicts(live->ports.storage, &rules, &scope, &changed, NULL));
    if (rc == 0) {
        live->periods[i].is_waiting = false;
        live->waiting_count--;
        live->counts.periods++;
        live->counts.verdicts += changed;
    }
    return rc;
}

static int redo_person(struct live *live, const char *person_id, const struct touch *touch)
{
    const struct redo_rules rules = {&live->params, &live->days, &live->corrections};
    struct redo_scope scope = {
        .person_id = person_id, .asof_utc = live->ports.now_utc(live->ports.user)};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < live->period_count; i++) {
        const struct period *period = &live->periods[i];
        uint64_t changed = 0;

        /* A period that waits to be done whole takes this person along. */
        if (period->is_waiting || touch->to_utc < period->start_utc - STORAGE_MARGIN_S ||
            touch->from_utc > period->end_utc + STORAGE_MARGIN_S) {
            continue;
        }
        scope.period_id = period->period_id;
        rc = unless_gone(redo_verdicts(live->ports.storage, &rules, &scope, &changed, NULL));
        live->counts.people++;
        live->counts.verdicts += changed;
    }
    return rc;
}

static int redo_touch(struct live *live)
{
    const struct touch touch = live->touches[live->touch_count - 1];
    struct people people = {.count = 0};
    int rc = live->ports.storage->ops->persons_at(
        live->ports.storage, touch.device_id, touch.from_utc, touch.to_utc, add_person, &people);

    for (size_t i = 0; rc == 0 && i < people.count; i++) {
        rc = redo_person(live, people.ids[i], &touch);
    }
    free(people.ids);
    if (rc == 0) {
        live->touch_count--;
    }
    return rc;
}

/* A correction may bear on any period, the clock only on those that are now. */
static int redo_waiting_person(struct live *live)
{
    int64_t now_utc = live->ports.now_utc(live->ports.user);
    bool is_corrected = live->corrected.count > 0;
    struct people *people = is_corrected ? &live->corrected : &live->due;
    const struct touch touch = {
        .from_utc = is_corrected ? 0 : now_utc, .to_utc = is_corrected ? INT64_MAX : now_utc};
    int rc = redo_person(live, people->ids[people->count - 1], &touch);

    if (rc == 0) {
        people->count--;
    }
    return rc;
}

static bool has_people(const struct live *live)
{
    return live->corrected.count > 0 || live->due.count > 0;
}

bool live_has_work(const struct live *live)
{
    return live->waiting_count > 0 || live->touch_count > 0 || has_people(live);
}

int live_run(struct live *live, uint64_t budget_us)
{
    uint64_t end_us = live->ports.now_us(live->ports.user) + budget_us;
    int rc = live->has_corrections ? 0 : read_corrections(live);

    if (rc < 0) {
        return rc;
    }
    merge_touches(live);
    do {
        /* Fresh taps first: a whole period can wait, somebody looks at this visit now. */
        if (live->touch_count > 0) {
            rc = redo_touch(live);
        } else if (has_people(live)) {
            rc = redo_waiting_person(live);
        } else if (live->waiting_count > 0) {
            rc = redo_period(live);
        }
    } while (rc == 0 && live_has_work(live) && live->ports.now_us(live->ports.user) < end_us);
    return rc;
}

struct live_counts live_counts(const struct live *live)
{
    return live->counts;
}

struct live_backlog live_backlog(struct live *live)
{
    struct live_backlog backlog = {.periods = live->waiting_count};
    uint64_t now_us = live->ports.now_us(live->ports.user);
    uint64_t oldest_us = live->waiting_count > 0 ? live->waiting_since_us : now_us;

    merge_touches(live);
    backlog.devices = live->touch_count;
    for (size_t i = 0; i < live->touch_count; i++) {
        oldest_us = live->touches[i].since_us < oldest_us ? live->touches[i].since_us : oldest_us;
    }
    backlog.oldest_us = now_us - oldest_us;
    return backlog;
}

/* ---- opening ------------------------------------------------------------------------------ */

bool live_repairs_are_valid(const char *repairs)
{
    struct repair_params params = REPAIR_DEFAULTS;

    return repair_parse(&params, repairs) == NULL;
}

int live_open(struct live **ret_live, const struct live_ports *ports, struct err *err)
{
    struct live *live = calloc(1, sizeof *live);
    int rc = 0;

    if (live == NULL) {
        return err_set(err, -ENOMEM, "live: out of memory");
    }
    live->ports = *ports;
    live->swept_utc = ports->now_utc(ports->user);
    live->params = visits_default_params;
    if (ports->repairs != NULL && repair_parse(&live->params.repairs, ports->repairs) != NULL) {
        rc = err_set(err, -EINVAL, "live: '%s' is no choice of repairs", ports->repairs);
        live_close(live);
        return rc;
    }
    rc = tzif_load(&live->zone, "Europe/London", err);
    if (rc == 0) {
        live->days = (struct local_days){live->zone.at_utc, live->zone.offset_s, live->zone.count};
        rc = ports->storage->ops->imports(ports->storage, &live->imports);
        if (rc == 0) {
            rc = read_periods(live);
        }
        if (rc < 0) {
            (void)err_set(err, rc, "live: cannot read the periods (%s)", err_name(rc));
        }
    }
    if (rc < 0) {
        live_close(live);
        return rc;
    }
    *ret_live = live;
    return 0;
}

void live_close(struct live *live)
{
    if (live == NULL) {
        return;
    }
    forget_periods(live);
    free(live->touches);
    free(live->corrected.ids);
    free(live->due.ids);
    corrections_done(&live->corrections);
    tzif_done(&live->zone);
    free(live);
}
