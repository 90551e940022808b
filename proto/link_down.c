/* link_down.c - what a gateway answers to a tag reader; over protobuf-c. */
#include "proto/link.h"

#include <errno.h>
#include <string.h>

#include "ecm.pb-c.h"
#include "proto/codec.h"
#include "proto/link_valid.h"

/* A block is the only answer that is not small. */
enum { BLOCK_OVERHEAD = 16 };

/* ---- welcome and refusal ------------------------------------------------------------------ */

int link_welcome_encode(const struct link_welcome *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkWelcome message;

    ecm__v1__link_welcome__init(&message);
    if (!link_welcome_is_valid(m)) {
        return -EINVAL;
    }
    message.boot_id = m->boot_id;
    message.protocol = m->protocol;
    message.gateway_id = codec_view_text(m->gateway_id);
    message.epoch = m->epoch;
    message.held_seq = m->held_seq;
    message.done_seq = m->done_seq;
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_welcome_decode(const uint8_t *bytes, size_t size, struct link_welcome *ret)
{
    struct link_welcome m = {0};
    const Ecm__V1__LinkWelcome *message = NULL;
    ProtobufCMessage *base = NULL;
    bool is_good = false;
    int rc = codec_unpack(&ecm__v1__link_welcome__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkWelcome *)base;
    m.boot_id = message->boot_id;
    m.protocol = message->protocol;
    m.epoch = message->epoch;
    m.held_seq = message->held_seq;
    m.done_seq = message->done_seq;
    is_good = limits_take_id(m.gateway_id, sizeof m.gateway_id, message->gateway_id) &&
              link_welcome_is_valid(&m);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

int link_refusal_encode(const struct link_refusal *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkRefusal message;

    ecm__v1__link_refusal__init(&message);
    if (!link_refusal_is_valid(m)) {
        return -EINVAL;
    }
    message.code = (Ecm__V1__LinkRefusalCode)m->code;
    message.reason = codec_view_text(m->reason);
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_refusal_decode(const uint8_t *bytes, size_t size, struct link_refusal *ret)
{
    struct link_refusal m = {0};
    const Ecm__V1__LinkRefusal *message = NULL;
    ProtobufCMessage *base = NULL;
    bool is_good = false;
    int rc =
        codec_unpack_any(&ecm__v1__link_refusal__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkRefusal *)base;
    m.code = (unsigned)message->code <= LINK_REFUSED_NO_ROOM ? (enum link_refusal_code)message->code
                                                             : LINK_REFUSED_OTHER;
    is_good = limits_take_text(m.reason, sizeof m.reason, message->reason);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

/* ---- ack ---------------------------------------------------------------------------------- */

int link_ack_encode(const struct link_ack *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkAck message;
    Ecm__V1__Command command;
    Ecm__V1__LinkUpdateOffer offer;

    ecm__v1__link_ack__init(&message);
    ecm__v1__command__init(&command);
    ecm__v1__link_update_offer__init(&offer);
    if (!link_ack_is_valid(m)) {
        return -EINVAL;
    }
    message.epoch = m->epoch;
    message.held_seq = m->held_seq;
    message.done_seq = m->done_seq;
    message.resend_from_seq = m->resend_from_seq;
    message.is_full = m->is_full;
    if (m->has_command) {
        command.command_id = m->command.command_id;
        command.name = codec_view_text(m->command.name);
        command.argument = codec_view_text(m->command.argument);
        message.command = &command;
    }
    if (m->has_offer) {
        offer.image_sha256 = codec_view(m->offer.image_sha256, LINK_IMAGE_HASH_SIZE);
        offer.size = m->offer.size;
        offer.board = codec_view_text(m->offer.board);
        offer.version = codec_view_text(m->offer.version);
        message.offer = &offer;
    }
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

static bool take_command(struct command *command, const Ecm__V1__Command *message)
{
    command->command_id = message->command_id;
    return limits_take_text(command->name, sizeof command->name, message->name) &&
           limits_take_text(command->argument, sizeof command->argument, message->argument);
}

static bool take_offer(struct link_update_offer *offer, const Ecm__V1__LinkUpdateOffer *message)
{
    offer->size = message->size;
    return codec_take_bytes(offer->image_sha256, LINK_IMAGE_HASH_SIZE, &message->image_sha256) &&
           limits_take_text(offer->board, sizeof offer->board, message->board) &&
           limits_take_text(offer->version, sizeof offer->version, message->version);
}

static bool take_ack(struct link_ack *m, const Ecm__V1__LinkAck *message)
{
    m->epoch = message->epoch;
    m->held_seq = message->held_seq;
    m->done_seq = message->done_seq;
    m->resend_from_seq = message->resend_from_seq;
    m->is_full = message->is_full;
    m->has_command = message->command != NULL;
    m->has_offer = message->offer != NULL;
    return (message->command == NULL || take_command(&m->command, message->command)) &&
           (message->offer == NULL || take_offer(&m->offer, message->offer)) &&
           link_ack_is_valid(m);
}

int link_ack_decode(const uint8_t *bytes, size_t size, struct link_ack *ret)
{
    struct link_ack m = {0};
    ProtobufCMessage *base = NULL;
    int rc = codec_unpack_any(&ecm__v1__link_ack__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    rc = take_ack(&m, (const Ecm__V1__LinkAck *)base) ? 0 : -EBADMSG;
    codec_free(base);
    if (rc == 0) {
        *ret = m;
    }
    return rc;
}

/* ---- time --------------------------------------------------------------------------------- */

int link_time_encode(const struct link_time *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkTime message;

    ecm__v1__link_time__init(&message);
    if (!link_time_is_valid(m)) {
        return -EINVAL;
    }
    message.t1_us = m->t1_us;
    message.t2_us = m->t2_us;
    message.t3_us = m->t3_us;
    message.wall_trust = (Ecm__V1__WallTrust)m->wall_trust;
    if (m->wall_uncertainty_ms != UINT32_MAX) {
        message.wall_uncertainty_case = ECM__V1__LINK_TIME__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS;
        message.wall_uncertainty_ms = m->wall_uncertainty_ms;
    }
    return codec_pack(&message.base, LINK_SMALL_MAX, bytes, capacity, ret);
}

int link_time_decode(const uint8_t *bytes, size_t size, struct link_time *ret)
{
    struct link_time m = {.wall_uncertainty_ms = UINT32_MAX};
    const Ecm__V1__LinkTime *message = NULL;
    ProtobufCMessage *base = NULL;
    int rc = codec_unpack_any(&ecm__v1__link_time__descriptor, LINK_SMALL_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkTime *)base;
    m.t1_us = message->t1_us;
    m.t2_us = message->t2_us;
    m.t3_us = message->t3_us;
    m.wall_trust = (unsigned)message->wall_trust <= WALL_SYNCED
                       ? (enum wall_trust)message->wall_trust
                       : WALL_UNSET;
    if (message->wall_uncertainty_case ==
        ECM__V1__LINK_TIME__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS) {
        m.wall_uncertainty_ms = message->wall_uncertainty_ms;
    }
    codec_free(base);
    if (!link_time_is_valid(&m)) {
        return -EBADMSG;
    }
    *ret = m;
    return 0;
}

/* ---- update block ------------------------------------------------------------------------- */

int link_update_block_encode(
    const struct link_update_block *m, uint8_t *bytes, size_t capacity, size_t *ret)
{
    Ecm__V1__LinkUpdateBlock message;

    ecm__v1__link_update_block__init(&message);
    if (m->size > LINK_UPDATE_DATA_MAX) {
        return -EINVAL;
    }
    message.offset = m->offset;
    message.data = codec_view(m->data, m->size);
    return codec_pack(&message.base, LINK_UPDATE_DATA_MAX + BLOCK_OVERHEAD, bytes, capacity, ret);
}

/* Where the data lies in bytes: the message has one field of bytes, and it comes last. */
int link_update_block_decode(const uint8_t *bytes, size_t size, struct link_update_block *ret)
{
    const Ecm__V1__LinkUpdateBlock *message = NULL;
    ProtobufCMessage *base = NULL;
    struct link_update_block m = {0};
    int rc = codec_unpack_any(&ecm__v1__link_update_block__descriptor,
        LINK_UPDATE_DATA_MAX + BLOCK_OVERHEAD, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__LinkUpdateBlock *)base;
    m.offset = message->offset;
    m.size = message->data.len;
    m.data = bytes + size - m.size;
    rc = m.size <= LINK_UPDATE_DATA_MAX && message->base.n_unknown_fields == 0 ? 0 : -EBADMSG;
    codec_free(base);
    if (rc == 0) {
        *ret = m;
    }
    return rc;
}
