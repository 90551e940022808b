/*
 * outbox_salvage.c - a new epoch from what can be read of a log.
 *
 * Files, all beside <path>; each step leaves a state from which the next start goes on:
 *
 *   <path>.salvage   being built, unsynced; a leftover of an interruption is deleted
 *   <path>.new       complete and on the medium: from here on the swap must be finished
 *   <path>.bad.<s>-wal, then <path>.bad.<s>   the old log, its WAL first: a new database must
 *                    never stand beside a foreign -wal, SQLite would play it back
 *   <path>           <path>.new under its final name
 *
 * <s> is the time <path>.new was made, so that a swap finished after a cut uses the same name.
 *
 * Which records: those the collector has not acked, as far as the old log says; all when it
 * cannot say. A record whose chain head does not follow from its predecessor is not what was
 * stored, and is left in the old file. Records are made anew under the new numbering, taps with
 * TAP_FLAG_RECOVERED: what the collector had and not yet acked arrives again under another
 * identity, and the flag with the unchanged boot id and boot time lets it see that.
 */
#include "gateway/outbox_salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/medium.h"
#include "gateway/outbox_db.h"
#include "proto/messages.h"

enum {
    NAME_MAX_SIZE = OUTBOX_PATH_MAX + 40,
    UNREADABLE_IN_ROW_MAX = 65536, /* seqs tried after the last readable one; a page holds ~25 */
    BAD_NAMES_MAX = 1000,
};

struct salvage {
    sqlite3 *old;
    sqlite3_stmt *next; /* the record from seq ?1 on */
    struct outbox *box; /* the new log */
    struct chain *chain;
    uint64_t last_seq; /* of the old log, the last one read; its chain head: */
    uint8_t last_chain[CHAIN_SIZE];
    bool has_last;
    uint64_t salvaged;
    uint64_t dropped;
};

static bool name_with(char ret_name[static NAME_MAX_SIZE], const char *path, const char *suffix)
{
    return snprintf(ret_name, NAME_MAX_SIZE, "%s%s", path, suffix) < NAME_MAX_SIZE;
}

static bool is_there(const char *name)
{
    struct stat status;

    return lstat(name, &status) == 0;
}

/* ---- the swap ----------------------------------------------------------------------------- */

/* The first free <path>.bad.<s> from the time of made on. */
static int choose_bad_name(
    const char *path, const struct stat *made, char ret_name[static NAME_MAX_SIZE])
{
    for (int i = 0; i < BAD_NAMES_MAX; i++) {
        char suffix[32] = "";

        (void)snprintf(suffix, sizeof suffix, ".bad.%lld", (long long)made->st_mtime + i);
        if (!name_with(ret_name, path, suffix)) {
            return -ENAMETOOLONG;
        }
        if (!is_there(ret_name)) {
            return 0;
        }
    }
    return -EEXIST;
}

static int move_aside(const char *path, const char *bad)
{
    char wal[NAME_MAX_SIZE] = "";
    char bad_wal[NAME_MAX_SIZE] = "";

    if (!name_with(wal, path, "-wal") || !name_with(bad_wal, bad, "-wal")) {
        return -ENAMETOOLONG;
    }
    if (rename(wal, bad_wal) != 0 && errno != ENOENT) {
        return -errno;
    }
    if (rename(path, bad) != 0 && errno != ENOENT) {
        return -errno;
    }
    return 0;
}

int outbox_finish_swap(const char *path, struct outbox_repair *ret_repair, struct err *err)
{
    char ready[NAME_MAX_SIZE] = "";
    char bad[NAME_MAX_SIZE] = "";
    struct stat made;
    int rc = 0;

    if (!name_with(ready, path, ".new") || stat(ready, &made) != 0) {
        return 0;
    }
    rc = choose_bad_name(path, &made, bad);
    if (rc == 0) {
        rc = move_aside(path, bad);
    }
    if (rc == 0 && rename(ready, path) != 0) {
        rc = -errno;
    }
    if (rc == 0) {
        rc = medium_sync_folder(path);
    }
    if (rc < 0) {
        return err_set(
            err, rc, "outbox '%s': cannot put '%s' in its place: %s", path, ready, strerror(-rc));
    }
    ret_repair->was_set_aside = true;
    (void)snprintf(ret_repair->set_aside, sizeof ret_repair->set_aside, "%s", bad);
    return 0;
}

/* ---- reading the old log ------------------------------------------------------------------ */

/*
 * Nothing is written, and closing does not play the WAL back: the files stay as they were found.
 * (SQLITE_OPEN_READONLY would be plainer, but cannot take the lock that EXCLUSIVE wants.)
 * ECM_ECORRUPT: there is nothing to take over; any other failure says nothing about the file.
 */
static int open_old(struct salvage *job, const char *path)
{
    static const char sql[] = "SELECT seq, bytes, chain FROM record WHERE seq >= ?1"
                              " ORDER BY seq LIMIT 1";
    int sqlite_rc =
        sqlite3_open_v2(path, &job->old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_extended_result_codes(job->old, 1);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_db_config(job->old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = outbox_db_exec(job->old,
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
            " PRAGMA cache_size=64");
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_prepare_v2(job->old, sql, -1, &job->next, NULL);
    }
    /* A database without our table. */
    return sqlite_rc == SQLITE_ERROR ? ECM_ECORRUPT : outbox_db_code(job->old, sqlite_rc);
}

/* Whether bytes are what was stored, as far as the record before them can tell. */
static bool follows(struct salvage *job, uint64_t seq, const void *bytes, size_t size,
    const uint8_t chain[static CHAIN_SIZE])
{
    uint8_t expected[CHAIN_SIZE] = {0};

    if (!job->has_last || seq != job->last_seq + 1) {
        return true;
    }
    chain_next(job->chain, job->last_chain, bytes, size, expected);
    return memcmp(expected, chain, CHAIN_SIZE) == 0;
}

/* Take over the row that job->next stands on. 0 also when the row was not worth it. */
static int take_over(struct salvage *job, uint64_t seq)
{
    const void *bytes = sqlite3_column_blob(job->next, 1);
    size_t size = (size_t)sqlite3_column_bytes(job->next, 1);
    const uint8_t *chain = sqlite3_column_blob(job->next, 2);
    struct record record = {0};
    bool is_good = bytes != NULL && chain != NULL &&
                   sqlite3_column_bytes(job->next, 2) == CHAIN_SIZE &&
                   follows(job, seq, bytes, size, chain);
    int rc = 0;

    job->has_last = chain != NULL && sqlite3_column_bytes(job->next, 2) == CHAIN_SIZE;
    if (job->has_last) {
        memcpy(job->last_chain, chain, CHAIN_SIZE);
        job->last_seq = seq;
    }
    if (!is_good || record_decode(bytes, size, &record) < 0 || record.seq != seq ||
        record.type == RECORD_UNKNOWN) {
        job->dropped++;
        return 0;
    }
    if (record.type == RECORD_TAP) {
        record.tap.flags |= TAP_FLAG_RECOVERED;
    }
    rc = outbox_append(job->box, &record);
    if (rc == 0) {
        job->salvaged++;
    }
    return rc;
}

/*
 * Seek record by record, so that a page that cannot be read costs what is on it and nothing
 * behind it.
 */
static int copy_records(struct salvage *job, uint64_t seq)
{
    unsigned unreadable = 0;
    int rc = 0;

    while (rc == 0 && unreadable < UNREADABLE_IN_ROW_MAX) {
        int sqlite_rc = SQLITE_OK;

        (void)sqlite3_bind_int64(job->next, 1, (sqlite3_int64)seq);
        sqlite_rc = sqlite3_step(job->next);
        if (sqlite_rc == SQLITE_ROW) {
            uint64_t found = (uint64_t)sqlite3_column_int64(job->next, 0);

            rc = take_over(job, found);
            seq = found + 1;
            unreadable = 0;
        } else if (sqlite_rc == SQLITE_DONE) {
            break;
        } else if (outbox_db_code(job->old, sqlite_rc) == ECM_ECORRUPT) {
            seq++;
            unreadable++;
        } else {
            rc = outbox_db_code(job->old, sqlite_rc);
        }
        (void)sqlite3_reset(job->next);
    }
    (void)sqlite3_reset(job->next);
    return rc;
}

static int read_old(
    struct salvage *job, const struct outbox_conf *conf, struct outbox_repair *ret_repair)
{
    char device_id[OUTBOX_DEVICE_ID_SIZE] = "";
    struct outbox_head head = {0};
    bool has_head = false;
    int rc = open_old(job, conf->path);

    if (rc < 0) {
        return rc == ECM_ECORRUPT ? 0 : rc;
    }
    has_head = outbox_db_read_log(job->old, &head, device_id) == SQLITE_OK;
    if (has_head && strcmp(device_id, conf->device_id) != 0) {
        return 0;
    }
    rc = copy_records(job, head.acked_seq + 1);
    ret_repair->salvaged = job->salvaged;
    ret_repair->lost = job->dropped;
    if (has_head && head.next_seq - 1 - head.acked_seq > job->salvaged) {
        ret_repair->lost = head.next_seq - 1 - head.acked_seq - job->salvaged;
    }
    return rc;
}

/* ---- building the new log ----------------------------------------------------------------- */

static void remove_leftovers(const char *path)
{
    static const char *const suffixes[] = {
        ".salvage-journal", ".salvage-wal", ".salvage-shm", ".salvage"};
    char name[NAME_MAX_SIZE] = "";

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (name_with(name, path, suffixes[i])) {
            (void)unlink(name);
        }
    }
}

/* After a clean close all is in the database file; make that durable under the name .new. */
static int seal(const char *path, const char *salvage)
{
    char ready[NAME_MAX_SIZE] = "";
    char wal[NAME_MAX_SIZE] = "";
    int fd = -1;
    int rc = 0;

    if (!name_with(ready, path, ".new") || !name_with(wal, salvage, "-wal")) {
        return -ENAMETOOLONG;
    }
    if (is_there(wal)) {
        return -EIO; /* the last checkpoint failed */
    }
    fd = open(salvage, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (fsync(fd) < 0) {
        rc = -errno;
    }
    (void)close(fd);
    if (rc == 0 && rename(salvage, ready) != 0) {
        rc = -errno;
    }
    return rc < 0 ? rc : medium_sync_folder(path);
}

static int fill(struct salvage *job, const struct outbox_conf *conf, const char *salvage,
    struct outbox_repair *ret_repair)
{
    const struct outbox_conf fresh = {salvage, conf->device_id, conf->bytes_max};
    int rc = 0;

    job->chain = chain_new();
    if (job->chain == NULL) {
        return -ENOMEM;
    }
    rc = outbox_open_file(&job->box, &fresh, NULL);
    if (rc < 0) {
        return rc;
    }
    /* Nobody has been promised this file yet: one fsync at the end does for all records. */
    rc = outbox_db_code(outbox_database(job->box),
        outbox_db_exec(outbox_database(job->box), "PRAGMA synchronous=OFF"));
    return rc < 0 ? rc : read_old(job, conf, ret_repair);
}

int outbox_salvage(
    const struct outbox_conf *conf, struct outbox_repair *ret_repair, struct err *err)
{
    struct salvage job = {0};
    char salvage[NAME_MAX_SIZE] = "";
    int rc = 0;

    if (!name_with(salvage, conf->path, ".salvage") || strlen(salvage) >= OUTBOX_PATH_MAX) {
        return err_set(err, -ENAMETOOLONG, "outbox '%s': the name is too long", conf->path);
    }
    remove_leftovers(conf->path);
    rc = fill(&job, conf, salvage, ret_repair);
    (void)sqlite3_finalize(job.next);
    (void)sqlite3_close(job.old);
    outbox_close(job.box);
    chain_free(job.chain);
    if (rc == 0) {
        rc = seal(conf->path, salvage);
    }
    if (rc < 0) {
        return err_set(
            err, rc, "outbox '%s': cannot build a new log beside it: %s", conf->path, err_name(rc));
    }
    return outbox_finish_swap(conf->path, ret_repair, err);
}
