/*
 * record.c - one entry of a log, to bytes and back.
 *
 * Values of a newer version never make a record malformed: an unknown kind of tag or trust is read
 * as "unknown", an unknown body or direction as RECORD_UNKNOWN. Its bytes are kept by whoever holds
 * them, so the meaning is only postponed.
 */
#include "proto/messages.h"

#include <errno.h>
#include <string.h>

#include "ecm.pb-c.h"
#include "proto/codec.h"

/* ecm.proto: 1 to 9 are the envelope, 10 and up are bodies. */
enum { FIRST_BODY_FIELD = 10 };

static bool uid_size_is_valid(size_t size)
{
    return size == 4 || size == 7 || size == 10;
}

/* ---- values to bytes ---------------------------------------------------------------------- */

static int stamp_to_message(const struct record *record, Ecm__V1__Stamp *ret_stamp)
{
    ecm__v1__stamp__init(ret_stamp);
    if (!limits_count_is_valid(record->boot_ms) || !limits_unix_ms_is_valid(record->wall_ms) ||
        (unsigned)record->wall_trust > WALL_SYNCED) {
        return -EINVAL;
    }
    ret_stamp->boot_id = record->boot_id;
    ret_stamp->boot_ms = record->boot_ms;
    ret_stamp->wall_ms = record->wall_ms;
    ret_stamp->wall_trust = (Ecm__V1__WallTrust)record->wall_trust;
    if (record->wall_uncertainty_ms != UINT32_MAX) {
        ret_stamp->wall_uncertainty_case = ECM__V1__STAMP__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS;
        ret_stamp->wall_uncertainty_ms = record->wall_uncertainty_ms;
    }
    return 0;
}

static int tap_to_message(const struct tap *tap, Ecm__V1__Tap *ret_tap, Ecm__V1__Sun *sun)
{
    ecm__v1__tap__init(ret_tap);
    ecm__v1__sun__init(sun);
    if (!limits_text_is_valid(tap->reader, READER_NAME_MAX) || !uid_size_is_valid(tap->uid_size) ||
        (unsigned)tap->tech > TAP_TECH_CLASSIC ||
        (tap->direction != TAP_IN && tap->direction != TAP_OUT)) {
        return -EINVAL;
    }
    ret_tap->reader = codec_view_text(tap->reader);
    ret_tap->uid = codec_view(tap->uid, tap->uid_size);
    ret_tap->tech = (Ecm__V1__TagTech)tap->tech;
    ret_tap->direction = (Ecm__V1__Direction)tap->direction;
    ret_tap->flags = tap->flags;
    if (tap->has_sun) {
        sun->picc = codec_view(tap->sun_picc, sizeof tap->sun_picc);
        sun->mac = codec_view(tap->sun_mac, sizeof tap->sun_mac);
        ret_tap->sun = sun;
    }
    return 0;
}

/* Room for whichever body a record has while it is being packed. */
struct bodies {
    Ecm__V1__Sun sun;
    union {
        Ecm__V1__Tap tap;
        Ecm__V1__Boot boot;
        Ecm__V1__ClockSet clock_set;
        Ecm__V1__Tamper tamper;
        Ecm__V1__Button button;
        Ecm__V1__ReaderFault reader_fault;
        Ecm__V1__ConfigApplied config_applied;
        Ecm__V1__UpdateApplied update_applied;
    };
};

/* BOOT, READER_FAULT, CONFIG_APPLIED, UPDATE_APPLIED: one text each. */
static int note_to_message(
    const struct record *record, struct bodies *room, Ecm__V1__Record *message)
{
    char *text = codec_view_text(record->note.text);

    if (!limits_text_is_valid(text, RECORD_TEXT_MAX)) {
        return -EINVAL;
    }
    if (record->type == RECORD_BOOT) {
        ecm__v1__boot__init(&room->boot);
        room->boot.version = text;
        message->boot = &room->boot;
        message->body_case = ECM__V1__RECORD__BODY_BOOT;
    } else if (record->type == RECORD_READER_FAULT) {
        ecm__v1__reader_fault__init(&room->reader_fault);
        room->reader_fault.text = text;
        message->reader_fault = &room->reader_fault;
        message->body_case = ECM__V1__RECORD__BODY_READER_FAULT;
    } else if (record->type == RECORD_CONFIG_APPLIED) {
        ecm__v1__config_applied__init(&room->config_applied);
        room->config_applied.name = text;
        message->config_applied = &room->config_applied;
        message->body_case = ECM__V1__RECORD__BODY_CONFIG_APPLIED;
    } else {
        ecm__v1__update_applied__init(&room->update_applied);
        room->update_applied.name = text;
        message->update_applied = &room->update_applied;
        message->body_case = ECM__V1__RECORD__BODY_UPDATE_APPLIED;
    }
    return 0;
}

static int body_to_message(
    const struct record *record, struct bodies *room, Ecm__V1__Record *message)
{
    switch (record->type) {
    case RECORD_UNKNOWN:
        return -EINVAL;
    case RECORD_TAP:
        message->tap = &room->tap;
        message->body_case = ECM__V1__RECORD__BODY_TAP;
        return tap_to_message(&record->tap, &room->tap, &room->sun);
    case RECORD_CLOCK_SET:
        if (!limits_unix_ms_is_valid(record->clock_set.wall_before_ms)) {
            return -EINVAL;
        }
        ecm__v1__clock_set__init(&room->clock_set);
        room->clock_set.wall_before_ms = record->clock_set.wall_before_ms;
        message->clock_set = &room->clock_set;
        message->body_case = ECM__V1__RECORD__BODY_CLOCK_SET;
        return 0;
    case RECORD_TAMPER:
        ecm__v1__tamper__init(&room->tamper);
        room->tamper.open = record->input.active;
        room->tamper.which = record->input.which;
        message->tamper = &room->tamper;
        message->body_case = ECM__V1__RECORD__BODY_TAMPER;
        return 0;
    case RECORD_BUTTON:
        ecm__v1__button__init(&room->button);
        room->button.pressed = record->input.active;
        room->button.which = record->input.which;
        message->button = &room->button;
        message->body_case = ECM__V1__RECORD__BODY_BUTTON;
        return 0;
    case RECORD_BOOT:
    case RECORD_READER_FAULT:
    case RECORD_CONFIG_APPLIED:
    case RECORD_UPDATE_APPLIED:
        return note_to_message(record, room, message);
    }
    return -EINVAL;
}

int record_encode(const struct record *record, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Record message;
    Ecm__V1__Stamp stamp;
    struct bodies room;
    int rc = 0;

    ecm__v1__record__init(&message);
    if (record->seq == 0 || !limits_count_is_valid(record->seq)) {
        return -EINVAL;
    }
    rc = stamp_to_message(record, &stamp);
    if (rc == 0) {
        rc = body_to_message(record, &room, &message);
    }
    if (rc < 0) {
        return rc;
    }
    message.seq = record->seq;
    message.stamp = &stamp;
    return codec_pack(&message.base, RECORD_BYTES_MAX, bytes, capacity, ret_size);
}

/* ---- bytes to values ---------------------------------------------------------------------- */

static bool take_stamp(struct record *record, const Ecm__V1__Stamp *stamp)
{
    if (stamp == NULL || !limits_count_is_valid(stamp->boot_ms) ||
        !limits_unix_ms_is_valid(stamp->wall_ms)) {
        return false;
    }
    record->boot_id = stamp->boot_id;
    record->boot_ms = stamp->boot_ms;
    record->wall_ms = stamp->wall_ms;
    record->wall_trust = (unsigned)stamp->wall_trust <= WALL_SYNCED
                             ? (enum wall_trust)stamp->wall_trust
                             : WALL_UNSET;
    record->wall_uncertainty_ms =
        stamp->wall_uncertainty_case == ECM__V1__STAMP__WALL_UNCERTAINTY_WALL_UNCERTAINTY_MS
            ? stamp->wall_uncertainty_ms
            : UINT32_MAX;
    return true;
}

static bool take_tap(struct record *record, const Ecm__V1__Tap *message)
{
    struct tap *tap = &record->tap;

    if (!limits_take_text(tap->reader, sizeof tap->reader, message->reader) ||
        !uid_size_is_valid(message->uid.len) || (int)message->direction <= 0) {
        return false;
    }
    memcpy(tap->uid, message->uid.data, message->uid.len);
    tap->uid_size = (uint8_t)message->uid.len;
    tap->tech = (unsigned)message->tech <= TAP_TECH_CLASSIC ? (enum tap_tech)message->tech
                                                            : TAP_TECH_UNKNOWN;
    tap->flags = message->flags;
    if (message->sun != NULL) {
        tap->has_sun = true;
        if (!codec_take_bytes(tap->sun_picc, sizeof tap->sun_picc, &message->sun->picc) ||
            !codec_take_bytes(tap->sun_mac, sizeof tap->sun_mac, &message->sun->mac)) {
            return false;
        }
    }
    if ((int)message->direction > TAP_OUT) {
        memset(tap, 0, sizeof *tap);
        record->type = RECORD_UNKNOWN;
        return true;
    }
    tap->direction = (enum tap_direction)message->direction;
    record->type = RECORD_TAP;
    return true;
}

static bool take_note(struct record *record, enum record_type type, const char *text)
{
    record->type = type;
    return limits_take_text(record->note.text, sizeof record->note.text, text);
}

static bool take_input(struct record *record, enum record_type type, bool active, uint32_t which)
{
    record->type = type;
    record->input.active = active;
    record->input.which = which;
    return true;
}

static bool has_unknown_body(const Ecm__V1__Record *message)
{
    for (unsigned i = 0; i < message->base.n_unknown_fields; i++) {
        if (message->base.unknown_fields[i].tag >= FIRST_BODY_FIELD) {
            return true;
        }
    }
    return false;
}

static bool take_body(struct record *record, const Ecm__V1__Record *message)
{
    switch (message->body_case) {
    case ECM__V1__RECORD__BODY_TAP:
        return take_tap(record, message->tap);
    case ECM__V1__RECORD__BODY_BOOT:
        return take_note(record, RECORD_BOOT, message->boot->version);
    case ECM__V1__RECORD__BODY_CLOCK_SET:
        record->type = RECORD_CLOCK_SET;
        record->clock_set.wall_before_ms = message->clock_set->wall_before_ms;
        return limits_unix_ms_is_valid(record->clock_set.wall_before_ms);
    case ECM__V1__RECORD__BODY_TAMPER:
        return take_input(record, RECORD_TAMPER, message->tamper->open, message->tamper->which);
    case ECM__V1__RECORD__BODY_BUTTON:
        return take_input(record, RECORD_BUTTON, message->button->pressed, message->button->which);
    case ECM__V1__RECORD__BODY_READER_FAULT:
        return take_note(record, RECORD_READER_FAULT, message->reader_fault->text);
    case ECM__V1__RECORD__BODY_CONFIG_APPLIED:
        return take_note(record, RECORD_CONFIG_APPLIED, message->config_applied->name);
    case ECM__V1__RECORD__BODY_UPDATE_APPLIED:
        return take_note(record, RECORD_UPDATE_APPLIED, message->update_applied->name);
    case ECM__V1__RECORD__BODY__NOT_SET:
    case _ECM__V1__RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    record->type = RECORD_UNKNOWN;
    return has_unknown_body(message);
}

int record_decode(const uint8_t *bytes, size_t size, struct record *ret_record)
{
    ProtobufCMessage *base = NULL;
    const Ecm__V1__Record *message = NULL;
    struct record record = {0};
    bool is_good = false;
    int rc = codec_unpack(&ecm__v1__record__descriptor, RECORD_BYTES_MAX, bytes, size, &base);

    if (rc < 0) {
        return rc;
    }
    message = (const Ecm__V1__Record *)base;
    record.seq = message->seq;
    is_good = record.seq != 0 && limits_count_is_valid(record.seq) &&
              take_stamp(&record, message->stamp) && take_body(&record, message);
    codec_free(base);
    if (!is_good) {
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}
