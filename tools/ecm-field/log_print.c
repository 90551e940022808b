/*
 * log_print.c - see log_print.h.
 */
#include "tools/ecm-field/log_print.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "proto/messages.h"
#include "tools/ecm-field/field.h"

enum { TEXT_MAX = 200 };

static const char *type_name(enum record_type type)
{
    switch (type) {
    case RECORD_UNKNOWN:
        return "unknown";
    case RECORD_TAP:
        return "tap";
    case RECORD_BOOT:
        return "boot";
    case RECORD_CLOCK_SET:
        return "clock-set";
    case RECORD_TAMPER:
        return "tamper";
    case RECORD_BUTTON:
        return "button";
    case RECORD_READER_FAULT:
        return "reader-fault";
    case RECORD_CONFIG_APPLIED:
        return "config-applied";
    case RECORD_UPDATE_APPLIED:
        return "update-applied";
    }
    return "unknown";
}

static const char *trust_name(enum wall_trust trust)
{
    return trust == WALL_SYNCED ? "synced" : trust == WALL_RTC ? "rtc" : "unset";
}

/* UTC with milliseconds. */
static void put_instant(char *text, size_t size, int64_t unix_ms)
{
    int64_t second = unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0);
    time_t when = (time_t)second;
    struct tm utc;
    size_t used = 0;

    text[0] = '\0';
    if (gmtime_r(&when, &utc) != NULL) {
        used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
        (void)snprintf(text + used, size - used, ".%03dZ", (int)(unix_ms - second * 1000));
    }
}

/* What is particular to the type, as name=value. */
static void put_details(char *text, size_t size, const struct record *record)
{
    char uid[2 * TAG_UID_MAX + 1];

    text[0] = '\0';
    switch (record->type) {
    case RECORD_TAP:
        field_hex(record->tap.uid, record->tap.uid_size, uid);
        (void)snprintf(text, size, "direction=%s uid=%s reader=%s sun=%s flags=%" PRIu32,
            record->tap.direction == TAP_IN ? "in" : "out", uid, record->tap.reader,
            record->tap.has_sun ? "yes" : "no", record->tap.flags);
        break;
    case RECORD_CLOCK_SET:
        put_instant(text, size, record->clock_set.wall_before_ms);
        break;
    case RECORD_TAMPER:
    case RECORD_BUTTON:
        (void)snprintf(text, size, "active=%s which=%" PRIu32, record->input.active ? "yes" : "no",
            record->input.which);
        break;
    case RECORD_BOOT:
    case RECORD_READER_FAULT:
    case RECORD_CONFIG_APPLIED:
    case RECORD_UPDATE_APPLIED:
        (void)snprintf(text, size, "%s", record->note.text);
        break;
    case RECORD_UNKNOWN:
        break;
    }
}

struct line {
    char wall[40];
    char details[TEXT_MAX];
    const char *type;
    const char *trust;
    struct record record;
    bool is_done;
    bool is_old; /* of another epoch than the newest */
};

/* A record whose check is right may still be no message: made by something else than ECM. */
static void read_line(
    const struct log_scan *scan, const struct log_scan_record *item, struct line *ret_line)
{
    struct line line = {.type = "undecodable", .trust = ""};

    line.is_old = item->epoch != scan->newest.epoch;
    line.is_done = !line.is_old && item->seq <= scan->newest.done_seq;
    if (record_decode(item->bytes, item->size, &line.record) == 0) {
        line.type = type_name(line.record.type);
        line.trust = trust_name(line.record.wall_trust);
        put_instant(line.wall, sizeof line.wall, line.record.wall_ms);
        put_details(line.details, sizeof line.details, &line.record);
    }
    *ret_line = line;
}

static void print_state(const struct log_scan *scan, FILE *out)
{
    (void)fprintf(out, "device    %s\n", scan->newest.device_id);
    (void)fprintf(out, "epoch     %016" PRIx64 "%s\n", scan->newest.epoch,
        scan->epoch_count > 1 ? " (and remains of older ones)" : "");
    (void)fprintf(out,
        "records   %" PRIu64 " to %" PRIu64 ", done through %" PRIu64
        " as last written down, %" PRIu64 " missing\n",
        scan->oldest, scan->head, scan->newest.done_seq, scan->missing);
    (void)fprintf(out,
        "sectors   %" PRIu32 ": %" PRIu32 " begun, %" PRIu32 " erased, %" PRIu32 " blank, %" PRIu32
        " unreadable\n",
        scan->sectors, scan->sectors_begun, scan->sectors_erased, scan->sectors_blank,
        scan->sectors_unreadable);
    (void)fprintf(out, "slots     %" PRIu32 " damaged, %" PRIu32 " given up\n", scan->slots_damaged,
        scan->slots_given_up);
    (void)fprintf(out, "erases    %" PRIu32 " to %" PRIu32 ", mean %" PRIu64 "\n\n",
        scan->erases_min, scan->erases_max,
        scan->erases_count > 0 ? scan->erases_sum / scan->erases_count : 0);
}

void log_print_table(const struct log_scan *scan, FILE *out)
{
    print_state(scan, out);
    (void)fprintf(out, "%10s  %-4s  %-14s  %-24s  %-6s  %s\n", "seq", "done", "type", "wall",
        "trust", "details");
    for (size_t i = 0; i < scan->record_count; i++) {
        struct line line;

        read_line(scan, &scan->records[i], &line);
        (void)fprintf(out, "%10" PRIu64 "  %-4s  %-14s  %-24s  %-6s  %s\n", scan->records[i].seq,
            line.is_old    ? "old"
            : line.is_done ? "yes"
                           : "no",
            line.type, line.wall, line.trust, line.details);
    }
}

void log_print_tsv(const struct log_scan *scan, FILE *out)
{
    (void)fprintf(out, "epoch\tseq\tdone\tsector\tslot\ttype\twall\ttrust\tboot_id\tboot_ms\t"
                       "details\trecord\n");
    for (size_t i = 0; i < scan->record_count; i++) {
        const struct log_scan_record *item = &scan->records[i];
        char hex[2 * FORMAT_PAYLOAD + 1];
        struct line line;

        read_line(scan, item, &line);
        field_hex(item->bytes, item->size, hex);
        (void)fprintf(out,
            "%016" PRIx64 "\t%" PRIu64 "\t%s\t%" PRIu32 "\t%u\t%s\t%s\t%s\t%016" PRIx64 "\t%" PRIu64
            "\t%s\t%s\n",
            item->epoch, item->seq,
            line.is_old    ? "old"
            : line.is_done ? "yes"
                           : "no",
            item->sector, item->slot, line.type, line.wall, line.trust, line.record.boot_id,
            line.record.boot_ms, line.details, hex);
    }
}

static json_t *record_object(const struct log_scan *scan, const struct log_scan_record *item)
{
    char hex[2 * FORMAT_PAYLOAD + 1];
    char epoch[17];
    char boot[17];
    struct line line;

    read_line(scan, item, &line);
    field_hex(item->bytes, item->size, hex);
    (void)snprintf(epoch, sizeof epoch, "%016" PRIx64, item->epoch);
    (void)snprintf(boot, sizeof boot, "%016" PRIx64, line.record.boot_id);
    return json_pack("{s:s, s:I, s:b, s:b, s:i, s:i, s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "epoch",
        epoch, "seq", (json_int_t)item->seq, "done", line.is_done, "old_epoch", line.is_old,
        "sector", (int)item->sector, "slot", (int)item->slot, "type", line.type, "wall", line.wall,
        "trust", line.trust, "boot_id", boot, "boot_ms", (json_int_t)line.record.boot_ms, "details",
        line.details, "record", hex);
}

int log_print_json(const struct log_scan *scan, FILE *out)
{
    json_t *records = json_array();
    json_t *object = NULL;
    char epoch[17];
    int rc = 0;

    (void)snprintf(epoch, sizeof epoch, "%016" PRIx64, scan->newest.epoch);
    for (size_t i = 0; i < scan->record_count; i++) {
        if (json_array_append_new(records, record_object(scan, &scan->records[i])) != 0) {
            rc = -ENOMEM;
        }
    }
    object =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, "
                  "s:o}",
            "device_id", scan->newest.device_id, "epoch", epoch, "head_seq", (json_int_t)scan->head,
            "done_seq", (json_int_t)scan->newest.done_seq, "oldest_seq", (json_int_t)scan->oldest,
            "missing", (json_int_t)scan->missing, "sectors", (int)scan->sectors, "sectors_begun",
            (int)scan->sectors_begun, "sectors_erased", (int)scan->sectors_erased, "sectors_blank",
            (int)scan->sectors_blank, "sectors_unreadable", (int)scan->sectors_unreadable,
            "slots_damaged", (int)scan->slots_damaged, "slots_given_up", (int)scan->slots_given_up,
            "erases_min", (int)scan->erases_min, "erases_max", (int)scan->erases_max, "records",
            records);
    if (object == NULL || rc < 0) {
        json_decref(object);
        return -ENOMEM;
    }
    rc = json_dumpf(object, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF ? 0 : -EIO;
    json_decref(object);
    return rc;
}
