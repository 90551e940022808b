/* link_up.c - what a tag reader asks: hello, time, state, update; over protobuf-c. */
#include "proto/link.h"

#include <errno.h>
#include <string.h>

#include "ecm.pb-c.h"
#include "proto/codec.h"
#include "proto/link_valid.h"

/* ---- hello -------------------------------------------------------------------------------- */

int link_hello_encode(const struct link_hello *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkHello message;

    ecm__v1__link_hello__init(&message);
    if (!link_hello_is_valid(m)) {
        return -EINVAL;
    }
    message.device_id = codec_view_text(m->device_id);
    message.epoch = m->epoch;
    message.boot_id = m->boot_id;
    message.head_seq = m->head_seq;
    message.oldest_seq = m->oldest_seq;
    message.done_seq = m->done_seq;
    message.chain_before_oldest = codec_view(m->chain_before_oldest, MESSAGE_HASH_SIZE);
    message.chain_after_done = codec_view(m->chain_after_done, MESSAGE_HASH_SIZE);
    if (m->has_public_key) {
        message.public_key = codec_view(m->public_key, MESSAGE_KEY_SIZE);
    }
    message.protocol_min = m->protocol_min;
    message.protocol_max = m->protocol_max;
    message.version = codec_view_text(m->version);
    message.board = codec_view_text(m->board);
    message.failed_update = codec_view_text(m->failed_update);
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

static bool take_hello(struct link_hello *m, const Ecm__V1__LinkHello *message)
{
    m->epoch = message->epoch;
    m->boot_id = message->boot_id;
    m->head_seq = message->head_seq;
    m->oldest_seq = message->oldest_seq;
    m->done_seq = message->done_seq;
    m->has_public_key = message->public_key.len > 0;
    m->protocol_min = message->protocol_min;
    m->protocol_max = message->protocol_max;
    return limits_take_id(m->device_id, sizeof m->device_id, message->device_id) &&
           codec_take_bytes(
               m->chain_before_oldest, MESSAGE_HASH_SIZE, &message->chain_before_oldest) &&
           codec_take_bytes(m->chain_after_done, MESSAGE_HASH_SIZE, &message->chain_after_done) &&
           (!m->has_public_key ||
               codec_take_bytes(m->public_key, MESSAGE_KEY_SIZE, &message->public_key)) &&
           limits_take_text(m->version, sizeof m->version, message->version) &&
           limits_take_text(m->board, sizeof m->board, message->board) &&
           limits_take_text(m->failed_update, sizeof m->failed_update, message->failed_update) &&
           link_hello_is_valid(m);
}

int link_hello_decode(const uint8_t *bytes, size_t size, struct link_hello *ret)
{
    struct link_hello m = {0};
    ProtobufCMessage *base = NULL;
    int rc = codec_unpack(&ecm__v1__link_hello__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    rc = take_hello(&m, (const Ecm__V1__LinkHello *)base) ? 0 : -EBADMSG;
    codec_free(base);
    if (rc == 0) {
        *ret = m;
    }
    return rc;
}

/* ---- time --------------------------------------------------------------------------------- */

int link_time_request_encode(
    const struct link_time_request *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkTimeRequest message;

    ecm__v1__link_time_request__init(&message);
    if (!limits_count_is_valid(m->t1_us)) {
        return -EINVAL;
    }
    message.t1_us = m->t1_us;
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_time_request_decode(const uint8_t *bytes, size_t size, struct link_time_request *ret)
{
    ProtobufCMessage *base = NULL;
    int rc = codec_unpack_any(
        &ecm__v1__link_time_request__descriptor, LINK_SMALL_MAX, bytes, size, &base);
    uint64_t t1_us = 0;

    if (rc < 0) {
        return rc;
    }
    t1_us = ((const Ecm__V1__LinkTimeRequest *)base)->t1_us;
    codec_free(base);
    if (!limits_count_is_valid(t1_us)) {
        return -EBADMSG;
    }
    ret->t1_us = t1_us;
    return 0;
}

/* ---- state -------------------------------------------------------------------------------- */

int link_state_encode(const struct link_state *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkState message;

    ecm__v1__link_state__init(&message);
    if (!link_state_is_valid(m)) {
        return -EINVAL;
    }
    message.uptime_ms = m->uptime_ms;
    message.head_seq = m->head_seq;
    message.taps_total = m->taps_total;
    message.taps_refused = m->taps_refused;
    message.reader_resets = m->reader_resets;
    message.reader_ok = m->reader_ok;
    message.wall_trust = (Ecm__V1__WallTrust)m->wall_trust;
    message.log_bytes = m->log_bytes;
    message.log_bytes_max = m->log_bytes_max;
    message.supply_mv = m->supply_mv;
    message.frames_bad = m->frames_bad;
    message.timeouts = m->timeouts;
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_state_decode(const uint8_t *bytes, size_t size, struct link_state *ret)
{
    struct link_state m = {0};
    const Ecm__V1__LinkState *message = NULL;
    ProtobufCMessage *base = NULL;
    int rc = codec_unpack_any(&ecm__v1__link_state__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkState *)base;
    m.uptime_ms = message->uptime_ms;
    m.head_seq = message->head_seq;
    m.taps_total = message->taps_total;
    m.taps_refused = message->taps_refused;
    m.reader_resets = message->reader_resets;
    m.reader_ok = message->reader_ok;
    m.wall_trust = (unsigned)message->wall_trust <= WALL_SYNCED
                       ? (enum wall_trust)message->wall_trust
                       : WALL_UNSET;
    m.log_bytes = message->log_bytes;
    m.log_bytes_max = message->log_bytes_max;
    m.supply_mv = message->supply_mv;
    m.frames_bad = message->frames_bad;
    m.timeouts = message->timeouts;
    codec_free(base);
    if (!link_state_is_valid(&m)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

/* ---- update ------------------------------------------------------------------------------- */

int link_update_request_encode(
    const struct link_update_request *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkUpdateRequest message;

    ecm__v1__link_update_request__init(&message);
    if (!link_update_request_is_valid(m)) {
        return -EINVAL;
    }
    message.image_sha256 = codec_view(m->image_sha256, LINK_IMAGE_HASH_SIZE);
    message.offset = m->offset;
    message.size = m->size;
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_update_request_decode(const uint8_t *bytes, size_t size, struct link_update_request *ret)
{
    struct link_update_request m = {0};
    const Ecm__V1__LinkUpdateRequest *message = NULL;
    ProtobufCMessage *base = NULL;
    bool is_good = false;
    int rc =
        codec_unpack(&ecm__v1__link_update_request__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkUpdateRequest *)base;
    m.offset = message->offset;
    m.size = message->size;
    is_good = codec_take_bytes(m.image_sha256, LINK_IMAGE_HASH_SIZE, &message->image_sha256) &&
              link_update_request_is_valid(&m);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

int link_update_result_encode(
    const struct link_update_result *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkUpdateResult message;

    ecm__v1__link_update_result__init(&message);
    if (!link_update_result_is_valid(m)) {
        return -EINVAL;
    }
    message.image_sha256 = codec_view(m->image_sha256, LINK_IMAGE_HASH_SIZE);
    message.code = m->code;
    message.text = codec_view_text(m->text);
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_update_result_decode(const uint8_t *bytes, size_t size, struct link_update_result *ret)
{
    struct link_update_result m = {0};
    const Ecm__V1__LinkUpdateResult *message = NULL;
    ProtobufCMessage *base = NULL;
    bool is_good = false;
    int rc =
        codec_unpack(&ecm__v1__link_update_result__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkUpdateResult *)base;
    m.code = message->code;
    is_good = codec_take_bytes(m.image_sha256, LINK_IMAGE_HASH_SIZE, &message->image_sha256) &&
              limits_take_text(m.text, sizeof m.text, message->text);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}
