/* session.c - see session.h. */
#include "collector/cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/cli/progress.h"
#include "collector/import/import.h"
#include "collector/storage/storage_sqlite.h"
#include "collector/visits/narrow.h"

enum {
    PARTS_A_THREAD = 6,
    PARTS_MAX = PARTS_A_THREAD * JOBS_THREADS_MAX,
    EVENTS_WORTH_A_THREAD = 20000,
};

int session_open_store(struct session *session, const char *path, bool must_exist, struct err *err)
{
    return storage_sqlite_open(
        &session->storage, path, must_exist ? STORAGE_SQLITE_MUST_EXIST : 0, err);
}

static int load_files(struct session *session, const char *folder, struct err *err)
{
    struct progress progress = progress_start("reading");
    const struct import_watch watch = {
        .notice = progress_notice, .progress = progress_show, .user = &progress};
    int rc = import_path(folder, true, &watch, &session->dataset, err);

    progress_end(&progress);
    return rc;
}

/* "R1" and "R4" become "R1..R4". */
static int name_stretch(struct dataset *dataset, text_id first, text_id last, text_id *ret_id)
{
    char *name = NULL;
    int size = first == last ? asprintf(&name, "%s", dataset_text(dataset, first))
                             : asprintf(&name, "%s..%s", dataset_text(dataset, first),
                                   dataset_text(dataset, last));
    int rc = size < 0 ? -ENOMEM : dataset_intern(dataset, name, (size_t)size, ret_id);

    if (size >= 0) {
        free(name);
    }
    return rc;
}

/*
 * Join the periods that hold some of the days into one, so that what lies across a border counts
 * once. When there is none of those days in any, all of them: the caller will say what there is.
 */
static int join_periods(struct session *session, const struct source *source, struct err *err)
{
    struct dataset *dataset = &session->dataset;
    const struct period_row *first = NULL;
    const struct period_row *last = NULL;
    bool has_days = false;

    for (size_t i = 0; i < dataset->periods_count; i++) {
        const struct period_row *row = &dataset->periods[i];

        has_days = has_days || (row->start_day < source->to_day && row->end_day > source->from_day);
    }
    for (size_t i = 0; i < dataset->periods_count; i++) {
        const struct period_row *row = &dataset->periods[i];

        if (has_days && (row->start_day >= source->to_day || row->end_day <= source->from_day)) {
            continue;
        }
        session->stretch_periods++;
        first = first == NULL || row->start_day < first->start_day ? row : first;
        last = last == NULL || row->end_day > last->end_day ? row : last;
    }
    if (first == NULL || last == NULL) {
        return err_set(err, -ENOENT, "there is no period yet: import one");
    }
    session->stretch = *first;
    session->stretch.end_day = last->end_day;
    session->stretch.end_utc = last->end_utc;
    session->period = &session->stretch;
    return name_stretch(dataset, first->period_id, last->period_id, &session->stretch.period_id) < 0
               ? err_set(err, -ENOMEM, "out of memory")
               : 0;
}

/* Which instants the days mean is known when the periods are; then the rest is loaded. */
static int find_stretch(struct session *session, const struct source *source,
    struct storage_filter *filter, struct err *err)
{
    const struct storage_filter nothing = {.from_utc = 1, .to_utc = 1};
    struct session small = {.storage = session->storage};
    int rc = dataset_init(&small.dataset);

    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    rc = session->storage->ops->load(session->storage, &nothing, &small.dataset, err);
    if (rc == 0) {
        rc = join_periods(&small, source, err);
    }
    if (rc == 0 && small.dataset.periods_count > 1) {
        filter->from_utc = small.stretch.start_utc;
        filter->to_utc = small.stretch.end_utc;
    }
    dataset_done(&small.dataset);
    return rc;
}

static int load_store(struct session *session, const struct source *source, struct err *err)
{
    struct storage_filter filter = {.period_id = source->period_id, .person_id = source->person_id};
    int rc = session_open_store(session, source->store, true, err);

    if (rc == 0 && source->is_stretch) {
        rc = find_stretch(session, source, &filter, err);
    }
    return rc < 0 ? rc
                  : session->storage->ops->load(session->storage, &filter, &session->dataset, err);
}

static int choose_period(struct session *session, const char *period_id, struct err *err)
{
    const struct dataset *dataset = &session->dataset;

    if (period_id == NULL && dataset->periods_count == 1) {
        session->period = &dataset->periods[0];
        return 0;
    }
    if (period_id == NULL) {
        return dataset->periods_count == 0
                   ? err_set(err, -ENOENT, "there is no period yet: import one")
                   : err_set(err, -EINVAL, "there are %zu periods: say which with --period",
                         dataset->periods_count);
    }
    for (size_t i = 0; i < dataset->periods_count; i++) {
        if (strcmp(dataset_text(dataset, dataset->periods[i].period_id), period_id) == 0) {
            session->period = &dataset->periods[i];
            return 0;
        }
    }
    return err_set(err, -ENOENT, "there is no period '%s'", period_id);
}

/* Of several periods only the one that was chosen; a store has done so by itself. */
static int narrow(struct session *session, struct err *err)
{
    const struct narrow_window window = {.start_utc = session->period->start_utc,
        .end_utc = session->period->end_utc,
        .margin_s = STORAGE_MARGIN_S,
        .future_s = visits_default_params.future_s};

    if (session->storage != NULL || session->dataset.periods_count == 1 ||
        narrow_dataset(&session->dataset, &window) == 0) {
        return 0;
    }
    return err_set(err, -ENOMEM, "out of memory");
}

int session_open(struct session *session, const struct source *source, struct err *err)
{
    int rc = 0;

    if ((source->from == NULL) == (source->store == NULL)) {
        return err_set(err, -EINVAL, "say where the data are: either --from DIR or --store FILE");
    }
    rc = dataset_init(&session->dataset);
    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    rc = tzif_load(&session->tzif, source->zone, err);
    if (rc < 0) {
        return rc;
    }
    session->days = (struct local_days){.at_utc = session->tzif.at_utc,
        .offset_s = session->tzif.offset_s,
        .count = session->tzif.count};
    rc = source->from != NULL ? load_files(session, source->from, err)
                              : load_store(session, source, err);
    if (rc == 0) {
        rc = source->is_stretch ? join_periods(session, source, err)
                                : choose_period(session, source->period_id, err);
    }
    if (rc == 0) {
        rc = narrow(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    session->visits_params = visits_default_params;
    session->visits_params.repairs = source->repairs;
    session->visits_period = (struct visits_period){.start_utc = session->period->start_utc,
        .end_utc = session->period->end_utc,
        .asof_utc = source->has_asof ? source->asof_utc : (int64_t)time(NULL)};
    return 0;
}

static int lay_corrections_over(struct session *session, struct err *err)
{
    int rc = 0;

    if (session->storage == NULL) {
        return 0; /* files have amendments, but nobody who signed for a correction */
    }
    rc = corrections_read(&session->corrections, session->storage, err);
    if (rc == 0) {
        corrections_apply(
            &session->corrections, session->visits_period.asof_utc, &session->dataset);
    }
    return rc;
}

/* Several parts a thread: none is the last by far, and joining them takes little memory. */
static unsigned part_count(const struct session *session)
{
    bool is_worth_it = jobs_at_once() > 1 && session->dataset.events_count > EVENTS_WORTH_A_THREAD;

    return is_worth_it ? PARTS_A_THREAD * jobs_at_once() : 1;
}

struct beginning {
    struct session *session;
    unsigned parts;
    struct visits_work *work;
};

static int begin(void *user, struct err *err)
{
    struct beginning *beginning = user;
    const struct session *session = beginning->session;
    int rc = visits_begin(&session->dataset, &session->visits_params, &session->visits_period,
        beginning->parts, &beginning->work);

    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

struct part {
    struct visits_work *work;
    unsigned number;
};

static int do_part(void *user, struct err *err)
{
    const struct part *part = user;
    int rc = visits_do_part(part->work, part->number);

    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

static int do_parts(struct session *session, const struct beginning *beginning, struct err *err)
{
    struct part parts[PARTS_MAX];
    struct job jobs[PARTS_MAX];
    int rc = 0;

    for (unsigned i = 0; i < beginning->parts; i++) {
        parts[i] = (struct part){.work = beginning->work, .number = i};
        jobs[i] = (struct job){.run = do_part, .user = &parts[i]};
    }
    (void)jobs_do(jobs, beginning->parts, err); /* visits_end() tells how it went */
    rc = visits_end(beginning->work, &session->result);
    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

/* The caller's jobs, and what needs everybody's taps. */
static int do_beside(
    struct beginning *beginning, const struct job *beside, size_t count, struct err *err)
{
    struct job *jobs = calloc(count + 1, sizeof *jobs);
    int rc = 0;

    if (jobs == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    jobs[0] = (struct job){.run = begin, .user = beginning};
    for (size_t i = 0; i < count; i++) {
        jobs[i + 1] = beside[i];
    }
    rc = jobs_do(jobs, count + 1, err);
    free(jobs);
    return rc;
}

static int reconcile(
    struct session *session, const struct job *beside, size_t count, struct err *err)
{
    struct beginning beginning = {.session = session, .parts = part_count(session)};
    int rc = do_beside(&beginning, beside, count, err);

    if (rc < 0 && beginning.work != NULL) {
        struct visits_result nothing;

        (void)visits_end(beginning.work, &nothing); /* no part was done: frees only */
        return rc;
    }
    return rc < 0 ? rc : do_parts(session, &beginning, err);
}

int session_reconcile(struct session *session, struct err *err)
{
    return session_reconcile_beside(session, NULL, 0, err);
}

int session_reconcile_beside(
    struct session *session, const struct job *beside, size_t count, struct err *err)
{
    int rc = lay_corrections_over(session, err);

    if (rc == 0) {
        rc = reconcile(session, beside, count, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = pay_rates_init(&session->rates, &session->dataset);
    if (rc == 0) {
        session->people = pay_index_people(&session->dataset);
        rc = session->people == NULL ? -ENOMEM : 0;
    }
    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    session->input = (struct pay_input){.dataset = &session->dataset,
        .visits_params = &session->visits_params,
        .result = &session->result,
        .period = session->period,
        .days = &session->days,
        .params = &pay_default_params,
        .rates = &session->rates,
        .people = session->people,
        .asof_utc = session->visits_period.asof_utc};
    return 0;
}

void session_close(struct session *session)
{
    corrections_done(&session->corrections);
    visits_done(&session->result);
    pay_rates_done(&session->rates);
    free(session->people);
    tzif_done(&session->tzif);
    if (session->dataset.texts != NULL) {
        dataset_done(&session->dataset);
    }
    storage_close(session->storage);
    *session = (struct session){0};
}
