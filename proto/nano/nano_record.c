/* nano_record.c - one entry of a log, to bytes and back, over nanopb. Mirrors proto/record.c. */
#include "proto/messages.h"

#include <errno.h>
#include <string.h>

#include "ecm.pb.h"
#include "proto/limits.h"
#include "proto/nano/nano.h"

static bool uid_size_is_valid(size_t size)
{
    return size == 4 || size == 7 || size == 10;
}

static void copy_text(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
}

/* ---- values to bytes ---------------------------------------------------------------------- */

static int stamp_to_message(const struct record *record, ecm_v1_Stamp *stamp)
{
    if (!limits_count_is_valid(record->boot_ms) || !limits_unix_ms_is_valid(record->wall_ms) ||
        (unsigned)record->wall_trust > WALL_SYNCED) {
        return -EINVAL;
    }
    stamp->boot_id = record->boot_id;
    stamp->boot_ms = record->boot_ms;
    stamp->wall_ms = record->wall_ms;
    stamp->wall_trust = (ecm_v1_WallTrust)record->wall_trust;
    if (record->wall_uncertainty_ms != UINT32_MAX) {
        stamp->which_wall_uncertainty = ecm_v1_Stamp_wall_uncertainty_ms_tag;
        stamp->wall_uncertainty.wall_uncertainty_ms = record->wall_uncertainty_ms;
    }
    return 0;
}

static int tap_to_message(const struct tap *tap, ecm_v1_Tap *message)
{
    if (!limits_text_is_valid(tap->reader, READER_NAME_MAX) || !uid_size_is_valid(tap->uid_size) ||
        (unsigned)tap->tech > TAP_TECH_CLASSIC ||
        (tap->direction != TAP_IN && tap->direction != TAP_OUT)) {
        return -EINVAL;
    }
    copy_text(message->reader, tap->reader);
    message->uid.size = tap->uid_size;
    memcpy(message->uid.bytes, tap->uid, tap->uid_size);
    message->tech = (ecm_v1_TagTech)tap->tech;
    message->direction = (ecm_v1_Direction)tap->direction;
    message->flags = tap->flags;
    message->has_sun = tap->has_sun;
    if (tap->has_sun) {
        message->sun.picc.size = sizeof tap->sun_picc;
        memcpy(message->sun.picc.bytes, tap->sun_picc, sizeof tap->sun_picc);
        message->sun.mac.size = sizeof tap->sun_mac;
        memcpy(message->sun.mac.bytes, tap->sun_mac, sizeof tap->sun_mac);
    }
    return 0;
}

/* BOOT, READER_FAULT, CONFIG_APPLIED, UPDATE_APPLIED: one text each. */
static int note_to_message(const struct record *record, ecm_v1_Record *message)
{
    if (!limits_text_is_valid(record->note.text, RECORD_TEXT_MAX)) {
        return -EINVAL;
    }
    if (record->type == RECORD_BOOT) {
        message->which_body = ecm_v1_Record_boot_tag;
        copy_text(message->body.boot.version, record->note.text);
    } else if (record->type == RECORD_READER_FAULT) {
        message->which_body = ecm_v1_Record_reader_fault_tag;
        copy_text(message->body.reader_fault.text, record->note.text);
    } else if (record->type == RECORD_CONFIG_APPLIED) {
        message->which_body = ecm_v1_Record_config_applied_tag;
        copy_text(message->body.config_applied.name, record->note.text);
    } else {
        message->which_body = ecm_v1_Record_update_applied_tag;
        copy_text(message->body.update_applied.name, record->note.text);
    }
    return 0;
}

static int body_to_message(const struct record *record, ecm_v1_Record *message)
{
    switch (record->type) {
    case RECORD_UNKNOWN:
        return -EINVAL;
    case RECORD_TAP:
        message->which_body = ecm_v1_Record_tap_tag;
        return tap_to_message(&record->tap, &message->body.tap);
    case RECORD_CLOCK_SET:
        message->which_body = ecm_v1_Record_clock_set_tag;
        message->body.clock_set.wall_before_ms = record->clock_set.wall_before_ms;
        return limits_unix_ms_is_valid(record->clock_set.wall_before_ms) ? 0 : -EINVAL;
    case RECORD_TAMPER:
        message->which_body = ecm_v1_Record_tamper_tag;
        message->body.tamper.open = record->input.active;
        message->body.tamper.which = record->input.which;
        return 0;
    case RECORD_BUTTON:
        message->which_body = ecm_v1_Record_button_tag;
        message->body.button.pressed = record->input.active;
        message->body.button.which = record->input.which;
        return 0;
    case RECORD_BOOT:
    case RECORD_READER_FAULT:
    case RECORD_CONFIG_APPLIED:
    case RECORD_UPDATE_APPLIED:
        return note_to_message(record, message);
    }
    return -EINVAL;
}

int record_encode(const struct record *record, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    ecm_v1_Record message = ecm_v1_Record_init_zero;
    int rc = 0;

    if (record->seq == 0 || !limits_count_is_valid(record->seq)) {
        return -EINVAL;
    }
    rc = stamp_to_message(record, &message.stamp);
    if (rc == 0) {
        rc = body_to_message(record, &message);
    }
    if (rc < 0) {
        return rc;
    }
    message.seq = record->seq;
    message.has_stamp = true;
    return nano_encode(ecm_v1_Record_fields, &message, RECORD_BYTES_MAX, bytes, capacity, ret_size);
}

/* ---- bytes to values ---------------------------------------------------------------------- */

static bool take_stamp(struct record *record, const ecm_v1_Stamp *stamp)
{
    record->boot_id = stamp->boot_id;
    record->boot_ms = stamp->boot_ms;
    record->wall_ms = stamp->wall_ms;
    record->wall_trust = (unsigned)stamp->wall_trust <= WALL_SYNCED
                             ? (enum wall_trust)stamp->wall_trust
                             : WALL_UNSET;
    record->wall_uncertainty_ms =
        stamp->which_wall_uncertainty == ecm_v1_Stamp_wall_uncertainty_ms_tag
            ? stamp->wall_uncertainty.wall_uncertainty_ms
            : UINT32_MAX;
    return limits_count_is_valid(stamp->boot_ms) && limits_unix_ms_is_valid(stamp->wall_ms);
}

static bool take_tap(struct record *record, const ecm_v1_Tap *message)
{
    struct tap *tap = &record->tap;

    if (!limits_take_text(tap->reader, sizeof tap->reader, message->reader) ||
        !uid_size_is_valid(message->uid.size) || (int)message->direction <= 0) {
        return false;
    }
    memcpy(tap->uid, message->uid.bytes, message->uid.size);
    tap->uid_size = (uint8_t)message->uid.size;
    tap->tech = (unsigned)message->tech <= TAP_TECH_CLASSIC ? (enum tap_tech)message->tech
                                                            : TAP_TECH_UNKNOWN;
    tap->flags = message->flags;
    tap->has_sun = message->has_sun;
    if (message->has_sun) {
        if (message->sun.picc.size != sizeof tap->sun_picc ||
            message->sun.mac.size != sizeof tap->sun_mac) {
            return false;
        }
        memcpy(tap->sun_picc, message->sun.picc.bytes, sizeof tap->sun_picc);
        memcpy(tap->sun_mac, message->sun.mac.bytes, sizeof tap->sun_mac);
    }
    if ((int)message->direction > TAP_OUT) {
        memset(tap, 0, sizeof *tap);
        record->type = RECORD_UNKNOWN;
    } else {
        tap->direction = (enum tap_direction)message->direction;
        record->type = RECORD_TAP;
    }
    return true;
}

static bool take_note(struct record *record, enum record_type type, const char *text)
{
    record->type = type;
    return limits_take_text(record->note.text, sizeof record->note.text, text);
}

static bool take_body(struct record *record, const ecm_v1_Record *message)
{
    switch (message->which_body) {
    case ecm_v1_Record_tap_tag:
        return take_tap(record, &message->body.tap);
    case ecm_v1_Record_boot_tag:
        return take_note(record, RECORD_BOOT, message->body.boot.version);
    case ecm_v1_Record_clock_set_tag:
        record->type = RECORD_CLOCK_SET;
        record->clock_set.wall_before_ms = message->body.clock_set.wall_before_ms;
        return limits_unix_ms_is_valid(record->clock_set.wall_before_ms);
    case ecm_v1_Record_tamper_tag:
        record->type = RECORD_TAMPER;
        record->input.active = message->body.tamper.open;
        record->input.which = message->body.tamper.which;
        return true;
    case ecm_v1_Record_button_tag:
        record->type = RECORD_BUTTON;
        record->input.active = message->body.button.pressed;
        record->input.which = message->body.button.which;
        return true;
    case ecm_v1_Record_reader_fault_tag:
        return take_note(record, RECORD_READER_FAULT, message->body.reader_fault.text);
    case ecm_v1_Record_config_applied_tag:
        return take_note(record, RECORD_CONFIG_APPLIED, message->body.config_applied.name);
    case ecm_v1_Record_update_applied_tag:
        return take_note(record, RECORD_UPDATE_APPLIED, message->body.update_applied.name);
    default:
        record->type = RECORD_UNKNOWN;
        return true;
    }
}

int record_decode(const uint8_t *bytes, size_t size, struct record *ret_record)
{
    ecm_v1_Record message = ecm_v1_Record_init_zero;
    struct record record = {0};

    if (size == 0 ||
        nano_decode(ecm_v1_Record_fields, RECORD_BYTES_MAX, bytes, size, &message) < 0) {
        return -EBADMSG;
    }
    record.seq = message.seq;
    if (message.seq == 0 || !limits_count_is_valid(message.seq) || !message.has_stamp ||
        !take_stamp(&record, &message.stamp) || !take_body(&record, &message)) {
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}
