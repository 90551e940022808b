/*
 * outcome.c - a CSV row a tap, a JSON object at the end, and a summary to read.
 */
#include "tools/ecm-sim/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/err.h"
#include "tools/ecm-sim/roster.h"

enum { PATH_SIZE = 4096 };

int outcome_open(struct outcome *outcome, const char *folder, struct err *err)
{
    char path[PATH_SIZE];

    *outcome = (struct outcome){0};
    (void)snprintf(path, sizeof path, "%s/truth.csv", folder);
    outcome->truth = fopen(path, "we");
    if (outcome->truth == NULL) {
        return err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
    }
    (void)fputs("device_id,epoch,seq,card_uid,kind,ts_ms,shown,wall_ms,flags\n", outcome->truth);
    return 0;
}

int outcome_close(struct outcome *outcome, struct err *err)
{
    FILE *truth = outcome->truth;
    int failed = 0;

    if (truth == NULL) {
        return 0;
    }
    outcome->truth = NULL;
    failed = ferror(truth);
    if (fclose(truth) != 0 || failed) {
        return err_set(err, -EIO, "cannot write truth.csv: %s", strerror(errno));
    }
    return 0;
}

static const char *shown_as(enum hal_feedback_pattern pattern)
{
    switch (pattern) {
    case HAL_FEEDBACK_IN:
        return "in";
    case HAL_FEEDBACK_OUT:
        return "out";
    case HAL_FEEDBACK_UNKNOWN:
        return "unknown";
    case HAL_FEEDBACK_OFF:
    case HAL_FEEDBACK_READY:
    case HAL_FEEDBACK_REFUSED:
    case HAL_FEEDBACK_CALL:
    case HAL_FEEDBACK_CASE:
        break;
    }
    return NULL;
}

void outcome_add_tap(struct outcome *outcome, const struct outcome_tap *tap)
{
    const struct tap *content = &tap->record->tap;
    const char *shown = shown_as(tap->pattern);
    char uid[ROSTER_UID_TEXT];

    if (shown == NULL) {
        outcome->counts.refused++;
        return;
    }
    outcome->counts.green++;
    if ((content->flags & TAP_FLAG_BOUNCE) != 0) {
        outcome->counts.bounces++;
    } else if (content->direction == TAP_IN) {
        outcome->counts.in++;
    } else {
        outcome->counts.out++;
    }
    (void)fprintf(outcome->truth,
        "%s,%016" PRIx64 ",%" PRIu64 ",%s,%c,%" PRId64 ",%s,%" PRId64 ",%" PRIu32 "\n",
        tap->device_id, tap->epoch, tap->record->seq,
        roster_uid_to_text(content->uid, content->uid_size, uid),
        content->direction == TAP_IN ? 'I' : 'O', tap->true_ms, shown, tap->record->wall_ms,
        content->flags);
}

/* ---- the end ------------------------------------------------------------------------------ */

/* Every count by name, for did.json. */
static json_t *counts_to_json(
    const struct outcome_counts *did, const struct script_counts *script, uint64_t seed)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"seed", seed},
        {"visits", script->visits},
        {"slots", script->slots},
        {"visits_cancelled", script->cancelled},
        {"visits_without_device", script->without_device},
        {"slots_without_carer", script->without_carer},
        {"noise_late", script->late},
        {"noise_short", script->cut_short},
        {"noise_missed", script->missed},
        {"noise_double_tap", script->double_taps},
        {"noise_wrong_home", script->wrong_home},
        {"noise_forgotten_out", script->forgotten},
        {"noise_outages", script->outages},
        {"noise_power_cuts", script->power_cuts},
        {"taps", did->taps},
        {"taps_green", did->green},
        {"taps_in", did->in},
        {"taps_out", did->out},
        {"taps_bounce", did->bounces},
        {"taps_refused", did->refused},
        {"taps_unnoticed", did->unnoticed},
        {"stamps_outside_their_second", did->late_stamps},
        {"power_cuts", did->power_cuts},
        {"outages", did->outages},
        {"records_unacked", did->records_unacked},
        {"feedback_us_max", did->detect_us_max},
        {"elapsed_ms", (uint64_t)(did->elapsed_s * 1000)},
    };
    json_t *root = json_object();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)json_object_set_new(root, rows[i].name, json_integer((json_int_t)rows[i].value));
    }
    (void)json_object_set_new(root, "complete", json_boolean(did->is_complete));
    return root;
}

int outcome_write(const struct outcome *outcome, const struct script_counts *script, uint64_t seed,
    const char *folder, struct err *err)
{
    char path[PATH_SIZE];
    json_t *root = counts_to_json(&outcome->counts, script, seed);
    int rc = 0;

    (void)snprintf(path, sizeof path, "%s/did.json", folder);
    if (json_dump_file(root, path, JSON_INDENT(2) | JSON_PRESERVE_ORDER) != 0) {
        rc = err_set(err, -EIO, "cannot write '%s'", path);
    }
    json_decref(root);
    return rc;
}

void outcome_print(const struct outcome *outcome, const struct script_counts *script, FILE *out)
{
    const struct outcome_counts *did = &outcome->counts;

    (void)fprintf(out,
        "played     %" PRIu64 " visits, %" PRIu64 " slots (%" PRIu64 " visits cancelled, %" PRIu64
        " without a device, %" PRIu64 " slots without a carer)\n",
        script->visits, script->slots, script->cancelled, script->without_device,
        script->without_carer);
    (void)fprintf(out,
        "taps       %" PRIu64 ": %" PRIu64 " green (%" PRIu64 " in, %" PRIu64 " out, %" PRIu64
        " bounces), %" PRIu64 " refused, %" PRIu64 " unnoticed\n",
        did->taps, did->green, did->in, did->out, did->bounces, did->refused, did->unnoticed);
    (void)fprintf(out,
        "noise      %" PRIu64 " late, %" PRIu64 " short, %" PRIu64 " missed, %" PRIu64
        " double taps, %" PRIu64 " wrong home, %" PRIu64 " forgotten tap-outs, %" PRIu64
        " outages, %" PRIu64 " power cuts\n",
        script->late, script->cut_short, script->missed, script->double_taps, script->wrong_home,
        script->forgotten, did->outages, did->power_cuts);
    (void)fprintf(out, "time       %.1f s, slowest feedback %.1f ms of simulated time\n",
        did->elapsed_s, (double)did->detect_us_max / 1000);
    if (did->records_unacked > 0) {
        (void)fprintf(out, "NOT ACKED  %" PRIu64 " records are still only in the outboxes\n",
            did->records_unacked);
    } else {
        (void)fprintf(out, "acked      everything is at the collector\n");
    }
}
