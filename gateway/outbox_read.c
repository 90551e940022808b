/*
 * outbox_read.c - reading the log, forwards with the chain checked and backwards without.
 */
#include "gateway/outbox.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "gateway/outbox_internal.h"

int outbox_chain_at(struct outbox *box, uint64_t seq, uint8_t ret_head[static CHAIN_SIZE])
{
    sqlite3_stmt *stmt = box->statements[STMT_CHAIN];
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    if (box->db == NULL || seq + 1 < box->head.oldest_seq || seq >= box->head.next_seq) {
        return -ENOENT;
    }
    if (seq + 1 == box->head.oldest_seq) {
        memcpy(ret_head, box->head.chain_before_oldest, CHAIN_SIZE);
        return 0;
    }
    (void)outbox_bind(stmt, 1, seq);
    sqlite_rc = sqlite3_step(stmt);
    if (sqlite_rc != SQLITE_ROW) {
        rc = sqlite_rc == SQLITE_DONE ? ECM_ECORRUPT : outbox_db_code(box->db, sqlite_rc);
    } else if (sqlite3_column_bytes(stmt, 0) != CHAIN_SIZE) {
        rc = ECM_ECORRUPT;
    } else {
        memcpy(ret_head, sqlite3_column_blob(stmt, 0), CHAIN_SIZE);
    }
    (void)sqlite3_reset(stmt);
    return rc;
}

/* The row stmt stands on. false when its columns are not what we store. */
static bool take_item(sqlite3_stmt *stmt, struct outbox_item *ret_item)
{
    const struct outbox_item item = {
        .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
        .bytes = sqlite3_column_blob(stmt, 1),
        .size = (size_t)sqlite3_column_bytes(stmt, 1),
        .chain = sqlite3_column_blob(stmt, 2),
    };

    *ret_item = item;
    return item.bytes != NULL && item.chain != NULL && sqlite3_column_bytes(stmt, 2) == CHAIN_SIZE;
}

/* Show what stmt gives, from seq on without a gap and each following from head. */
static int read_checked(struct outbox *box, sqlite3_stmt *stmt, uint64_t seq,
    uint8_t head[static CHAIN_SIZE], outbox_visit visit, void *user)
{
    for (; seq < box->head.next_seq; seq++) {
        struct outbox_item item = {0};
        int sqlite_rc = sqlite3_step(stmt);

        if (sqlite_rc != SQLITE_ROW && sqlite_rc != SQLITE_DONE) {
            return outbox_db_code(box->db, sqlite_rc);
        }
        if (sqlite_rc == SQLITE_DONE || !take_item(stmt, &item) || item.seq != seq) {
            return ECM_ECORRUPT;
        }
        chain_next(box->chain, head, item.bytes, item.size, head);
        if (memcmp(head, item.chain, CHAIN_SIZE) != 0) {
            return ECM_ECORRUPT;
        }
        if (!visit(user, &item)) {
            break;
        }
    }
    return 0;
}

int outbox_read(struct outbox *box, uint64_t from_seq, outbox_visit visit, void *user)
{
    sqlite3_stmt *stmt = box->statements[STMT_READ];
    uint8_t head[CHAIN_SIZE] = {0};
    int rc = from_seq == 0 ? -ENOENT : outbox_chain_at(box, from_seq - 1, head);

    if (rc < 0) {
        return rc;
    }
    (void)outbox_bind(stmt, 1, from_seq);
    rc = read_checked(box, stmt, from_seq, head, visit, user);
    (void)sqlite3_reset(stmt);
    return rc;
}

int outbox_read_back(struct outbox *box, outbox_visit visit, void *user)
{
    sqlite3_stmt *stmt = box->statements[STMT_READ_BACK];
    struct outbox_item item = {0};
    int sqlite_rc = SQLITE_ROW;

    if (box->db == NULL) {
        return -EIO;
    }
    while (sqlite_rc == SQLITE_ROW) {
        sqlite_rc = sqlite3_step(stmt);
        if (sqlite_rc == SQLITE_ROW && (!take_item(stmt, &item) || !visit(user, &item))) {
            break;
        }
    }
    (void)sqlite3_reset(stmt);
    return outbox_db_code(box->db, sqlite_rc);
}
