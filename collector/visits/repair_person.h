/*
 * repair_person.h - the repairs of one person's taps and attendances. Inside visits/ only.
 *
 * part.c walks: pair the taps, make the slots, repair_directions(), pair again when that changed a
 * tap, repair_hold(), repair_boundaries(), match, repair_missing(), match again when that completed
 * an attendance, and repair_settle(). Nothing here sees another person.
 *
 * Errors: 0 or -ENOMEM.
 */
#ifndef ECM_COLLECTOR_VISITS_REPAIR_PERSON_H
#define ECM_COLLECTOR_VISITS_REPAIR_PERSON_H

#include "collector/visits/attendance.h"
#include "collector/visits/ranking.h"
#include "collector/visits/repair.h"
#include "collector/visits/taps.h"
#include "collector/visits/visits.h"

struct repair_list {
    struct visits_repair *rows;
    size_t count, capacity;
};

/* One person while being repaired. Indexes into slots and attendances are those of the result. */
struct repair_person {
    const struct attendance_rules *rules;
    text_id person_id;
    struct tap *taps; /* this person's, by E7 */
    size_t taps_count;
    struct visits_slot *slots; /* all; this person's are from..to */
    size_t slots_from, slots_to;
    struct attendance_list *attendances; /* all; this person's from first_attendance on */
    size_t first_attendance;
    struct repair_list *list; /* all; this person's from first_repair on */
    size_t first_repair;
};

int repair_add(struct repair_list *list, const struct visits_repair *repair);

/* R1: read taps again; *ret_changed: their kinds are no longer what the reader said. */
int repair_directions(struct repair_person *person, bool *ret_changed);

/* Where R1 may only propose, or is not sure, the attendances are held; after the last pairing. */
void repair_hold(struct repair_person *person);

/* R4: split attendances, or propose to. */
int repair_boundaries(struct repair_person *person);

/* R2, R3, after matching; *ret_changed: an attendance was completed. */
int repair_missing(struct repair_person *person, bool *ret_changed);

/* After the last matching: give every repair its slot and attendance, hold what is only proposed. */
void repair_settle(struct repair_person *person);

/* Whether a person has accepted what is proposed for this slot. */
bool repair_is_released(const struct planned_row *planned, unsigned slot_number);

#endif
