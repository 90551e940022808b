/*
 * outbox.c - the durable log behind outbox.h; its file format is in outbox_db.c.
 *
 * One transaction a record: the record, its chain head and the counter row. The state that
 * callers ask for is mirrored in memory and changes only after COMMIT said yes.
 */
#include "gateway/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "gateway/outbox_internal.h"
#include "gateway/outbox_salvage.h"

enum {
    PRUNE_FOR_ROOM = 256, /* acked records that make way when the budget is used up */
};

static const char *const statement_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_INSERT] = "INSERT INTO record (seq, bytes, chain) VALUES (?1, ?2, ?3)",
    [STMT_ADVANCE] = "UPDATE log SET next_seq = ?1, acked_seq = ?2, taps = ?3",
    [STMT_ACK] = "UPDATE log SET acked_seq = ?1",
    [STMT_MARK] = "INSERT OR REPLACE INTO ack_mark (day, through_seq) VALUES (?1, ?2)",
    [STMT_AGED] = "SELECT through_seq FROM ack_mark WHERE day <= ?1 ORDER BY day DESC LIMIT 1",
    [STMT_FORGET_MARKS] = "DELETE FROM ack_mark WHERE day < ?1",
    [STMT_DELETE] = "DELETE FROM record WHERE seq < ?1",
    [STMT_OLDEST] = "UPDATE log SET oldest_seq = ?1, chain_before_oldest = ?2, acked_seq = ?3",
    [STMT_CHAIN] = "SELECT chain FROM record WHERE seq = ?1",
    [STMT_READ] = "SELECT seq, bytes, chain FROM record WHERE seq >= ?1 ORDER BY seq",
    [STMT_READ_BACK] = "SELECT seq, bytes, chain FROM record ORDER BY seq DESC",
    [STMT_PAGES] =
        "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

/* ---- statements --------------------------------------------------------------------------- */

int outbox_bind(sqlite3_stmt *stmt, int index, uint64_t value)
{
    return sqlite3_bind_int64(stmt, index, (sqlite3_int64)value);
}

int outbox_run(struct outbox *box, enum statement which)
{
    int sqlite_rc = sqlite3_step(box->statements[which]);

    (void)sqlite3_reset(box->statements[which]);
    return sqlite_rc == SQLITE_DONE ? SQLITE_OK : sqlite_rc;
}

int outbox_finish(struct outbox *box, int sqlite_rc)
{
    int rc = 0;

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = outbox_run(box, STMT_COMMIT);
    }
    rc = outbox_db_code(box->db, sqlite_rc);
    /* Some errors roll back by themselves; asking twice would be another error. */
    if (rc < 0 && sqlite3_get_autocommit(box->db) == 0) {
        (void)outbox_db_exec(box->db, "ROLLBACK");
    }
    return rc;
}

static int prepare_all(struct outbox *box)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        int sqlite_rc = sqlite3_prepare_v3(
            box->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &box->statements[i], NULL);

        if (sqlite_rc != SQLITE_OK) {
            return sqlite_rc;
        }
    }
    return SQLITE_OK;
}

static void disconnect(struct outbox *box)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(box->statements[i]);
        box->statements[i] = NULL;
    }
    (void)sqlite3_close(box->db);
    box->db = NULL;
}

static int connect(struct outbox *box, struct err *err)
{
    const struct outbox_conf conf = {box->path, box->device_id, box->bytes_max};
    int rc = outbox_db_open(&box->db, &conf, &box->head, err);
    int sqlite_rc = SQLITE_OK;

    if (rc < 0) {
        return rc;
    }
    sqlite_rc = prepare_all(box);
    if (sqlite_rc != SQLITE_OK) {
        rc = outbox_db_code(box->db, sqlite_rc);
        (void)err_set(err, rc, "outbox '%s': %s", box->path, sqlite3_errmsg(box->db));
        disconnect(box);
        return rc;
    }
    box->written_acked_seq = box->head.acked_seq;
    box->marked_day = 0;
    box->marked_seq = 0;
    return 0;
}

/* ---- open and close ----------------------------------------------------------------------- */

int outbox_open_file(struct outbox **ret_box, const struct outbox_conf *conf, struct err *err)
{
    struct outbox *box = NULL;
    int rc = 0;

    if (strlen(conf->path) >= OUTBOX_PATH_MAX || strlen(conf->device_id) > DEVICE_ID_MAX ||
        conf->device_id[0] == '\0' || conf->bytes_max < OUTBOX_BYTES_MIN) {
        return err_set(
            err, -EINVAL, "outbox '%s': path, device id or budget out of bounds", conf->path);
    }
    box = calloc(1, sizeof *box);
    if (box == NULL) {
        return err_set(err, -ENOMEM, "outbox '%s': out of memory", conf->path);
    }
    box->bytes_max = conf->bytes_max;
    (void)snprintf(box->path, sizeof box->path, "%s", conf->path);
    (void)snprintf(box->device_id, sizeof box->device_id, "%s", conf->device_id);
    box->chain = chain_new();
    rc = box->chain == NULL ? err_set(err, -ENOMEM, "outbox '%s': out of memory", conf->path)
                            : connect(box, err);
    if (rc < 0) {
        outbox_close(box);
        return rc;
    }
    *ret_box = box;
    return 0;
}

int outbox_open(struct outbox **ret_box, const struct outbox_conf *conf,
    struct outbox_repair *ret_repair, struct err *err)
{
    struct outbox_repair repair = {0};
    int rc = outbox_finish_swap(conf->path, &repair, err);

    if (rc == 0) {
        rc = outbox_open_file(ret_box, conf, err);
    }
    if (rc == ECM_ECORRUPT) {
        rc = outbox_salvage(conf, &repair, err);
        if (rc == 0) {
            rc = outbox_open_file(ret_box, conf, err);
        }
    }
    if (rc == 0) {
        *ret_repair = repair;
    }
    return rc;
}

void outbox_close(struct outbox *box)
{
    if (box == NULL) {
        return;
    }
    if (box->db != NULL) {
        (void)outbox_keep_house(box, OUTBOX_NO_CLOCK, 0);
    }
    disconnect(box);
    chain_free(box->chain);
    free(box);
}

sqlite3 *outbox_database(struct outbox *box)
{
    return box->db;
}

int outbox_renew(struct outbox *box, struct outbox_repair *ret_repair, struct err *err)
{
    const struct outbox_conf conf = {box->path, box->device_id, box->bytes_max};
    struct outbox_repair repair = {0};
    int rc = 0;

    /* What is acked in memory only would be taken over, and so sent, a second time. */
    if (box->db != NULL) {
        (void)outbox_keep_house(box, OUTBOX_NO_CLOCK, 0);
    }
    disconnect(box);
    rc = outbox_salvage(&conf, &repair, err);
    if (rc == 0) {
        rc = connect(box, err);
    }
    if (rc == 0) {
        *ret_repair = repair;
    }
    return rc;
}

/* ---- append ------------------------------------------------------------------------------- */

static int make_room(struct outbox *box)
{
    uint64_t end = box->head.oldest_seq + PRUNE_FOR_ROOM;

    if (box->head.acked_seq < box->head.oldest_seq) {
        return ECM_EFULL; /* nothing here is acked */
    }
    return outbox_prune(box, end <= box->head.acked_seq ? end : box->head.acked_seq + 1);
}

static int insert(struct outbox *box, const uint8_t *bytes, size_t size,
    const uint8_t chain[static CHAIN_SIZE], uint64_t taps)
{
    sqlite3_stmt *stmt = box->statements[STMT_INSERT];
    int sqlite_rc = outbox_run(box, STMT_BEGIN);

    if (sqlite_rc == SQLITE_OK) {
        (void)outbox_bind(stmt, 1, box->head.next_seq);
        (void)sqlite3_bind_blob(stmt, 2, bytes, (int)size, SQLITE_STATIC);
        (void)sqlite3_bind_blob(stmt, 3, chain, CHAIN_SIZE, SQLITE_STATIC);
        sqlite_rc = outbox_run(box, STMT_INSERT);
    }
    if (sqlite_rc == SQLITE_OK) {
        stmt = box->statements[STMT_ADVANCE];
        (void)outbox_bind(stmt, 1, box->head.next_seq + 1);
        (void)outbox_bind(stmt, 2, box->head.acked_seq);
        (void)outbox_bind(stmt, 3, taps);
        sqlite_rc = outbox_run(box, STMT_ADVANCE);
    }
    return outbox_finish(box, sqlite_rc);
}

int outbox_append(struct outbox *box, struct record *record)
{
    uint8_t bytes[RECORD_BYTES_MAX] = {0};
    uint8_t chain[CHAIN_SIZE] = {0};
    uint64_t taps = 0;
    size_t size = 0;
    int rc = 0;

    if (box->db == NULL) {
        return -EIO;
    }
    record->seq = box->head.next_seq;
    rc = record_encode(record, bytes, sizeof bytes, &size);
    if (rc < 0) {
        return -EINVAL;
    }
    taps = box->head.taps + (record->type == RECORD_TAP ? 1 : 0);
    chain_next(box->chain, box->head.chain, bytes, size, chain);

    rc = insert(box, bytes, size, chain, taps);
    if (rc == ECM_EFULL && make_room(box) == 0) {
        rc = insert(box, bytes, size, chain, taps);
    }
    if (rc == 0) {
        box->head.next_seq++;
        box->head.taps = taps;
        box->written_acked_seq = box->head.acked_seq;
        memcpy(box->head.chain, chain, CHAIN_SIZE);
    }
    return rc;
}

/* ---- where the log stands ----------------------------------------------------------------- */

uint64_t outbox_epoch(const struct outbox *box)
{
    return box->head.epoch;
}

uint64_t outbox_head_seq(const struct outbox *box)
{
    return box->head.next_seq - 1;
}

uint64_t outbox_acked_seq(const struct outbox *box)
{
    return box->head.acked_seq;
}

uint64_t outbox_oldest_seq(const struct outbox *box)
{
    return box->head.oldest_seq;
}

uint64_t outbox_taps(const struct outbox *box)
{
    return box->head.taps;
}

uint64_t outbox_bytes(struct outbox *box)
{
    uint64_t pages = 0;

    if (box->db == NULL) {
        return 0;
    }
    if (sqlite3_step(box->statements[STMT_PAGES]) == SQLITE_ROW) {
        pages = (uint64_t)sqlite3_column_int64(box->statements[STMT_PAGES], 0);
    }
    (void)sqlite3_reset(box->statements[STMT_PAGES]);
    return pages * OUTBOX_PAGE_SIZE;
}

uint64_t outbox_bytes_max(const struct outbox *box)
{
    return box->bytes_max;
}
