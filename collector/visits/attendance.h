/*
 * attendance.h - pair one person's taps into attendances (rules S1 to S6). Inside visits/ only.
 */
#ifndef ECM_COLLECTOR_VISITS_ATTENDANCE_H
#define ECM_COLLECTOR_VISITS_ATTENDANCE_H

#include "collector/visits/exceptions.h"
#include "collector/visits/ranking.h"
#include "collector/visits/taps.h"
#include "collector/visits/visits.h"

/* Where attendances go, one after another. */
struct attendance_list {
    struct visits_attendance *rows;
    size_t count;
    size_t capacity;
};

/* What pairing needs to know besides the taps. */
struct attendance_rules {
    const struct dataset *dataset;
    const struct visits_params *params;
    const struct visits_period *period;
    const struct ranking *carers;
};

/* Append one attendance. 0 or -ENOMEM. */
int attendances_append(struct attendance_list *list, const struct visits_attendance *attendance);

/* Put those from from on in the order of M2. */
void attendances_sort(
    const struct attendance_rules *rules, struct attendance_list *list, size_t from);

/*
 * Append the attendances of person_id's taps, sorted by E7, that belong to the period, in the
 * order of M2. 0 or -ENOMEM.
 */
int attendances_pair(const struct attendance_rules *rules, text_id person_id,
    const struct tap *taps, size_t count, struct exceptions *exceptions,
    struct attendance_list *list);

#endif
