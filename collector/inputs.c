/*
 * inputs.c - see inputs.h.
 */
#include "collector/inputs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "collector/storage/storage.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum { LATE_MS = 60000 };

/* Copies: the store is used again before they are told. */
struct waiting {
    struct storage_input_row row;
    char device_id[STORAGE_DEVICE_ID_MAX + 1];
    char site[TOPIC_NAME_MAX + 1];
};

struct gathered {
    size_t count;
    struct waiting rows[INPUTS_A_TIME];
};

static int gather(void *user, const struct storage_input_row *row)
{
    struct gathered *gathered = user;
    struct waiting *waiting = &gathered->rows[gathered->count++];

    waiting->row = *row;
    (void)snprintf(waiting->device_id, sizeof waiting->device_id, "%s", row->device_id);
    (void)snprintf(waiting->site, sizeof waiting->site, "%s", row->site);
    return gathered->count == INPUTS_A_TIME;
}

static const char *event_of(const struct storage_input *input)
{
    return input->kind == STORAGE_INPUT_BUTTON ? "help-called" : "case-opened";
}

/* How late we hear of it, as words; empty when at once. */
static void say_delay(const struct storage_input_row *row, char *text, size_t size)
{
    int64_t late_ms = row->recv_ms - row->at_ms;

    if (!row->has_time) {
        (void)snprintf(text, size, "; when is not known, its clock was not set");
    } else if (late_ms > LATE_MS) {
        (void)snprintf(text, size, "; it reached us %" PRId64 " min later", late_ms / 60000);
    } else {
        text[0] = '\0';
    }
}

static int send_alert(const struct inputs *inputs, const struct waiting *waiting, const char *text)
{
    const struct storage_input_row *row = &waiting->row;
    struct alert alert = {.unix_ms = row->has_time ? row->at_ms : row->recv_ms};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    char topic[TOPIC_MAX];
    size_t size = 0;

    (void)snprintf(alert.device_id, sizeof alert.device_id, "%s", waiting->device_id);
    (void)snprintf(alert.event, sizeof alert.event, "%s", event_of(&row->input));
    (void)snprintf(alert.text, sizeof alert.text, "%s", text);
    if (topic_format(topic, waiting->site, NULL, TOPIC_ALERT) < 0 ||
        alert_encode(&alert, bytes, sizeof bytes, &size) < 0) {
        return 0; /* no such topic: the line in the log must do */
    }
    return inputs->publish(inputs->user, topic, bytes, size);
}

static int tell(struct inputs *inputs, const struct waiting *waiting)
{
    const struct storage_input_row *row = &waiting->row;
    bool is_button = row->input.kind == STORAGE_INPUT_BUTTON;
    char delay[64] = "";
    char text[RECORD_TEXT_MAX + 1] = "";
    int rc = 0;

    if (!row->input.is_active) {
        log_info("%s event=%s state=ended device=%s at_ms=%" PRId64,
            is_button ? "the assist button was let go" : "the case was closed",
            event_of(&row->input), waiting->device_id, row->has_time ? row->at_ms : row->recv_ms);
        return 0;
    }
    say_delay(row, delay, sizeof delay);
    (void)snprintf(text, sizeof text, "%s%s",
        is_button ? "the assist button was pressed" : "the case was opened", delay);
    rc = send_alert(inputs, waiting, text);
    if (rc == 0) {
        inputs->calls += is_button;
        inputs->openings += !is_button;
        log_warn("%s event=%s device=%s at_ms=%" PRId64, text, event_of(&row->input),
            waiting->device_id, row->has_time ? row->at_ms : row->recv_ms);
    }
    return rc;
}

static int mark(const struct inputs *inputs, const struct gathered *gathered, size_t count)
{
    struct storage *storage = inputs->storage;
    int rc = storage->ops->begin(storage);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = storage->ops->input_told(
            storage, gathered->rows[i].row.log_id, gathered->rows[i].row.input.seq);
    }
    if (rc == 0) {
        rc = storage->ops->commit(storage);
    }
    if (rc < 0) {
        storage->ops->rollback(storage);
    }
    return rc;
}

int inputs_tell(struct inputs *inputs)
{
    struct gathered gathered = {.count = 0};
    size_t told = 0;
    int rc = inputs->storage->ops->inputs(inputs->storage, true, gather, &gathered);
    int failure = rc < 0 ? rc : 0;

    while (failure == 0 && told < gathered.count) {
        failure = tell(inputs, &gathered.rows[told]);
        told += failure == 0;
    }
    rc = told > 0 ? mark(inputs, &gathered, told) : 0;
    if (failure < 0 || rc < 0) {
        return failure < 0 ? failure : rc;
    }
    return gathered.count == INPUTS_A_TIME;
}
