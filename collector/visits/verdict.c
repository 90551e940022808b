/* verdict.c - what one attendance costs a slot, and what else there is to say; see visits.h. */
#include <string.h>

#include "collector/visits/visits.h"

const struct visits_params visits_default_params = {
    .rule_id = "visits",
    .rule_version = 1,
    .future_s = 300,
    .bounce_s = 120,
    .pair_max_s = 57600,
    .merge_gap_s = 600,
    .assumed_length_s = 1800,
    .margin_s = 7200,
    .notice_s = 86400,
    .window_s = 7200,
    .unmatched_cost = 7200,
    .carer_cost = 900,
    .incomplete_cost = 600,
    .punctual_s = 900,
    .length_s = 450,
    .repairs = REPAIR_DEFAULTS,
};

int64_t visits_anchor(
    const struct visits_params *params, const struct visits_attendance *attendance)
{
    return attendance->status == ATTENDANCE_NO_IN ? attendance->out_utc - params->assumed_length_s
                                                  : attendance->in_utc;
}

bool visits_is_unplanned(const struct visits_params *params, const struct visits_period *period,
    const struct visits_attendance *attendance)
{
    int64_t anchor = visits_anchor(params, attendance);

    return attendance->slot == VISITS_NONE && anchor >= period->start_utc &&
           anchor < period->end_utc;
}

bool visits_is_rostered(const struct dataset *dataset, text_id roster, text_id carer)
{
    const char *at = dataset_text(dataset, roster);
    const char *name = dataset_text(dataset, carer);
    size_t size = dataset_text_size(dataset, carer);

    while (*at != '\0') {
        const char *end = strchrnul(at, '|');

        if ((size_t)(end - at) == size && memcmp(at, name, size) == 0) {
            return true;
        }
        at = *end == '|' ? end + 1 : end;
    }
    return false;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

struct visits_cost visits_cost(const struct dataset *dataset, const struct visits_params *params,
    const struct planned_row *planned, const struct visits_attendance *attendance)
{
    struct visits_cost cost = {
        .ds = distance(visits_anchor(params, attendance), planned->start_utc)};

    cost.is_eligible = cost.ds <= params->window_s;
    if (attendance->status == ATTENDANCE_OK || attendance->status == ATTENDANCE_HELD) {
        cost.dd = distance(attendance->worked_s, planned->end_utc - planned->start_utc) / 2;
    } else {
        cost.pi = params->incomplete_cost;
    }
    if (!visits_is_rostered(dataset, planned->roster_carers, attendance->carer_id)) {
        cost.pc = params->carer_cost;
    }
    cost.sum = cost.ds + cost.dd + cost.pc + cost.pi;
    return cost;
}

static void set(struct visits_flags *flags, enum visits_flag flag, int64_t seconds)
{
    flags->is_set[flag] = true;
    flags->seconds[flag] = seconds;
}

/* Seconds of this attendance during which not every slot of its visit was attended. */
static int64_t seconds_alone(const struct dataset *dataset, const struct visits_result *result,
    const struct visits_slot *slot, size_t index)
{
    const struct visits_attendance *own = &result->attendances[slot->attendance];
    size_t first = index - (slot->number - 1u);
    size_t count = (size_t)dataset->planned[slot->planned].carers_required;
    int64_t from = own->in_utc;
    int64_t to = own->out_utc;

    for (size_t i = first; i < first + count; i++) {
        const struct visits_attendance *other = NULL;

        if (result->slots[i].attendance == VISITS_NONE) {
            return own->out_utc - own->in_utc;
        }
        other = &result->attendances[result->slots[i].attendance];
        if (other->status != ATTENDANCE_OK || result->slots[i].status == SLOT_SAME_CARER) {
            return own->out_utc - own->in_utc;
        }
        from = other->in_utc > from ? other->in_utc : from;
        to = other->out_utc < to ? other->out_utc : to;
    }
    return (own->out_utc - own->in_utc) - (to > from ? to - from : 0);
}

static void flag_times(const struct visits_params *params, const struct planned_row *planned,
    const struct visits_attendance *attendance, struct visits_flags *flags)
{
    int64_t length = planned->end_utc - planned->start_utc;

    if (attendance->in_utc != VISITS_NO_TIME) {
        int64_t late_s = attendance->in_utc - planned->start_utc;

        if (late_s > params->punctual_s) {
            set(flags, FLAG_LATE, late_s);
        } else if (-late_s > params->punctual_s) {
            set(flags, FLAG_EARLY, -late_s);
        }
    }
    if (attendance->status == ATTENDANCE_OK) {
        int64_t over_s = attendance->worked_s - length;

        if (over_s > params->length_s) {
            set(flags, FLAG_OVER, over_s);
        } else if (-over_s > params->length_s) {
            set(flags, FLAG_SHORT, -over_s);
        }
    }
}

static void flag_evidence(const struct visits_attendance *attendance, struct visits_flags *flags)
{
    if ((attendance->evidence & ATTENDANCE_CLOCK_SUSPECT) != 0) {
        set(flags, FLAG_CLOCK_SUSPECT, attendance->uncertainty_s);
    }
    if ((attendance->evidence & ATTENDANCE_TAG_UNVERIFIED) != 0) {
        set(flags, FLAG_TAG_UNVERIFIED, attendance->worked_s);
    }
    if ((attendance->evidence & ATTENDANCE_MANUAL) != 0) {
        set(flags, FLAG_MANUAL, attendance->worked_s);
    }
}

size_t visits_first_repair(const struct visits_result *result, size_t slot)
{
    size_t low = 0;
    size_t high = result->repairs_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (result->repairs[middle].slot < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void flag_repairs(
    const struct visits_result *result, size_t slot_index, struct visits_flags *flags)
{
    int64_t inferred_s = 0;
    bool is_repaired = false;

    for (size_t i = visits_first_repair(result, slot_index);
         i < result->repairs_count && result->repairs[i].slot == slot_index; i++) {
        is_repaired = true;
        if (result->repairs[i].inferred_s > inferred_s) {
            inferred_s = result->repairs[i].inferred_s;
        }
    }
    if (is_repaired) {
        set(flags, FLAG_REPAIRED, inferred_s);
    }
}

void visits_flags(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_result *result, size_t slot_index, struct visits_flags *ret_flags)
{
    const struct visits_slot *slot = &result->slots[slot_index];
    const struct planned_row *planned = &dataset->planned[slot->planned];
    const struct visits_attendance *attendance = NULL;
    int64_t alone_s = 0;

    *ret_flags = (struct visits_flags){0};
    if (slot->attendance == VISITS_NONE) {
        return;
    }
    flag_repairs(result, slot_index, ret_flags);
    attendance = &result->attendances[slot->attendance];
    if (attendance->slot != slot_index) {
        return; /* another slot's, shown here because a repair would split it */
    }
    flag_times(params, planned, attendance, ret_flags);
    flag_evidence(attendance, ret_flags);
    if (!visits_is_rostered(dataset, planned->roster_carers, attendance->carer_id)) {
        set(ret_flags, FLAG_CARER_NOT_ROSTERED, attendance->worked_s);
    }
    if (planned->carers_required > 1 && attendance->status == ATTENDANCE_OK) {
        alone_s = seconds_alone(dataset, result, slot, slot_index);
        if (alone_s > 0) {
            set(ret_flags, FLAG_SECOND_CARER_ABSENT, alone_s);
        }
    }
    if (result->overlaps_s != NULL && result->overlaps_s[slot->attendance] > 0) {
        set(ret_flags, FLAG_OVERLAP, result->overlaps_s[slot->attendance]);
    }
}

enum visits_stage visits_stage(const struct visits_params *params,
    const struct planned_row *planned, const struct visits_slot *slot, int64_t asof_utc)
{
    if (slot->status == SLOT_HELD_NO_OUT && asof_utc <= planned->end_utc + params->window_s) {
        return STAGE_ONGOING;
    }
    if (slot->status != SLOT_MISSED || asof_utc > planned->start_utc + params->window_s) {
        return STAGE_SETTLED;
    }
    if (asof_utc < planned->start_utc) {
        return STAGE_NOT_DUE;
    }
    return asof_utc <= planned->start_utc + params->punctual_s ? STAGE_DUE : STAGE_LATE;
}

const char *visits_stage_name(enum visits_stage stage)
{
    switch (stage) {
    case STAGE_NOT_DUE:
        return "NOT_DUE";
    case STAGE_DUE:
        return "DUE";
    case STAGE_LATE:
        return "LATE";
    case STAGE_ONGOING:
        return "ONGOING";
    case STAGE_SETTLED:
        return "";
    }
    return "";
}

const char *attendance_status_name(enum attendance_status status)
{
    switch (status) {
    case ATTENDANCE_OK:
        return "OK";
    case ATTENDANCE_NO_OUT:
        return "NO_OUT";
    case ATTENDANCE_NO_IN:
        return "NO_IN";
    case ATTENDANCE_HELD:
        return "HELD";
    }
    return "?";
}

const char *slot_status_name(enum slot_status status)
{
    static const char *const names[SLOT_STATUS_COUNT] = {
        [SLOT_OK] = "OK",
        [SLOT_HELD_NO_OUT] = "HELD_NO_OUT",
        [SLOT_HELD_NO_IN] = "HELD_NO_IN",
        [SLOT_HELD_REPAIR] = "HELD_REPAIR",
        [SLOT_MISSED] = "MISSED",
        [SLOT_SAME_CARER] = "SAME_CARER",
        [SLOT_CANC_NOTICE] = "CANC_NOTICE",
        [SLOT_CANC_SHORT] = "CANC_SHORT",
    };

    return status < SLOT_STATUS_COUNT ? names[status] : "?";
}

const char *visits_exception_name(enum visits_exception_code code)
{
    static const char *const names[EXCEPTION_CODE_COUNT] = {
        [EXCEPTION_BOUNCE] = "BOUNCE",
        [EXCEPTION_CLOCK_FUTURE] = "CLOCK_FUTURE",
        [EXCEPTION_CONFLICT_ID] = "CONFLICT_ID",
        [EXCEPTION_DUP_ID] = "DUP_ID",
        [EXCEPTION_MERGED] = "MERGED",
        [EXCEPTION_NO_IN] = "NO_IN",
        [EXCEPTION_NO_OUT] = "NO_OUT",
        [EXCEPTION_TIME_UNKNOWN] = "TIME_UNKNOWN",
        [EXCEPTION_UNKNOWN_CARD] = "UNKNOWN_CARD",
        [EXCEPTION_UNKNOWN_DEVICE] = "UNKNOWN_DEVICE",
        [EXCEPTION_VOIDED] = "VOIDED",
        [EXCEPTION_WRONG_PAIR] = "WRONG_PAIR",
    };

    return code < EXCEPTION_CODE_COUNT ? names[code] : "?";
}

const char *visits_flag_name(enum visits_flag flag)
{
    static const char *const names[FLAG_COUNT] = {
        [FLAG_LATE] = "late",
        [FLAG_EARLY] = "early",
        [FLAG_SHORT] = "short",
        [FLAG_OVER] = "over",
        [FLAG_CARER_NOT_ROSTERED] = "carer_not_rostered",
        [FLAG_SECOND_CARER_ABSENT] = "second_carer_absent",
        [FLAG_OVERLAP] = "overlap",
        [FLAG_CLOCK_SUSPECT] = "clock_suspect",
        [FLAG_TAG_UNVERIFIED] = "tag_unverified",
        [FLAG_MANUAL] = "manual",
        [FLAG_REPAIRED] = "repaired",
    };

    return flag < FLAG_COUNT ? names[flag] : "?";
}
