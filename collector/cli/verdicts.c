/* verdicts.c - see verdicts.h. */
#include "collector/cli/verdicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/feed.h"

static void point_at_lines(struct verdicts *verdicts, const struct session *session)
{
    const char *line = verdicts->lines.bytes;

    for (size_t i = 0; i < verdicts->count; i++) {
        const struct visits_slot *slot = &session->result.slots[i];
        const struct planned_row *planned = &session->dataset.planned[slot->planned];

        verdicts->rows[i] = (struct storage_verdict){
            .period_id = dataset_text(&session->dataset, session->period->period_id),
            .visit_id = dataset_text(&session->dataset, planned->visit_id),
            .slot = slot->number,
            .person_id = dataset_text(&session->dataset, planned->person_id),
            .line = line};
        line += strlen(line) + 1;
    }
}

int verdicts_make(struct verdicts *ret_verdicts, const struct session *session)
{
    struct verdicts verdicts = {.count = session->result.slots_count};

    verdicts.rows = malloc((verdicts.count + 1) * sizeof *verdicts.rows);
    for (size_t i = 0; verdicts.rows != NULL && i < verdicts.count; i++) {
        feed_add_line(&verdicts.lines, &session->input, i);
        text_add_char(&verdicts.lines, '\0');
    }
    if (verdicts.rows == NULL || verdicts.lines.rc < 0) {
        verdicts_done(&verdicts);
        return -ENOMEM;
    }
    point_at_lines(&verdicts, session); /* only now: the lines no longer move */
    *ret_verdicts = verdicts;
    return 0;
}

void verdicts_done(struct verdicts *verdicts)
{
    free(verdicts->rows);
    text_done(&verdicts->lines);
    *verdicts = (struct verdicts){0};
}
