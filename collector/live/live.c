/*
 * live.c - see live.h.
 *
 * Two lists: whole periods, and touched devices. Devices are only appended; when the list has grown
 * it is sorted and entries of one device become one, so that a busy moment costs little.
 */
#include "collector/live/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tzif.h"
#include "collector/live/redo.h"
#include "collector/storage/storage.h"

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

int live_watch(struct live *live)
{
    uint64_t imports = 0;
    int rc = live->ports.storage->ops->imports(live->ports.storage, &imports);

    if (rc < 0 || imports == live->imports) {
        return rc;
    }
    rc = read_periods(live);
    if (rc == 0) {
        live->imports = imports;
    }
    return rc;
}

/* ---- the work ----------------------------------------------------------------------------- */

/* Gone since it was put on the list: nothing to do, and no error. */
static int unless_gone(int rc)
{
    return rc == -ENOENT ? 0 : rc;
}

static int redo_period(struct live *live)
{
    size_t i = 0;
    uint64_t changed = 0;
    int rc = 0;

    while (!live->periods[i].is_waiting) {
        i++;
    }
    rc = unless_gone(redo_verdicts(live->ports.storage, &live->params, &live->days,
        live->periods[i].period_id, NULL, live->ports.now_utc(live->ports.user), &changed, NULL));
    if (rc == 0) {
        live->periods[i].is_waiting = false;
        live->waiting_count--;
        live->counts.periods++;
        live->counts.verdicts += changed;
    }
    return rc;
}

/* The people of one touch: copied, because the store is used again for each. */
struct people {
    char (*ids)[PERSON_SIZE];
    size_t count, capacity;
};

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

static int redo_person(struct live *live, const char *person_id, const struct touch *touch)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < live->period_count; i++) {
        const struct period *period = &live->periods[i];
        uint64_t changed = 0;

        /* A period that waits to be done whole takes this person along. */
        if (period->is_waiting || touch->to_utc < period->start_utc - STORAGE_MARGIN_S ||
            touch->from_utc > period->end_utc + STORAGE_MARGIN_S) {
            continue;
        }
        rc = unless_gone(redo_verdicts(live->ports.storage, &live->params, &live->days,
            period->period_id, person_id, live->ports.now_utc(live->ports.user), &changed, NULL));
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

bool live_has_work(const struct live *live)
{
    return live->waiting_count > 0 || live->touch_count > 0;
}

int live_run(struct live *live, uint64_t budget_us)
{
    uint64_t end_us = live->ports.now_us(live->ports.user) + budget_us;
    int rc = 0;

    merge_touches(live);
    do {
        /* Fresh taps first: a whole period can wait, somebody looks at this visit now. */
        if (live->touch_count > 0) {
            rc = redo_touch(live);
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
    tzif_done(&live->zone);
    free(live);
}
