/*
 * sqlite_taps.c - the taps in the logs, decoded from the batches as they were received.
 *
 * A batch is found by the span its taps can lie in (see sqlite_schema.c), decoded, and its taps
 * become event rows: id "<device>-<epoch, 16 hex digits>-<seq>", time derived by effective_time.h.
 * Bounces and self-tests stay in the log and are no events.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/storage/effective_time.h"
#include "proto/messages.h"

enum {
    LONG_SPAN_S = 604800,
    EVENT_ID_MAX = DEVICE_ID_MAX + 1 + 16 + 1 + 20,
    INSTANT_SIZE = 32,
};

static const char everybody_sql[] =
    "SELECT b.log_id, b.recv_ms, b.bytes, 0, b.batch_id, b.first_seq FROM batch b"
    " WHERE b.first_tap_utc <= b.last_tap_utc ORDER BY b.batch_id";

/* ?6 is ?1 less LONG_SPAN_S: what begins earlier and still reaches in, is long. */
static const char window_sql[] =
    "SELECT b.log_id, b.recv_ms, b.bytes, 0, b.batch_id, b.first_seq FROM batch b"
    " WHERE b.batch_id IN (SELECT batch_id FROM batch WHERE first_tap_utc BETWEEN ?6 AND ?2"
    " UNION SELECT batch_id FROM batch WHERE last_tap_utc >= ?1 AND first_tap_utc <= ?2"
    " AND last_tap_utc - first_tap_utc > 604800)"
    " AND b.last_tap_utc >= ?1 AND b.first_tap_utc <= b.last_tap_utc ORDER BY b.batch_id";

/* The fourth column: only taps of the person's home tags, because the reader is a carer's. */
static const char person_sql[] =
    "SELECT b.log_id, b.recv_ms, b.bytes, min(s.via_tag), b.batch_id, b.first_seq FROM ("
    "  SELECT device_id, 0 AS via_tag FROM device WHERE person_id = ?3"
    "  UNION SELECT device_id, 1 FROM carried_reader WHERE EXISTS"
    "   (SELECT 1 FROM home_tag WHERE person_id = ?3)) s"
    " CROSS JOIN log l ON l.device_id = s.device_id"
    " CROSS JOIN batch b INDEXED BY batch_by_log ON b.log_id = l.log_id"
    "  AND b.last_tap_utc >= ?1 AND b.first_tap_utc <= ?2"
    "  AND b.first_tap_utc <= b.last_tap_utc"
    " GROUP BY b.batch_id ORDER BY b.batch_id";

static const char device_sql[] =
    "SELECT b.log_id, b.recv_ms, b.bytes, 0, b.batch_id, b.first_seq FROM log l"
    " CROSS JOIN batch b INDEXED BY batch_by_log ON b.log_id = l.log_id"
    "  AND b.last_tap_utc >= ?1 AND b.first_tap_utc <= ?2"
    "  AND b.first_tap_utc <= b.last_tap_utc"
    " WHERE l.device_id = ?7 ORDER BY b.batch_id";

struct tap_walk {
    struct storage_sqlite *store;
    const struct store_window *window;
    struct dataset *dataset;
    sqlite3_stmt *is_home_tag; /* NULL unless a person is asked for */
    int64_t log_id, recv_ms;
    bool is_via_tag;
    struct storage_anchor anchor; /* of the boot looked up last */
    int64_t anchor_log_id;
    bool has_looked, has_anchor;
    struct effective_bounds bounds; /* of that boot, when it has no anchor */
    int64_t bounds_recv_ms;         /* as of this batch */
};

static void write_uid(const struct tap *tap, char ret_text[static 2 * TAG_UID_MAX + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = tap->uid_size <= TAG_UID_MAX ? tap->uid_size : TAG_UID_MAX;

    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[tap->uid[i] >> 4];
        ret_text[2 * i + 1] = digits[tap->uid[i] & 15];
    }
    ret_text[2 * size] = '\0';
}

static uint16_t uncertainty_s(uint32_t ms)
{
    uint32_t seconds = ms / 1000 + (ms % 1000 != 0 ? 1 : 0);

    return seconds > UINT16_MAX ? UINT16_MAX : (uint16_t)seconds;
}

/* Where the clocks of the record's boot stand; the last answer is kept. */
static int look_up_boot(struct tap_walk *walk, const struct record *record)
{
    int rc = 0;

    walk->has_looked = false;
    walk->anchor.boot_id = record->boot_id;
    rc = store_anchor_get(walk->store, walk->log_id, record->boot_id, &walk->anchor);
    walk->has_anchor = rc == 0;
    if (rc == -ENOENT) {
        rc = store_bounds_get(walk->store, walk->log_id, record, walk->recv_ms, &walk->bounds);
    }
    walk->has_looked = rc == 0;
    walk->anchor_log_id = walk->log_id;
    walk->bounds_recv_ms = walk->recv_ms;
    return rc;
}

/* The anchor of the record's boot, or NULL; then walk->bounds are that boot's. */
static int find_anchor(
    struct tap_walk *walk, const struct record *record, const struct storage_anchor **ret_anchor)
{
    bool is_known = walk->has_looked && walk->anchor_log_id == walk->log_id &&
                    walk->anchor.boot_id == record->boot_id &&
                    (walk->has_anchor || walk->bounds_recv_ms == walk->recv_ms);
    int rc = 0;

    *ret_anchor = NULL;
    if (record->wall_trust == WALL_SYNCED) {
        return 0;
    }
    if (!is_known) {
        rc = look_up_boot(walk, record);
    }
    *ret_anchor = walk->has_anchor ? &walk->anchor : NULL;
    return rc;
}

static int is_persons_tag(struct tap_walk *walk, const char *uid, bool *ret_is)
{
    int sqlite_rc = SQLITE_OK;

    *ret_is = true;
    if (!walk->is_via_tag) {
        return 0;
    }
    (void)sqlite3_bind_text(walk->is_home_tag, 1, uid, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(walk->is_home_tag, 2, walk->window->person_id, -1, SQLITE_STATIC);
    sqlite_rc = sqlite3_step(walk->is_home_tag);
    (void)sqlite3_reset(walk->is_home_tag);
    *ret_is = sqlite_rc == SQLITE_ROW;
    return store_code(sqlite_rc);
}

static int intern(struct dataset *dataset, const char *text, text_id *ret_id)
{
    return dataset_intern(dataset, text, strlen(text), ret_id);
}

static char kind_of(enum tap_direction direction)
{
    if (direction == TAP_IN) {
        return 'I';
    }
    return (char)(direction == TAP_OUT ? 'O' : '\0');
}

static bool is_within(const struct store_window *window, int64_t ts_utc, int64_t recv_utc)
{
    /* Far ahead of its reception: found by the latter, as among imported events. */
    int64_t at = ts_utc > recv_utc + 300 ? recv_utc : ts_utc;

    return (ts_utc >= window->from_utc && ts_utc <= window->to_utc) ||
           (at >= window->from_utc && at <= window->to_utc);
}

/* Unix ms as ISO 8601. */
static void write_instant(int64_t ms, char ret_text[static INSTANT_SIZE])
{
    time_t seconds = (time_t)effective_seconds(ms);
    struct tm utc = {0};

    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(ret_text, INSTANT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        ret_text[0] = '\0';
    }
}

static int add_unplaced(struct tap_walk *walk, const struct record *record,
    const struct storage_anchor *anchor, const struct event_row *event)
{
    struct unplaced_row unplaced = {
        .recv_utc = event->recv_utc,
        .event_id = event->event_id,
        .device_id = event->device_id,
        .card_uid = event->card_uid,
        .kind = event->kind,
    };
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    int rc = 0;

    if (!is_within(walk->window, event->recv_utc, event->recv_utc)) {
        return 0;
    }
    if (record->wall_trust != WALL_SYNCED && anchor == NULL &&
        effective_narrow(&walk->bounds, record, &from_ms, &to_ms)) {
        char between[2 * INSTANT_SIZE] = "";

        write_instant(from_ms, between);
        between[strlen(between)] = '/';
        write_instant(to_ms, between + strlen(between));
        rc = intern(walk->dataset, between, &unplaced.between);
    }
    return rc == 0 ? dataset_add_unplaced(walk->dataset, &unplaced) : rc;
}

static int add_event(struct tap_walk *walk, const struct record *record,
    const struct storage_anchor *anchor, struct event_row *event)
{
    struct effective_time time =
        effective_time(record, anchor, anchor == NULL ? &walk->bounds : NULL);

    if (time.source == EFFECTIVE_UNKNOWN || event->kind == '\0') {
        return add_unplaced(walk, record, anchor, event);
    }
    event->ts_utc = effective_seconds(time.ms);
    event->arrival = (uint32_t)walk->dataset->events_count;
    event->evidence = EVENT_TAG_UNVERIFIED;
    if (time.source != EFFECTIVE_STAMPED) {
        event->evidence |= EVENT_CLOCK_SUSPECT;
        event->uncertainty_s = uncertainty_s(time.uncertainty_ms);
    }
    if (!is_within(walk->window, event->ts_utc, event->recv_utc)) {
        return 0;
    }
    return dataset_add_event(walk->dataset, event);
}

static int take_record(struct tap_walk *walk, const struct batch *batch, size_t index)
{
    const struct bytes_view *bytes = &batch->records[index];
    const struct storage_anchor *anchor = NULL;
    struct event_row event = {.recv_utc = effective_seconds(walk->recv_ms)};
    char uid[2 * TAG_UID_MAX + 1];
    char id[EVENT_ID_MAX + 1];
    struct record record;
    bool is_wanted = false;
    int rc = 0;

    /* What cannot be read was reported when it came; its bytes stay where they are. */
    if (record_decode(bytes->bytes, bytes->size, &record) < 0 || record.type != RECORD_TAP ||
        (record.tap.flags & (TAP_FLAG_BOUNCE | TAP_FLAG_SELF_TEST)) != 0) {
        return 0;
    }
    write_uid(&record.tap, uid);
    rc = is_persons_tag(walk, uid, &is_wanted);
    if (rc < 0 || !is_wanted) {
        return rc;
    }
    (void)snprintf(id, sizeof id, "%s-%016" PRIx64 "-%" PRIu64, batch->device_id, batch->epoch,
        batch->first_seq + index);
    event.kind = kind_of(record.tap.direction);
    rc = intern(walk->dataset, id, &event.event_id);
    if (rc == 0) {
        rc = intern(walk->dataset, batch->device_id, &event.device_id);
    }
    if (rc == 0) {
        rc = intern(walk->dataset, uid, &event.card_uid);
    }
    if (rc == 0) {
        rc = find_anchor(walk, &record, &anchor);
    }
    return rc == 0 ? add_event(walk, &record, anchor, &event) : rc;
}

static int take_batch(struct tap_walk *walk, sqlite3_stmt *statement)
{
    const uint8_t *bytes = sqlite3_column_blob(statement, 2);
    int size = sqlite3_column_bytes(statement, 2);
    struct up_message message;
    uint64_t first_seq = 0;
    int rc = 0;

    walk->log_id = sqlite3_column_int64(statement, 0);
    walk->recv_ms = sqlite3_column_int64(statement, 1);
    walk->is_via_tag = sqlite3_column_int(statement, 3) != 0;
    rc = up_message_decode(bytes, (size_t)size, &message);
    if (rc < 0) {
        return rc == -EBADMSG ? ECM_ECORRUPT : rc; /* it could be read when it was stored */
    }
    /* A relayed message may begin with records that an earlier one had. */
    first_seq = (uint64_t)sqlite3_column_int64(statement, 5);
    if (message.kind == UP_BATCH && message.batch.first_seq <= first_seq) {
        for (size_t i = (size_t)(first_seq - message.batch.first_seq);
             i < message.batch.record_count && rc == 0; i++) {
            rc = take_record(walk, &message.batch, i);
        }
    }
    up_message_done(&message);
    return rc;
}

int store_load_taps(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    const char *sql = window->device_id != NULL   ? device_sql
                      : window->person_id != NULL ? person_sql
                      : window->is_bounded        ? window_sql
                                                  : everybody_sql;
    int64_t long_from =
        window->from_utc < INT64_MIN + LONG_SPAN_S ? INT64_MIN : window->from_utc - LONG_SPAN_S;
    struct tap_walk walk = {.store = store, .window = window, .dataset = dataset};
    sqlite3_stmt *batches = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db, sql, -1, &batches, NULL);
    int rc = store_code(sqlite_rc);

    if (rc == 0) {
        rc = store_code(sqlite3_prepare_v2(store->db,
            "SELECT 1 FROM home_tag WHERE tag_uid = ?1 AND person_id = ?2", -1, &walk.is_home_tag,
            NULL));
    }
    if (rc == 0) {
        (void)sqlite3_bind_int64(batches, 1, window->from_utc);
        (void)sqlite3_bind_int64(batches, 2, window->to_utc);
        (void)sqlite3_bind_text(batches, 3, window->person_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(batches, 6, long_from);
        (void)sqlite3_bind_text(batches, 7, window->device_id, -1, SQLITE_STATIC);
    }
    while (rc == 0 && (sqlite_rc = sqlite3_step(batches)) == SQLITE_ROW) {
        rc = take_batch(&walk, batches);
    }
    (void)sqlite3_finalize(batches);
    (void)sqlite3_finalize(walk.is_home_tag);
    return rc != 0 ? rc : store_code(sqlite_rc);
}
