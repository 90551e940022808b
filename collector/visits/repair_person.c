/* repair_person.c - what the repairs share, and how they end; see repair_person.h. */
#include "collector/visits/repair_person.h"

#include <errno.h>
#include <stdlib.h>

enum { COUNT_START = 64 };

int repair_add(struct repair_list *list, const struct visits_repair *repair)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? COUNT_START : 2 * list->capacity;
        struct visits_repair *rows = realloc(list->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->count++] = *repair;
    return 0;
}

bool repair_is_released(const struct planned_row *planned, unsigned slot_number)
{
    return slot_number <= REPAIR_SLOTS_MAX &&
           (planned->released_slots & (1u << (slot_number - 1))) != 0;
}

/* The attendance a repair bears on, or VISITS_NONE. */
static uint32_t find_attendance(
    const struct repair_person *person, const struct visits_repair *repair)
{
    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        const struct visits_attendance *own = &person->attendances->rows[i];
        bool is_split = repair->rule == REPAIR_BOUNDARY && !repair->is_held;

        if (own->carer_id != repair->carer_id) {
            continue;
        }
        if (is_split ? own->in_utc == repair->in_utc && own->out_utc == repair->out_utc
                     : own->in_id == repair->tap_id || own->out_id == repair->tap_id) {
            return (uint32_t)i;
        }
    }
    return VISITS_NONE;
}

/* A visit that was missed and that the attendance of the proposal would be split for. */
static uint32_t find_missed(const struct repair_person *person, const struct visits_repair *repair)
{
    uint32_t found = VISITS_NONE;

    for (size_t i = person->slots_from; i < person->slots_to; i++) {
        const struct visits_slot *slot = &person->slots[i];

        if (slot->planned != repair->planned) {
            continue;
        }
        if (slot->attendance != VISITS_NONE &&
            person->attendances->rows[slot->attendance].carer_id == repair->carer_id) {
            return VISITS_NONE; /* held by this carer already */
        }
        if (found == VISITS_NONE && slot->status == SLOT_MISSED) {
            found = (uint32_t)i;
        }
    }
    return found;
}

/* Hold the slot of a proposed split: it shows the attendance it would get a part of. */
static void settle_boundary(struct repair_person *person, struct visits_repair *repair)
{
    uint32_t missed = find_missed(person, repair);

    repair->slot = missed;
    if (missed != VISITS_NONE && repair->attendance != VISITS_NONE) {
        person->slots[missed].status = SLOT_HELD_REPAIR;
        person->slots[missed].attendance = repair->attendance;
    }
}

/* A tap read again: what it made of the attendance, and whether that is paid. */
static void settle_direction(struct repair_person *person, struct visits_repair *repair)
{
    struct visits_attendance *own = &person->attendances->rows[repair->attendance];
    struct visits_slot *slot = own->slot == VISITS_NONE ? NULL : &person->slots[own->slot];

    repair->slot = own->slot;
    repair->planned = slot == NULL ? VISITS_NONE : slot->planned;
    repair->in_utc = own->in_utc;
    repair->out_utc = own->out_utc;
    repair->inferred_s = own->worked_s;
    if (slot != NULL && own->status == ATTENDANCE_HELD &&
        repair_is_released(&person->rules->dataset->planned[slot->planned], slot->number)) {
        own->status = ATTENDANCE_OK;
        slot->status = slot->status == SLOT_HELD_REPAIR ? SLOT_OK : slot->status;
    }
    repair->is_held = repair->is_held && own->status != ATTENDANCE_OK;
}

void repair_hold(struct repair_person *person)
{
    bool is_hold = person->rules->params->repairs.policies[REPAIR_DIRECTION] != REPAIR_PAY;

    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        struct visits_attendance *own = &person->attendances->rows[i];

        if (own->status == ATTENDANCE_OK &&
            ((own->evidence & ATTENDANCE_DOUBTFUL) != 0 ||
                (is_hold && (own->evidence & ATTENDANCE_REPAIRED) != 0))) {
            own->status = ATTENDANCE_HELD;
        }
    }
}

void repair_settle(struct repair_person *person)
{
    struct repair_list *list = person->list;
    size_t kept = person->first_repair;

    for (size_t i = person->first_repair; i < list->count; i++) {
        struct visits_repair *repair = &list->rows[i];

        repair->attendance = find_attendance(person, repair);
        if (repair->attendance == VISITS_NONE) {
            continue; /* outside of the period (S6) */
        }
        if (repair->rule == REPAIR_BOUNDARY && repair->is_held) {
            settle_boundary(person, repair);
        } else if (repair->rule == REPAIR_DIRECTION) {
            settle_direction(person, repair);
        } else {
            repair->slot = person->attendances->rows[repair->attendance].slot;
        }
        if (repair->rule == REPAIR_BOUNDARY && repair->slot == VISITS_NONE) {
            continue; /* nothing was missed after all */
        }
        list->rows[kept++] = *repair;
    }
    list->count = kept;
}
