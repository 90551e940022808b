/* monitoring_numbers.c - each number of contract monitoring, and what it means. */
#include "collector/pay/monitoring.h"

enum { MINUTE_S = 60, PERMILLE = 1000 };

static int64_t permille(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : pay_half_up(part * PERMILLE, whole);
}

#define NUMBER(name, expression)                                                                   \
    static int64_t number_##name(                                                                  \
        const struct monitoring_counts *counts, const struct pay_params *params)                   \
    {                                                                                              \
        (void)params;                                                                              \
        return (expression);                                                                       \
    }

NUMBER(planned, counts->planned)
NUMBER(delivered, counts->delivered)
NUMBER(held, counts->held)
NUMBER(missed, counts->missed)
NUMBER(same_carer, counts->same_carer)
NUMBER(cancelled_notice, counts->cancelled_notice)
NUMBER(cancelled_short, counts->cancelled_short)
NUMBER(delivered_permille, permille(counts->delivered, counts->planned))
NUMBER(missed_permille, permille(counts->missed, counts->planned))
NUMBER(late_1, counts->late[0])
NUMBER(late_2, counts->late[1])
NUMBER(late_3, counts->late[2])
NUMBER(short, counts->is_short)
NUMBER(mean_planned_s,
    counts->delivered == 0 ? 0 : pay_half_up(counts->delivered_planned_s, counts->delivered))
NUMBER(mean_worked_s,
    counts->delivered == 0 ? 0 : pay_half_up(counts->delivered_worked_s, counts->delivered))
NUMBER(length_permille, permille(counts->delivered_worked_s, counts->delivered_planned_s))
NUMBER(attended, counts->delivered + counts->held)
NUMBER(ecm, counts->ecm)
NUMBER(ecm_permille, permille(counts->ecm, counts->delivered + counts->held))
NUMBER(repaired, counts->repaired)
NUMBER(proposed, counts->proposed)
NUMBER(person_weeks, counts->person_weeks)
NUMBER(carers_a_week_milli, permille(counts->carer_weeks, counts->person_weeks))
NUMBER(usual, counts->usual)
NUMBER(usual_permille, permille(counts->usual, counts->delivered + counts->held))
NUMBER(double_visits, counts->double_visits)
NUMBER(double_both, counts->double_both)
NUMBER(planned_min, pay_half_up(counts->planned_s, MINUTE_S))
NUMBER(actual_min, pay_half_up(counts->actual_s, MINUTE_S))
NUMBER(paid_min, counts->paid_units * params->unit_s / MINUTE_S)
NUMBER(paid_pence, counts->paid_pence)
NUMBER(held_pence, counts->held_pence)

#undef NUMBER

const struct monitoring_number monitoring_numbers[MONITORING_NUMBERS] = {
    {"planned", "slots (one carer's part of a visit) that were not cancelled", number_planned},
    {"delivered", "of planned: status OK, both taps there", number_delivered},
    {"held", "of planned: status HELD_NO_IN or HELD_NO_OUT, one tap missing, or HELD_REPAIR",
        number_held},
    {"missed", "of planned: status MISSED, no attendance was matched", number_missed},
    {"same_carer", "of planned: status SAME_CARER, the second carer was the first again",
        number_same_carer},
    {"cancelled_notice", "slots cancelled in time (CANC_NOTICE); not planned, not paid",
        number_cancelled_notice},
    {"cancelled_short", "slots cancelled too late (CANC_SHORT); not planned, but paid",
        number_cancelled_short},
    {"delivered_permille", "delivered, in thousandths of planned", number_delivered_permille},
    {"missed_permille", "missed, in thousandths of planned", number_missed_permille},
    {"late_1", "of delivered: began later than planned by more than the first band", number_late_1},
    {"late_2", "the same, second band; also counted in late_1", number_late_2},
    {"late_3", "the same, third band; also counted in late_1 and late_2", number_late_3},
    {"short", "of delivered: flag short (worked well below the planned length)", number_short},
    {"mean_planned_s", "mean planned length of delivered slots, in seconds", number_mean_planned_s},
    {"mean_worked_s", "mean worked time of delivered slots, in seconds", number_mean_worked_s},
    {"length_permille", "worked time of delivered slots, in thousandths of their planned length",
        number_length_permille},
    {"attended", "delivered + held: slots a carer is known for", number_attended},
    {"ecm", "of attended: a tap at both ends, none by a correction or a repair", number_ecm},
    {"ecm_permille", "ecm, in thousandths of attended", number_ecm_permille},
    {"repaired", "of delivered: paid on the strength of a repair (--repairs)", number_repaired},
    {"proposed", "of held: a repair is proposed (--repairs)", number_proposed},
    {"person_weeks", "pairs of a person and a week with at least one attended slot",
        number_person_weeks},
    {"carers_a_week_milli", "distinct carers of attended slots per person-week, in thousandths",
        number_carers_a_week_milli},
    {"usual",
        "of attended: by one of the person's usual carers, those with most attended "
        "slots on these dates",
        number_usual},
    {"usual_permille", "usual, in thousandths of attended", number_usual_permille},
    {"double_visits", "visits (not slots) for two or more carers that were not cancelled",
        number_double_visits},
    {"double_both", "of double_visits: every slot attended, so all carers came",
        number_double_both},
    {"planned_min", "minutes of all slots as planned, the cancelled ones too", number_planned_min},
    {"actual_min", "minutes worked in all complete attendances, matched or not (as model B)",
        number_actual_min},
    {"paid_min", "minutes paid under model A (units, cancelled_short included)", number_paid_min},
    {"paid_pence", "paid under model A, rounded once for each line of these dates",
        number_paid_pence},
    {"held_pence",
        "held money: what model A would pay more if the missing tap of every held slot "
        "were confirmed at the planned length",
        number_held_pence},
};
