/*
 * outbox_salvage.h - from a log that cannot be continued to a new epoch, without losing a record.
 *
 * Used by outbox.c only.
 */
#ifndef ECM_GATEWAY_OUTBOX_SALVAGE_H
#define ECM_GATEWAY_OUTBOX_SALVAGE_H

#include <sqlite3.h>

#include "gateway/outbox.h"

/* outbox.c: open without repairing; ECM_ECORRUPT is an error here. */
int outbox_open_file(struct outbox **ret_box, const struct outbox_conf *conf, struct err *err);

/* outbox.c: the connection inside. */
sqlite3 *outbox_database(struct outbox *box);

/*
 * Build a new log from the unacked records of the file at conf->path and put it in its place; the
 * old file and its -wal stay as <path>.bad.<unix s>. No connection to path may be open. Can be
 * interrupted anywhere: outbox_finish_swap() or another call completes it.
 */
int outbox_salvage(
    const struct outbox_conf *conf, struct outbox_repair *ret_repair, struct err *err);

/* Complete a swap that a power cut interrupted. Called before each open. 0 or -errno. */
int outbox_finish_swap(const char *path, struct outbox_repair *ret_repair, struct err *err);

#endif
