/*
 * outbox_db.h - one outbox file as a SQLite connection with the settings that durability needs.
 *
 * Used by the files of the outbox and of relayed logs only.
 */
#ifndef ECM_GATEWAY_OUTBOX_DB_H
#define ECM_GATEWAY_OUTBOX_DB_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/chain.h"
#include "gateway/outbox.h"

enum { OUTBOX_PAGE_SIZE = 4096, OUTBOX_DEVICE_ID_SIZE = 64 };

/* The row of table log: where this log stands. */
struct outbox_head {
    uint64_t epoch;
    uint64_t next_seq;
    uint64_t acked_seq;
    uint64_t oldest_seq;
    uint64_t taps;
    uint8_t chain_before_oldest[CHAIN_SIZE];
    uint8_t chain[CHAIN_SIZE]; /* after record next_seq - 1 */
};

/*
 * Our code for an extended SQLite result. SQLITE_OK, _ROW and _DONE give 0; what cannot be read
 * back is ECM_ECORRUPT like what reads back wrong.
 */
int outbox_db_code(sqlite3 *db, int sqlite_rc);

/* Run one or more statements whose rows nobody wants. A SQLite code. */
int outbox_db_exec(sqlite3 *db, const char *sql);

/*
 * The first column of the first row of sql as text, cut to fit size bytes. A SQLite code: SQLITE_OK,
 * or SQLITE_DONE when there is no row; unless SQLITE_OK, ret_text is left as it was.
 */
int outbox_db_ask(sqlite3 *db, const char *sql, char *ret_text, size_t size);

/*
 * Open path (creating it when absent), set and read back every setting. What the file is stays open.
 * The close after it leaves the WAL as it is, until SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE is set to 0.
 */
int outbox_db_connect(sqlite3 **ret_db, const struct outbox_conf *conf, struct err *err);

/* Write the WAL and the folder's entry once more; see the function. Only with the file locked. */
int outbox_db_make_durable(const char *path, struct err *err);

/*
 * Open path, set and read back every setting, create the tables when the file is new, check it
 * and load its head. ECM_ECORRUPT when the content is damaged; else as outbox_open().
 */
int outbox_db_open(sqlite3 **ret_db, const struct outbox_conf *conf, struct outbox_head *ret_head,
    struct err *err);

/* Read the row of table log, all but head.chain. A SQLite code; SQLITE_CORRUPT when it makes no
 * sense. */
int outbox_db_read_log(
    sqlite3 *db, struct outbox_head *ret_head, char ret_device_id[static OUTBOX_DEVICE_ID_SIZE]);

#endif
