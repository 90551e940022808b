/*
 * repair_direction.c - R1: taps read the wrong way round; see repair.h.
 *
 * A reader calls a tap leaving when the same card has an open arrival there that is young enough. So
 * after one forgotten tap the next ones are turned round until a long pause sets the reader right. The
 * times of the taps are sure, their kinds are not. One carer's taps between two safe places (left, and
 * back after a long while) are held against the plan in every possible reading: each tap alone or
 * two in a row as a pair, each with a visit or with none, in the order of both. A reading costs
 *
 *     a pair with a visit   distance of its begin from the planned one + difference in length
 *     a tap with a visit    distance from the planned begin (arriving) or end (leaving) + lone_cost
 *     with no visit         unplanned_cost (a pair: + what is longer than the window)
 *     a visit without       skipped_cost, when this carer was rostered and nobody else came
 *     a carer not rostered  carer_cost
 *     a tap turned round    turned_cost each
 *
 * The cheapest reading counts when every reading without a turned tap costs better_by more. Then each
 * tap is as the cheapest reading has it if all readings that have it otherwise cost sure_by more;
 * if not, it stays as the reader said and what rests on it is held.
 *
 * Table f(i, j): the least cost of taps before i and visits before j (forward), or of those from them
 * on (backward). A step's best whole is forward + step + backward.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/visits/repair_person.h"

enum { TAPS_MAX = 48, VISITS_MAX = 64, STEPS_MAX = 7 };

#define NEVER (INT64_MAX / 8)

struct candidate {
    int64_t start_utc, end_utc;
    int64_t extra;   /* the carer is not on its roster */
    int64_t skipped; /* what it costs that this carer did not come */
    uint32_t planned;
};

/* One carer's taps between two safe places, and the visits they can belong to. */
struct reading {
    const struct repair_person *person;
    const struct repair_params *params;
    int64_t turned_cost;
    uint32_t taps[TAPS_MAX]; /* indexes, without bounces */
    size_t taps_count;
    struct candidate visits[VISITS_MAX];
    size_t visits_count;
    int64_t forward[TAPS_MAX + 1][VISITS_MAX + 1];
    int64_t backward[TAPS_MAX + 1][VISITS_MAX + 1];
};

/* From (i, j) on: so many taps and visits, read so, for so much. */
struct step {
    size_t taps, visits;
    int64_t cost;
    char kinds[2];
};

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static const struct tap *tap_at(const struct reading *reading, size_t i)
{
    return &reading->person->taps[reading->taps[i]];
}

static int64_t turning(const struct reading *reading, size_t i, char kind)
{
    return tap_at(reading, i)->kind == kind ? 0 : reading->turned_cost;
}

static size_t lone_steps(
    const struct reading *reading, size_t i, size_t j, char kind, struct step *steps)
{
    int64_t cost = turning(reading, i, kind);
    size_t count = 0;

    steps[count++] = (struct step){1, 0, cost + reading->params->unplanned_cost, {kind}};
    if (j < reading->visits_count) {
        const struct candidate *visit = &reading->visits[j];
        int64_t off_s =
            distance(tap_at(reading, i)->ts_utc, kind == 'I' ? visit->start_utc : visit->end_utc);

        if (off_s <= reading->person->rules->params->window_s) {
            steps[count++] = (struct step){
                1, 1, cost + off_s + reading->params->lone_cost + visit->extra, {kind}};
        }
    }
    return count;
}

static size_t pair_steps(const struct reading *reading, size_t i, size_t j, struct step *steps)
{
    const struct visits_params *params = reading->person->rules->params;
    int64_t in_utc = tap_at(reading, i)->ts_utc;
    int64_t worked_s = tap_at(reading, i + 1)->ts_utc - in_utc;
    int64_t cost = turning(reading, i, 'I') + turning(reading, i + 1, 'O');
    int64_t excess_s = worked_s > params->window_s ? worked_s - params->window_s : 0;
    size_t count = 0;

    if (worked_s > params->pair_max_s) {
        return 0;
    }
    steps[count++] =
        (struct step){2, 0, cost + reading->params->unplanned_cost + excess_s, {'I', 'O'}};
    if (j < reading->visits_count) {
        const struct candidate *visit = &reading->visits[j];
        int64_t off_s = distance(in_utc, visit->start_utc);

        if (off_s <= params->window_s) {
            cost += off_s + distance(worked_s, visit->end_utc - visit->start_utc) + visit->extra;
            steps[count++] = (struct step){2, 1, cost, {'I', 'O'}};
        }
    }
    return count;
}

static size_t steps_from(
    const struct reading *reading, size_t i, size_t j, struct step steps[STEPS_MAX])
{
    size_t count = 0;

    if (j < reading->visits_count) {
        steps[count++] = (struct step){0, 1, reading->visits[j].skipped, {0}};
    }
    if (i < reading->taps_count) {
        count += lone_steps(reading, i, j, 'I', &steps[count]);
        count += lone_steps(reading, i, j, 'O', &steps[count]);
    }
    if (i + 1 < reading->taps_count) {
        count += pair_steps(reading, i, j, &steps[count]);
    }
    return count;
}

/* Fill backward; the cost of the cheapest reading. */
static int64_t read_backward(struct reading *reading)
{
    struct step steps[STEPS_MAX];

    for (size_t i = reading->taps_count + 1; i-- > 0;) {
        for (size_t j = reading->visits_count + 1; j-- > 0;) {
            bool is_end = i == reading->taps_count && j == reading->visits_count;
            size_t count = steps_from(reading, i, j, steps);
            int64_t best = is_end ? 0 : NEVER;

            for (size_t s = 0; s < count; s++) {
                int64_t cost =
                    steps[s].cost + reading->backward[i + steps[s].taps][j + steps[s].visits];

                best = cost < best ? cost : best;
            }
            reading->backward[i][j] = best;
        }
    }
    return reading->backward[0][0];
}

/* Take one step from (i, j): on in forward, and into the wholes of the taps it reads. */
static void take_step(struct reading *reading, size_t i, size_t j, const struct step *step,
    int64_t wholes[TAPS_MAX][2])
{
    int64_t *next = &reading->forward[i + step->taps][j + step->visits];
    int64_t cost = reading->forward[i][j] + step->cost;
    int64_t whole = cost + reading->backward[i + step->taps][j + step->visits];

    *next = cost < *next ? cost : *next;
    for (size_t t = 0; t < step->taps; t++) {
        int64_t *least = &wholes[i + t][step->kinds[t] == 'I' ? 0 : 1];

        *least = whole < *least ? whole : *least;
    }
}

/* Fill forward, and in wholes the least cost of a reading in which tap t is read as 'I' ([t][0])
 * and as 'O' ([t][1]). */
static void read_forward(struct reading *reading, int64_t wholes[TAPS_MAX][2])
{
    struct step steps[STEPS_MAX];

    for (size_t i = 0; i <= reading->taps_count; i++) {
        for (size_t j = 0; j <= reading->visits_count; j++) {
            reading->forward[i][j] = i == 0 && j == 0 ? 0 : NEVER;
        }
    }
    for (size_t t = 0; t < reading->taps_count; t++) {
        wholes[t][0] = wholes[t][1] = NEVER;
    }
    for (size_t i = 0; i <= reading->taps_count; i++) {
        for (size_t j = 0; j <= reading->visits_count; j++) {
            size_t count = steps_from(reading, i, j, steps);

            for (size_t s = 0; s < count; s++) {
                take_step(reading, i, j, &steps[s], wholes);
            }
        }
    }
}

/* ---- which taps and visits ------------------------------------------------------------------ */

/* How many other carers were there for this visit, by whole attendances. */
static int32_t count_others(
    const struct repair_person *person, const struct planned_row *planned, text_id carer_id)
{
    const struct repair_params *params = &person->rules->params->repairs;
    int32_t count = 0;

    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        const struct visits_attendance *other = &person->attendances->rows[i];

        if (other->carer_id != carer_id && other->status == ATTENDANCE_OK &&
            distance(other->in_utc, planned->start_utc) <= params->far_s) {
            count++;
        }
    }
    return count;
}

static bool is_bounce(const struct repair_person *person, size_t i)
{
    const struct tap *tap = &person->taps[i];

    return i > 0 && tap[-1].carer == tap->carer && tap[-1].kind == tap->kind &&
           tap->ts_utc - tap[-1].ts_utc <= person->rules->params->bounce_s;
}

/* The visits near the taps of reading; false: too many. */
static bool find_candidates(struct reading *reading)
{
    const struct repair_person *person = reading->person;
    const struct dataset *dataset = person->rules->dataset;
    const struct visits_params *params = person->rules->params;
    text_id carer_id = person->rules->carers->ids[tap_at(reading, 0)->carer];
    int64_t from = tap_at(reading, 0)->ts_utc - params->window_s;
    int64_t to = tap_at(reading, reading->taps_count - 1)->ts_utc + params->window_s;

    reading->visits_count = 0;
    for (size_t i = person->slots_from; i < person->slots_to; i++) {
        const struct visits_slot *slot = &person->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];
        bool is_served = false;
        bool is_rostered = false;

        if (slot->number != 1 || slot->status != SLOT_MISSED || planned->end_utc < from ||
            planned->start_utc > to) {
            continue;
        }
        is_served = count_others(person, planned, carer_id) >= planned->carers_required;
        is_rostered = visits_is_rostered(dataset, planned->roster_carers, carer_id);
        if (reading->visits_count == VISITS_MAX) {
            return false;
        }
        reading->visits[reading->visits_count++] = (struct candidate){planned->start_utc,
            planned->end_utc, is_rostered ? 0 : params->carer_cost,
            is_rostered && !is_served ? reading->params->skipped_cost : 0, slot->planned};
    }
    return true;
}

/* Whether the plain reading leaves a tap alone, or makes a pair much longer than any visit. */
static bool is_doubtful(const struct reading *reading)
{
    int64_t longest_s = 0;
    size_t i = 0;

    for (size_t j = 0; j < reading->visits_count; j++) {
        int64_t length_s = reading->visits[j].end_utc - reading->visits[j].start_utc;

        longest_s = length_s > longest_s ? length_s : longest_s;
    }
    while (i < reading->taps_count) {
        int64_t worked_s = 0;

        if (tap_at(reading, i)->kind != 'I' || i + 1 == reading->taps_count ||
            tap_at(reading, i + 1)->kind != 'O') {
            return true;
        }
        worked_s = tap_at(reading, i + 1)->ts_utc - tap_at(reading, i)->ts_utc;
        if (worked_s > longest_s + reading->params->far_s) {
            return true;
        }
        i += 2;
    }
    return false;
}

/* ---- the repair ----------------------------------------------------------------------------- */

static int note(const struct reading *reading, size_t i, char read_as, bool is_held)
{
    const struct repair_person *person = reading->person;
    const struct tap *tap = tap_at(reading, i);
    const struct visits_repair repair = {.slot = VISITS_NONE,
        .attendance = VISITS_NONE,
        .planned = VISITS_NONE,
        .carer_id = person->rules->carers->ids[tap->carer],
        .tap_id = tap->id,
        .in_utc = VISITS_NO_TIME,
        .out_utc = VISITS_NO_TIME,
        .rule = REPAIR_DIRECTION,
        .basis = BASIS_TAPS_AND_PLAN,
        .is_held = is_held,
        .read_as = read_as};

    return repair_add(person->list, &repair);
}

/* Read one tap, and the bounces behind it, as kind. */
static void turn(const struct reading *reading, size_t i, char kind)
{
    struct tap *taps = reading->person->taps;
    size_t at = reading->taps[i];
    char was = taps[at].kind;

    taps[at].evidence |= ATTENDANCE_REPAIRED;
    if (at > 0 && taps[at - 1].carer == taps[at].carer) {
        taps[at - 1].evidence |= ATTENDANCE_BESIDE;
    }
    /* The bounces first: whether they are any depends on the kind of their neighbour. */
    for (size_t last = at;
         last + 1 < reading->person->taps_count && taps[last + 1].carer == taps[at].carer &&
         taps[last + 1].kind == was &&
         taps[last + 1].ts_utc - taps[last].ts_utc <= reading->person->rules->params->bounce_s;
         last++) {
        taps[last + 1].kind = kind;
    }
    taps[at].kind = kind;
}

/* Read one segment again where that explains the plan far better. */
static int read_again(struct reading *reading, bool *ret_changed)
{
    bool is_hold = reading->params->policies[REPAIR_DIRECTION] == REPAIR_HOLD;
    int64_t wholes[TAPS_MAX][2];
    int64_t plain = 0;
    int64_t best = 0;
    int rc = 0;

    reading->turned_cost = NEVER / (4 * (int64_t)TAPS_MAX);
    plain = read_backward(reading);
    reading->turned_cost = reading->params->turned_cost;
    best = read_backward(reading);
    if (plain - best < reading->params->better_by) {
        return 0;
    }
    read_forward(reading, wholes);
    for (size_t i = 0; rc == 0 && i < reading->taps_count; i++) {
        char kind = wholes[i][0] <= wholes[i][1] ? 'I' : 'O';
        char was = tap_at(reading, i)->kind;

        if (distance(wholes[i][0], wholes[i][1]) < reading->params->sure_by) {
            reading->person->taps[reading->taps[i]].evidence |= ATTENDANCE_DOUBTFUL;
            rc = note(reading, i, was, true);
        } else if (kind != was) {
            turn(reading, i, kind);
            rc = note(reading, i, kind, is_hold);
            *ret_changed = true;
        }
    }
    return rc;
}

/* Whether what lies between two taps of a carer sets the reader right. */
static bool is_safe_place(
    const struct visits_params *params, const struct tap *a, const struct tap *b)
{
    int64_t gap_s = b->ts_utc - a->ts_utc;

    return gap_s > params->pair_max_s ||
           (a->kind == 'O' && b->kind == 'I' && gap_s >= params->window_s);
}

/* The taps from start on up to the next safe place; where it lies. */
static size_t take_segment(struct reading *reading, size_t start, bool *ret_fits)
{
    const struct repair_person *person = reading->person;
    const struct tap *previous = NULL;
    size_t i = start;

    reading->taps_count = 0;
    *ret_fits = true;
    for (; i < person->taps_count && person->taps[i].carer == person->taps[start].carer; i++) {
        if (is_bounce(person, i)) {
            continue;
        }
        if (previous != NULL && is_safe_place(person->rules->params, previous, &person->taps[i])) {
            break;
        }
        if (previous != NULL && previous->ts_utc == person->taps[i].ts_utc) {
            *ret_fits = false; /* both at once: no order to read them in */
        }
        if (reading->taps_count == TAPS_MAX) {
            *ret_fits = false;
        } else {
            reading->taps[reading->taps_count++] = (uint32_t)i;
        }
        previous = &person->taps[i];
    }
    return i;
}

int repair_directions(struct repair_person *person, bool *ret_changed)
{
    const struct repair_params *params = &person->rules->params->repairs;
    struct reading *reading = NULL;
    size_t start = 0;
    int rc = 0;

    *ret_changed = false;
    if (params->policies[REPAIR_DIRECTION] == REPAIR_OFF || person->taps_count == 0) {
        return 0;
    }
    reading = malloc(sizeof *reading);
    if (reading == NULL) {
        return -ENOMEM;
    }
    reading->person = person;
    reading->params = params;
    while (rc == 0 && start < person->taps_count) {
        bool fits = false;
        size_t end = take_segment(reading, start, &fits);

        if (fits && find_candidates(reading) && is_doubtful(reading)) {
            rc = read_again(reading, ret_changed);
        }
        start = end;
    }
    free(reading);
    return rc;
}
