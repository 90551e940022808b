/*
 * outbox_keep.c - acks, and how long acked records stay.
 *
 * An ack moves memory only: what is lost of it in a power cut is told again by the collector, and
 * a second fsync a tap would wear the card and delay the next one. ack_mark says by when something
 * was acked; it costs a row a day, where a date in each record would cost a write each.
 */
#include "gateway/outbox.h"

#include <errno.h>
#include <string.h>

#include "gateway/outbox_internal.h"

enum {
    PRUNE_BY_AGE_MAX = 4096, /* a bound on how long one outbox_keep_house() takes */
    DAY_MS = 24 * 3600 * 1000,
};

int outbox_ack(struct outbox *box, uint64_t seq)
{
    if (seq >= box->head.next_seq) {
        return -EINVAL;
    }
    if (seq > box->head.acked_seq) {
        box->head.acked_seq = seq;
    }
    return 0;
}

void outbox_unack(struct outbox *box, uint64_t seq)
{
    if (seq < box->head.acked_seq) {
        box->head.acked_seq = seq;
    }
}

int outbox_prune(struct outbox *box, uint64_t new_oldest)
{
    uint8_t before[CHAIN_SIZE] = {0};
    int rc = outbox_chain_at(box, new_oldest - 1, before);
    int sqlite_rc = SQLITE_OK;

    if (rc < 0) {
        return rc;
    }
    sqlite_rc = outbox_run(box, STMT_BEGIN);
    if (sqlite_rc == SQLITE_OK) {
        (void)outbox_bind(box->statements[STMT_DELETE], 1, new_oldest);
        sqlite_rc = outbox_run(box, STMT_DELETE);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite3_stmt *stmt = box->statements[STMT_OLDEST];

        (void)outbox_bind(stmt, 1, new_oldest);
        (void)sqlite3_bind_blob(stmt, 2, before, CHAIN_SIZE, SQLITE_STATIC);
        (void)outbox_bind(stmt, 3, box->head.acked_seq);
        sqlite_rc = outbox_run(box, STMT_OLDEST);
    }
    rc = outbox_finish(box, sqlite_rc);
    if (rc == 0) {
        box->head.oldest_seq = new_oldest;
        memcpy(box->head.chain_before_oldest, before, CHAIN_SIZE);
        box->written_acked_seq = box->head.acked_seq;
    }
    return rc;
}

/* Write down how far the collector is, and on which day it was so. */
static int write_ack(struct outbox *box, int64_t day)
{
    int sqlite_rc = outbox_run(box, STMT_BEGIN);
    int rc = 0;

    if (sqlite_rc == SQLITE_OK) {
        (void)outbox_bind(box->statements[STMT_ACK], 1, box->head.acked_seq);
        sqlite_rc = outbox_run(box, STMT_ACK);
    }
    if (sqlite_rc == SQLITE_OK && day > 0) {
        (void)sqlite3_bind_int64(box->statements[STMT_MARK], 1, day);
        (void)outbox_bind(box->statements[STMT_MARK], 2, box->head.acked_seq);
        sqlite_rc = outbox_run(box, STMT_MARK);
    }
    rc = outbox_finish(box, sqlite_rc);
    if (rc == 0) {
        box->written_acked_seq = box->head.acked_seq;
        if (day > 0) {
            box->marked_day = day;
            box->marked_seq = box->head.acked_seq;
        }
    }
    return rc;
}

/* Delete what was acked on or before day. */
static int prune_aged(struct outbox *box, int64_t day)
{
    sqlite3_stmt *stmt = box->statements[STMT_AGED];
    uint64_t through = 0;
    int sqlite_rc = SQLITE_OK;

    (void)sqlite3_bind_int64(stmt, 1, day);
    sqlite_rc = sqlite3_step(stmt);
    if (sqlite_rc == SQLITE_ROW) {
        through = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_reset(stmt);
    /* After outbox_unack() a mark may be further than what the collector now has. */
    if (through > box->head.acked_seq) {
        through = box->head.acked_seq;
    }
    if (sqlite_rc != SQLITE_ROW || through < box->head.oldest_seq) {
        return outbox_db_code(box->db, sqlite_rc);
    }
    if (through >= box->head.oldest_seq + PRUNE_BY_AGE_MAX) {
        return outbox_prune(box, box->head.oldest_seq + PRUNE_BY_AGE_MAX);
    }
    (void)sqlite3_bind_int64(box->statements[STMT_FORGET_MARKS], 1, day);
    sqlite_rc = outbox_run(box, STMT_FORGET_MARKS);
    if (sqlite_rc != SQLITE_OK) {
        return outbox_db_code(box->db, sqlite_rc);
    }
    return outbox_prune(box, through + 1);
}

int outbox_keep_house(struct outbox *box, int64_t wall_ms, unsigned keep_days)
{
    int64_t today = wall_ms > 0 ? wall_ms / DAY_MS : 0;
    bool is_mark_due = today > 0 && box->head.acked_seq > box->marked_seq;
    int rc = 0;

    if (box->db == NULL) {
        return -EIO;
    }
    if (box->head.acked_seq != box->written_acked_seq || is_mark_due) {
        rc = write_ack(box, is_mark_due ? today : 0);
    }
    if (rc == 0 && today > (int64_t)keep_days) {
        rc = prune_aged(box, today - (int64_t)keep_days);
    }
    return rc;
}
