/* nano_link.c - what a tag reader asks and what it is answered, over nanopb. Mirrors
 * proto/link_up.c and proto/link_down.c. */
#include "proto/link.h"

#include <errno.h>
#include <pb_decode.h>
#include <string.h>

#include "ecm.pb.h"
#include "proto/limits.h"
#include "proto/link_valid.h"
#include "proto/nano/nano.h"

static void copy_text(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
}

/* ---- requests: values to bytes ------------------------------------------------------------ */

int link_hello_encode(const struct link_hello *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    ecm_v1_LinkHello message = ecm_v1_LinkHello_init_zero;

    if (!link_hello_is_valid(m)) {
        return -EINVAL;
    }
    copy_text(message.device_id, m->device_id);
    message.epoch = m->epoch;
    message.boot_id = m->boot_id;
    message.head_seq = m->head_seq;
    message.oldest_seq = m->oldest_seq;
    message.done_seq = m->done_seq;
    message.chain_before_oldest.size = MESSAGE_HASH_SIZE;
    memcpy(message.chain_before_oldest.bytes, m->chain_before_oldest, MESSAGE_HASH_SIZE);
    message.chain_after_done.size = MESSAGE_HASH_SIZE;
    memcpy(message.chain_after_done.bytes, m->chain_after_done, MESSAGE_HASH_SIZE);
    if (m->has_public_key) {
        message.public_key.size = MESSAGE_KEY_SIZE;
        memcpy(message.public_key.bytes, m->public_key, MESSAGE_KEY_SIZE);
    }
    message.protocol_min = m->protocol_min;
    message.protocol_max = m->protocol_max;
    copy_text(message.version, m->version);
    copy_text(message.board, m->board);
    copy_text(message.failed_update, m->failed_update);
    return nano_encode(ecm_v1_LinkHello_fields, &message, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_time_request_encode(
    const struct link_time_request *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    ecm_v1_LinkTimeRequest message = ecm_v1_LinkTimeRequest_init_zero;

    if (!limits_count_is_valid(m->t1_us)) {
        return -EINVAL;
    }
    message.t1_us = m->t1_us;
    return nano_encode(
        ecm_v1_LinkTimeRequest_fields, &message, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_state_encode(const struct link_state *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    ecm_v1_LinkState message = ecm_v1_LinkState_init_zero;

    if (!link_state_is_valid(m)) {
        return -EINVAL;
    }
    message.uptime_ms = m->uptime_ms;
    message.head_seq = m->head_seq;
    message.taps_total = m->taps_total;
    message.taps_refused = m->taps_refused;
    message.reader_resets = m->reader_resets;
    message.reader_ok = m->reader_ok;
    message.wall_trust = (ecm_v1_WallTrust)m->wall_trust;
    message.log_bytes = m->log_bytes;
    message.log_bytes_max = m->log_bytes_max;
    message.supply_mv = m->supply_mv;
    message.frames_bad = m->frames_bad;
    message.timeouts = m->timeouts;
    return nano_encode(ecm_v1_LinkState_fields, &message, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_update_request_encode(
    const struct link_update_request *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    ecm_v1_LinkUpdateRequest message = ecm_v1_LinkUpdateRequest_init_zero;

    if (!link_update_request_is_valid(m)) {
        return -EINVAL;
    }
    message.image_sha256.size = LINK_IMAGE_HASH_SIZE;
    memcpy(message.image_sha256.bytes, m->image_sha256, LINK_IMAGE_HASH_SIZE);
    message.offset = m->offset;
    message.size = m->size;
    return nano_encode(
        ecm_v1_LinkUpdateRequest_fields, &message, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_update_result_encode(
    const struct link_update_result *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    ecm_v1_LinkUpdateResult message = ecm_v1_LinkUpdateResult_init_zero;

    if (!link_update_result_is_valid(m)) {
        return -EINVAL;
    }
    message.image_sha256.size = LINK_IMAGE_HASH_SIZE;
    memcpy(message.image_sha256.bytes, m->image_sha256, LINK_IMAGE_HASH_SIZE);
    message.code = m->code;
    copy_text(message.text, m->text);
    return nano_encode(
        ecm_v1_LinkUpdateResult_fields, &message, LINK_SMALL_MAX, bytes, capacity, ret);
}

/* ---- answers: bytes to values ------------------------------------------------------------- */

static enum wall_trust trust_from(ecm_v1_WallTrust trust)
{
    return (unsigned)trust <= WALL_SYNCED ? (enum wall_trust)trust : WALL_UNSET;
}

int link_welcome_decode(const uint8_t *bytes, size_t size, struct link_welcome *ret)
{
    ecm_v1_LinkWelcome message = ecm_v1_LinkWelcome_init_zero;
    struct link_welcome m = {0};

    if (nano_decode(ecm_v1_LinkWelcome_fields, LINK_SMALL_MAX, bytes, size, &message) < 0) {
        return -EBADMSG;
    }
    m.boot_id = message.boot_id;
    m.protocol = message.protocol;
    m.epoch = message.epoch;
    m.held_seq = message.held_seq;
    m.done_seq = message.done_seq;
    if (!limits_take_text(m.gateway_id, sizeof m.gateway_id, message.gateway_id) ||
        !link_welcome_is_valid(&m)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

int link_refusal_decode(const uint8_t *bytes, size_t size, struct link_refusal *ret)
{
    ecm_v1_LinkRefusal message = ecm_v1_LinkRefusal_init_zero;
    struct link_refusal m = {0};

    if (nano_decode(ecm_v1_LinkRefusal_fields, LINK_SMALL_MAX, bytes, size, &message) < 0) {
        return -EBADMSG;
    }
    m.code = (unsigned)message.code <= LINK_REFUSED_NO_ROOM ? (enum link_refusal_code)message.code
                                                            : LINK_REFUSED_OTHER;
    if (!limits_take_text(m.reason, sizeof m.reason, message.reason)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

static bool take_command(struct command *command, const ecm_v1_Command *message)
{
    command->command_id = message->command_id;
    return limits_take_text(command->name, sizeof command->name, message->name) &&
           limits_take_text(command->argument, sizeof command->argument, message->argument);
}

static bool take_offer(struct link_update_offer *offer, const ecm_v1_LinkUpdateOffer *message)
{
    offer->size = message->size;
    memcpy(offer->image_sha256, message->image_sha256.bytes, LINK_IMAGE_HASH_SIZE);
    return message->image_sha256.size == LINK_IMAGE_HASH_SIZE &&
           limits_take_text(offer->board, sizeof offer->board, message->board) &&
           limits_take_text(offer->version, sizeof offer->version, message->version);
}

int link_ack_decode(const uint8_t *bytes, size_t size, struct link_ack *ret)
{
    ecm_v1_LinkAck message = ecm_v1_LinkAck_init_zero;
    struct link_ack m = {0};

    if (nano_decode(ecm_v1_LinkAck_fields, LINK_SMALL_MAX, bytes, size, &message) < 0) {
        return -EBADMSG;
    }
    m.epoch = message.epoch;
    m.held_seq = message.held_seq;
    m.done_seq = message.done_seq;
    m.resend_from_seq = message.resend_from_seq;
    m.is_full = message.is_full;
    m.has_command = message.has_command;
    m.has_offer = message.has_offer;
    if ((m.has_command && !take_command(&m.command, &message.command)) ||
        (m.has_offer && !take_offer(&m.offer, &message.offer)) || !link_ack_is_valid(&m)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

int link_time_decode(const uint8_t *bytes, size_t size, struct link_time *ret)
{
    ecm_v1_LinkTime message = ecm_v1_LinkTime_init_zero;
    struct link_time m = {.wall_uncertainty_ms = UINT32_MAX};

    if (nano_decode(ecm_v1_LinkTime_fields, LINK_SMALL_MAX, bytes, size, &message) < 0) {
        return -EBADMSG;
    }
    m.t1_us = message.t1_us;
    m.t2_us = message.t2_us;
    m.t3_us = message.t3_us;
    m.wall_trust = trust_from(message.wall_trust);
    if (message.which_wall_uncertainty == ecm_v1_LinkTime_wall_uncertainty_ms_tag) {
        m.wall_uncertainty_ms = message.wall_uncertainty.wall_uncertainty_ms;
    }
    if (!link_time_is_valid(&m)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

/* The data stays where it is: a stream over a buffer stands where it reads next. */
static bool note_data(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct link_update_block *block = *arg;

    (void)field;
    block->data = stream->state;
    block->size = stream->bytes_left;
    return pb_read(stream, NULL, stream->bytes_left);
}

int link_update_block_decode(const uint8_t *bytes, size_t size, struct link_update_block *ret)
{
    struct link_update_block m = {0};
    ecm_v1_LinkUpdateBlock message = ecm_v1_LinkUpdateBlock_init_zero;

    message.data.funcs.decode = note_data;
    message.data.arg = &m;
    /* pb_decode() would zero the callback with everything else. */
    pb_istream_t stream = pb_istream_from_buffer(bytes, size);
    if (!pb_decode_ex(&stream, ecm_v1_LinkUpdateBlock_fields, &message, PB_DECODE_NOINIT) ||
        m.size > LINK_UPDATE_DATA_MAX) {
        return -EBADMSG;
    }
    m.offset = message.offset;
    *ret = m;
    return 0;
}
