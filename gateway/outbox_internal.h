/*
 * outbox_internal.h - the inside of an outbox, shared by outbox.c (open, append), outbox_read.c
 * and outbox_keep.c (acks, retention).
 */
#ifndef ECM_GATEWAY_OUTBOX_INTERNAL_H
#define ECM_GATEWAY_OUTBOX_INTERNAL_H

#include <stdint.h>

#include <sqlite3.h>

#include "gateway/outbox.h"
#include "gateway/outbox_db.h"
#include "proto/messages.h"

enum statement {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_INSERT,
    STMT_ADVANCE,
    STMT_ACK,
    STMT_MARK,
    STMT_AGED,
    STMT_FORGET_MARKS,
    STMT_DELETE,
    STMT_OLDEST,
    STMT_CHAIN,
    STMT_READ,
    STMT_READ_BACK,
    STMT_PAGES,
    STMT_COUNT,
};

struct outbox {
    sqlite3 *db; /* NULL: outbox_renew() failed, everything is refused */
    sqlite3_stmt *statements[STMT_COUNT];
    struct chain *chain;
    struct outbox_head head;
    uint64_t written_acked_seq; /* what the file says; head.acked_seq may be further */
    int64_t marked_day;         /* of the last ack_mark row written, and how far it went */
    uint64_t marked_seq;
    uint64_t bytes_max;
    char path[OUTBOX_PATH_MAX];
    char device_id[DEVICE_ID_MAX + 1];
};

/* Bind a seq or a count. */
int outbox_bind(sqlite3_stmt *stmt, int index, uint64_t value);

/* Run a statement that gives no row. A SQLite code; SQLITE_OK for done. */
int outbox_run(struct outbox *box, enum statement which);

/* End the transaction: commit when all went well, else undo. Returns our code. */
int outbox_finish(struct outbox *box, int sqlite_rc);

/* Delete all before new_oldest, in one transaction. All of it must be acked. */
int outbox_prune(struct outbox *box, uint64_t new_oldest);

#endif
