/*
 * down.c - the small messages: ack, state, command and its result, alert.
 *
 * Each is one flat structure, so each has the same three steps: check the values, show them to
 * the packer, or take them from it and check them the same way.
 */
#include "proto/messages.h"

#include <errno.h>

#include "ecm.pb-c.h"
#include "proto/codec.h"
#include "proto/topics.h"

/* ---- ack ---------------------------------------------------------------------------------- */

static bool ack_is_valid(const struct ack *ack)
{
    return topic_name_is_valid(ack->device_id) && topic_name_is_valid(ack->collector_id) &&
           limits_count_is_valid(ack->through_seq) &&
           limits_text_is_valid(ack->reason, RECORD_TEXT_MAX) &&
           limits_unix_ms_is_valid(ack->collector_unix_ms) &&
           limits_count_is_valid(ack->resend_from_seq) &&
           (!ack->wants_resend || ack->resend_from_seq >= 1);
}

int ack_encode(const struct ack *ack, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Ack message;

    ecm__v1__ack__init(&message);
    if (!ack_is_valid(ack)) {
        return -EINVAL;
    }
    message.device_id = codec_view_text(ack->device_id);
    message.epoch = ack->epoch;
    message.through_seq = ack->through_seq;
    message.chain_head = codec_view(ack->chain_head, sizeof ack->chain_head);
    message.resend_from_seq = ack->wants_resend ? ack->resend_from_seq : 0;
    message.reason = codec_view_text(ack->reason);
    message.collector_unix_ms = ack->collector_unix_ms;
    message.collector_id = codec_view_text(ack->collector_id);
    return codec_pack(&message.base, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}

static bool take_ack(struct ack *ack, const Ecm__V1__Ack *message)
{
    ack->epoch = message->epoch;
    ack->through_seq = message->through_seq;
    ack->wants_resend = message->resend_from_seq != 0;
    ack->resend_from_seq = message->resend_from_seq;
    ack->collector_unix_ms = message->collector_unix_ms;
    return limits_take_id(ack->device_id, sizeof ack->device_id, message->device_id) &&
           limits_take_id(ack->collector_id, sizeof ack->collector_id, message->collector_id) &&
           codec_take_bytes(ack->chain_head, sizeof ack->chain_head, &message->chain_head) &&
           limits_take_text(ack->reason, sizeof ack->reason, message->reason) && ack_is_valid(ack);
}

int ack_decode(const uint8_t *bytes, size_t size, struct ack *ret_ack)
{
    struct ack ack = {0};
    ProtobufCMessage *message = NULL;
    int rc = codec_unpack(&ecm__v1__ack__descriptor, SMALL_MESSAGE_MAX, bytes, size, &message);

    if (rc < 0) {
        return rc;
    }
    rc = take_ack(&ack, (const Ecm__V1__Ack *)message) ? 0 : -EBADMSG;
    codec_free(message);
    if (rc == 0) {
        *ret_ack = ack;
    }
    return rc;
}

/* ---- state -------------------------------------------------------------------------------- */

static bool tag_reader_is_valid(const struct tag_reader_state *reader)
{
    return topic_name_is_valid(reader->device_id) && limits_count_is_valid(reader->head_seq) &&
           limits_count_is_valid(reader->held_seq) && reader->done_seq <= INT64_MAX &&
           limits_text_is_valid(reader->version, TAG_READER_VERSION_MAX) &&
           limits_count_is_valid(reader->taps_refused) &&
           limits_text_is_valid(reader->failed_update, TAG_READER_VERSION_MAX);
}

static bool tag_readers_are_valid(const struct device_state *state)
{
    for (size_t i = 0; i < state->tag_reader_count; i++) {
        if (i >= TAG_READERS_IN_STATE_MAX || !tag_reader_is_valid(&state->tag_readers[i])) {
            return false;
        }
    }
    return true;
}

static bool state_is_valid(const struct device_state *state)
{
    return topic_name_is_valid(state->device_id) && limits_count_is_valid(state->head_seq) &&
           state->acked_seq <= state->head_seq && limits_count_is_valid(state->oldest_seq) &&
           limits_count_is_valid(state->uptime_ms) && limits_unix_ms_is_valid(state->wall_ms) &&
           (unsigned)state->wall_trust <= WALL_SYNCED &&
           limits_text_is_valid(state->version, RECORD_TEXT_MAX) &&
           limits_count_is_valid(state->taps_total) && limits_count_is_valid(state->taps_refused) &&
           limits_count_is_valid(state->reader_resets) &&
           limits_count_is_valid(state->outbox_bytes) &&
           limits_count_is_valid(state->outbox_bytes_max) && tag_readers_are_valid(state);
}

static void tag_reader_to_message(
    const struct tag_reader_state *reader, Ecm__V1__TagReaderState *message)
{
    ecm__v1__tag_reader_state__init(message);
    message->device_id = codec_view_text(reader->device_id);
    message->epoch = reader->epoch;
    message->is_online = reader->is_online;
    message->head_seq = reader->head_seq;
    message->held_seq = reader->held_seq;
    message->done_seq = reader->done_seq;
    message->version = codec_view_text(reader->version);
    message->silent_s = reader->silent_s;
    message->reader_ok = reader->reader_ok;
    message->taps_refused = reader->taps_refused;
    message->failed_update = codec_view_text(reader->failed_update);
}

static bool take_tag_reader(struct tag_reader_state *reader, const Ecm__V1__TagReaderState *message)
{
    reader->epoch = message->epoch;
    reader->is_online = message->is_online;
    reader->head_seq = message->head_seq;
    reader->held_seq = message->held_seq;
    reader->done_seq = message->done_seq;
    reader->silent_s = message->silent_s;
    reader->reader_ok = message->reader_ok;
    reader->taps_refused = message->taps_refused;
    return limits_take_id(reader->device_id, sizeof reader->device_id, message->device_id) &&
           limits_take_text(reader->version, sizeof reader->version, message->version) &&
           limits_take_text(
               reader->failed_update, sizeof reader->failed_update, message->failed_update);
}

static bool take_tag_readers(struct device_state *state, const Ecm__V1__DeviceState *message)
{
    if (message->n_tag_readers > TAG_READERS_IN_STATE_MAX) {
        return false;
    }
    for (size_t i = 0; i < message->n_tag_readers; i++) {
        if (!take_tag_reader(&state->tag_readers[i], message->tag_readers[i])) {
            return false;
        }
    }
    state->tag_reader_count = message->n_tag_readers;
    return true;
}

int state_encode(
    const struct device_state *state, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__DeviceState message;
    Ecm__V1__TagReaderState readers[TAG_READERS_IN_STATE_MAX];
    Ecm__V1__TagReaderState *reader_list[TAG_READERS_IN_STATE_MAX];

    ecm__v1__device_state__init(&message);
    if (!state_is_valid(state)) {
        return -EINVAL;
    }
    message.device_id = codec_view_text(state->device_id);
    message.online = state->online;
    message.epoch = state->epoch;
    message.head_seq = state->head_seq;
    message.acked_seq = state->acked_seq;
    message.oldest_seq = state->oldest_seq;
    message.boot_id = state->boot_id;
    message.uptime_ms = state->uptime_ms;
    message.wall_ms = state->wall_ms;
    message.wall_trust = (Ecm__V1__WallTrust)state->wall_trust;
    if (state->wall_uncertainty_ms != UINT32_MAX) {
        message.wall_uncertainty_case = ECM__V1__DEVICE_STATE__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS;
        message.wall_uncertainty_ms = state->wall_uncertainty_ms;
    }
    message.version = codec_view_text(state->version);
    message.taps_total = state->taps_total;
    message.taps_refused = state->taps_refused;
    message.reader_resets = state->reader_resets;
    message.reader_ok = state->reader_ok;
    message.outbox_bytes = state->outbox_bytes;
    message.outbox_bytes_max = state->outbox_bytes_max;
    message.drain_eta_s = state->drain_eta_s;
    message.case_open = state->case_open;
    message.assist_pressed = state->assist_pressed;
    message.case_openings = state->case_openings;
    message.assist_calls = state->assist_calls;
    for (size_t i = 0; i < state->tag_reader_count; i++) {
        tag_reader_to_message(&state->tag_readers[i], &readers[i]);
        reader_list[i] = &readers[i];
    }
    message.n_tag_readers = state->tag_reader_count;
    message.tag_readers = reader_list;
    return codec_pack(&message.base, STATE_MESSAGE_MAX, bytes, capacity, ret_size);
}

static bool take_state(struct device_state *state, const Ecm__V1__DeviceState *message)
{
    state->online = message->online;
    state->epoch = message->epoch;
    state->head_seq = message->head_seq;
    state->acked_seq = message->acked_seq;
    state->oldest_seq = message->oldest_seq;
    state->boot_id = message->boot_id;
    state->uptime_ms = message->uptime_ms;
    state->wall_ms = message->wall_ms;
    state->wall_trust = (unsigned)message->wall_trust <= WALL_SYNCED
                            ? (enum wall_trust)message->wall_trust
                            : WALL_UNSET;
    state->wall_uncertainty_ms = message->wall_uncertainty_case ==
                                         ECM__V1__DEVICE_STATE__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS
                                     ? message->wall_uncertainty_ms
                                     : UINT32_MAX;
    state->taps_total = message->taps_total;
    state->taps_refused = message->taps_refused;
    state->reader_resets = message->reader_resets;
    state->reader_ok = message->reader_ok;
    state->outbox_bytes = message->outbox_bytes;
    state->outbox_bytes_max = message->outbox_bytes_max;
    state->drain_eta_s = message->drain_eta_s;
    state->case_open = message->case_open;
    state->assist_pressed = message->assist_pressed;
    state->case_openings = message->case_openings;
    state->assist_calls = message->assist_calls;
    return take_tag_readers(state, message) &&
           limits_take_id(state->device_id, sizeof state->device_id, message->device_id) &&
           limits_take_text(state->version, sizeof state->version, message->version) &&
           state_is_valid(state);
}

int state_decode(const uint8_t *bytes, size_t size, struct device_state *ret_state)
{
    struct device_state state = {0};
    ProtobufCMessage *message = NULL;
    int rc =
        codec_unpack(&ecm__v1__device_state__descriptor, STATE_MESSAGE_MAX, bytes, size, &message);

    if (rc < 0) {
        return rc;
    }
    rc = take_state(&state, (const Ecm__V1__DeviceState *)message) ? 0 : -EBADMSG;
    codec_free(message);
    if (rc == 0) {
        *ret_state = state;
    }
    return rc;
}

/* ---- command and its result --------------------------------------------------------------- */

static bool command_is_valid(const struct command *command)
{
    return command->name[0] != '\0' && limits_text_is_valid(command->name, READER_NAME_MAX) &&
           limits_text_is_valid(command->argument, RECORD_TEXT_MAX);
}

int command_encode(const struct command *c, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Command message;

    ecm__v1__command__init(&message);
    if (!command_is_valid(c)) {
        return -EINVAL;
    }
    message.command_id = c->command_id;
    message.name = codec_view_text(c->name);
    message.argument = codec_view_text(c->argument);
    return codec_pack(&message.base, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}

int command_decode(const uint8_t *bytes, size_t size, struct command *ret_command)
{
    struct command command = {0};
    ProtobufCMessage *base = NULL;
    const Ecm__V1__Command *message = NULL;
    bool is_good = false;
    int rc = codec_unpack(&ecm__v1__command__descriptor, SMALL_MESSAGE_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__Command *)base;
    command.command_id = message->command_id;
    is_good = limits_take_text(command.name, sizeof command.name, message->name) &&
              limits_take_text(command.argument, sizeof command.argument, message->argument) &&
              command_is_valid(&command);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret_command = command;
    return 0;
}

int command_result_encode(
    const struct command_result *r, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__CommandResult message;

    ecm__v1__command_result__init(&message);
    if (!limits_text_is_valid(r->text, RECORD_TEXT_MAX)) {
        return -EINVAL;
    }
    message.command_id = r->command_id;
    message.code = r->code;
    message.text = codec_view_text(r->text);
    return codec_pack(&message.base, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}

int command_result_decode(const uint8_t *bytes, size_t size, struct command_result *ret_result)
{
    struct command_result result = {0};
    ProtobufCMessage *base = NULL;
    const Ecm__V1__CommandResult *message = NULL;
    bool is_good = false;
    int rc =
        codec_unpack(&ecm__v1__command_result__descriptor, SMALL_MESSAGE_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__CommandResult *)base;
    result.command_id = message->command_id;
    result.code = message->code;
    is_good = limits_take_text(result.text, sizeof result.text, message->text);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret_result = result;
    return 0;
}

/* ---- alert -------------------------------------------------------------------------------- */

static bool alert_is_valid(const struct alert *alert)
{
    return (alert->device_id[0] == '\0' || topic_name_is_valid(alert->device_id)) &&
           alert->event[0] != '\0' && limits_text_is_valid(alert->event, READER_NAME_MAX) &&
           limits_text_is_valid(alert->text, RECORD_TEXT_MAX) &&
           limits_unix_ms_is_valid(alert->unix_ms);
}

int alert_encode(const struct alert *alert, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Alert message;

    ecm__v1__alert__init(&message);
    if (!alert_is_valid(alert)) {
        return -EINVAL;
    }
    message.device_id = codec_view_text(alert->device_id);
    message.event = codec_view_text(alert->event);
    message.text = codec_view_text(alert->text);
    message.unix_ms = alert->unix_ms;
    return codec_pack(&message.base, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}

int alert_decode(const uint8_t *bytes, size_t size, struct alert *ret_alert)
{
    struct alert alert = {0};
    ProtobufCMessage *base = NULL;
    const Ecm__V1__Alert *message = NULL;
    bool is_good = false;
    int rc = codec_unpack(&ecm__v1__alert__descriptor, SMALL_MESSAGE_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__Alert *)base;
    alert.unix_ms = message->unix_ms;
    is_good = limits_take_text(alert.device_id, sizeof alert.device_id, message->device_id) &&
              limits_take_text(alert.event, sizeof alert.event, message->event) &&
              limits_take_text(alert.text, sizeof alert.text, message->text) &&
              alert_is_valid(&alert);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret_alert = alert;
    return 0;
}
