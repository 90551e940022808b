/* correction_check.c - see correction_check.h. */
#include "collector/cli/correction_check.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static text_id find_id(const struct session *session, const char *text)
{
    return dataset_find(&session->dataset, text, strlen(text));
}

static int check_add(
    const struct session *session, const struct correction *correction, struct err *err)
{
    const struct dataset *dataset = &session->dataset;
    text_id person_id = find_id(session, correction->person_id);
    text_id carer_id = find_id(session, correction->carer_id);
    bool has_person = false;
    bool has_carer = false;

    for (size_t i = 0; person_id != 0 && i < dataset->people_count; i++) {
        has_person = has_person || dataset->people[i].person_id == person_id;
    }
    for (size_t i = 0; carer_id != 0 && i < dataset->carers_count; i++) {
        has_carer = has_carer || dataset->carers[i].carer_id == carer_id;
    }
    if (!has_person) {
        return err_set(err, -ENOENT, "there is no person '%s'", correction->person_id);
    }
    if (!has_carer) {
        return err_set(err, -ENOENT, "there is no carer '%s'", correction->carer_id);
    }
    if (correction->ts_utc > correction->created_utc) {
        return err_set(err, -EINVAL, "--at lies in the future");
    }
    return 0;
}

static int check_void(
    const struct session *session, const struct correction *correction, struct err *err)
{
    text_id event_id = find_id(session, correction->event_id);

    for (size_t i = 0; event_id != 0 && i < session->dataset.events_count; i++) {
        if (session->dataset.events[i].event_id == event_id) {
            return 0;
        }
    }
    return err_set(err, -ENOENT, "there is no tap '%s' in this period", correction->event_id);
}

static const struct planned_row *find_visit(
    const struct session *session, const struct correction *correction)
{
    text_id visit_id = find_id(session, correction->visit_id);

    for (size_t i = 0; visit_id != 0 && i < session->dataset.planned_count; i++) {
        if (session->dataset.planned[i].visit_id == visit_id) {
            return &session->dataset.planned[i];
        }
    }
    return NULL;
}

static int check_plan(
    const struct session *session, const struct correction *correction, struct err *err)
{
    if (find_visit(session, correction) == NULL) {
        return err_set(err, -ENOENT, "there is no visit '%s' in this period", correction->visit_id);
    }
    if (correction->end_utc <= correction->start_utc ||
        correction->end_utc - correction->start_utc > 86400) {
        return err_set(err, -EINVAL, "--end is not within a day after --start");
    }
    if (correction->start_utc < session->period->start_utc ||
        correction->start_utc >= session->period->end_utc) {
        return err_set(err, -EINVAL, "--start would move the visit out of the period");
    }
    return 0;
}

static int check_release(
    const struct session *session, const struct correction *correction, struct err *err)
{
    const struct planned_row *planned = find_visit(session, correction);

    if (planned == NULL) {
        return err_set(err, -ENOENT, "there is no visit '%s' in this period", correction->visit_id);
    }
    if (correction->slot > planned->carers_required) {
        return err_set(err, -EINVAL, "the visit has only %d slots", (int)planned->carers_required);
    }
    return 0;
}

static int check_undo(
    const struct corrections *corrections, const struct correction *correction, struct err *err)
{
    const struct correction *undone = NULL;

    if ((size_t)correction->undone_seq > corrections->count) {
        return err_set(
            err, -ENOENT, "there is no correction %lld", (long long)correction->undone_seq);
    }
    undone = &corrections->rows[correction->undone_seq - 1];
    if (undone->action == CORRECTION_UNDO) {
        return err_set(err, -EINVAL, "an undo stays: enter anew what it undid");
    }
    if (!correction_is_in_force(corrections, undone, correction->created_utc)) {
        return err_set(
            err, -EINVAL, "correction %lld is undone already", (long long)correction->undone_seq);
    }
    return 0;
}

int correction_check(const struct session *session, const struct corrections *corrections,
    const struct correction *correction, struct err *err)
{
    switch (correction->action) {
    case CORRECTION_ADD:
        return check_add(session, correction, err);
    case CORRECTION_VOID:
        return check_void(session, correction, err);
    case CORRECTION_PLAN:
        return check_plan(session, correction, err);
    case CORRECTION_RELEASE:
        return check_release(session, correction, err);
    case CORRECTION_UNDO:
        return check_undo(corrections, correction, err);
    }
    return 0;
}

/* The correction as if it were an amendment of the dataset already. */
static int lay_over(struct dataset *dataset, const struct correction *correction)
{
    struct amendment_row row = {.created_utc = correction->created_utc,
        .is_void = correction->action == CORRECTION_VOID,
        .kind = correction->kind,
        .ts_utc = correction->ts_utc,
        .person_id = dataset_find(dataset, correction->person_id, strlen(correction->person_id)),
        .carer_id = dataset_find(dataset, correction->carer_id, strlen(correction->carer_id)),
        .event_id = dataset_find(dataset, correction->event_id, strlen(correction->event_id))};
    int rc = dataset_intern(dataset, "(new)", 5, &row.amend_id);

    return rc < 0 ? rc : dataset_add_amendment(dataset, &row);
}

/* Whether some attendance of after makes one of before, which was complete, longer. */
static bool extends(const struct visits_result *before, const struct visits_result *after)
{
    for (size_t i = 0; i < before->attendances_count; i++) {
        const struct visits_attendance *clocked = &before->attendances[i];

        for (size_t j = 0; clocked->status == ATTENDANCE_OK && j < after->attendances_count; j++) {
            const struct visits_attendance *edited = &after->attendances[j];

            if (edited->status == ATTENDANCE_OK && edited->person_id == clocked->person_id &&
                edited->carer_id == clocked->carer_id && edited->in_utc < clocked->out_utc &&
                edited->out_utc > clocked->in_utc &&
                (edited->in_utc < clocked->in_utc || edited->out_utc > clocked->out_utc)) {
                return true;
            }
        }
    }
    return false;
}

int correction_check_shrinks(
    struct session *session, const struct correction *correction, struct err *err)
{
    struct dataset *dataset = &session->dataset;
    size_t amendments = dataset->amendments_count;
    struct visits_result before = {0};
    struct visits_result after = {0};
    struct visits_period period = session->visits_period;
    int rc = 0;

    if (correction->action != CORRECTION_ADD && correction->action != CORRECTION_VOID) {
        return 0;
    }
    period.asof_utc = correction->created_utc;
    dataset->amendments_count = 0;
    rc = visits_reconcile(dataset, &visits_default_params, &period, &before);
    dataset->amendments_count = amendments;
    if (rc == 0) {
        rc = lay_over(dataset, correction);
    }
    if (rc == 0) {
        rc = visits_reconcile(dataset, &visits_default_params, &period, &after);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "out of memory");
    } else if (extends(&before, &after)) {
        rc = err_set(err, -EINVAL,
            "under this contract edits may only shrink the clocked time, and this one extends it");
    }
    visits_done(&before);
    visits_done(&after);
    return rc;
}
