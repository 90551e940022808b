/*
 * cut_writer.c - what test_ext4.py cuts the power under, and what looks afterwards.
 *
 *   cut_writer outbox PATH PAUSE_US   append for ever; a line "SEQ" after each confirmed record
 *   cut_writer store PATH PAUSE_US    take batches for ever; a line "THROUGH" after each commit
 *   cut_writer check-outbox PATH      one line: EPOCH OLDEST HEAD ACKED SET_ASIDE; fails when a record
 *                                     is not the one appended or the chain does not hold
 *   cut_writer check-store PATH       one line: THROUGH; fails when batches and mark disagree
 *   cut_writer control PATH PAUSE_US  the same without any sync: a cut must lose some of it
 *   cut_writer check-control PATH     one line: how many there are
 *   cut_writer full-outbox PATH FILLER, full-store PATH FILLER
 *                                     what happens when the file FILLER fills the file system
 *   cut_writer figures PATH COUNT     append COUNT records, one by one; a line of bytes written
 *
 * Lines go out with one write(2) each: what was said is said, however it ends.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "gateway/outbox.h"
#include "proto/messages.h"

enum {
    ACKED_BEHIND = 40,
    HOUSE_EVERY = 16,
    BATCH_BYTES = 2000,
    BATCH_RECORDS = 5,
    BEFORE_FULL = 300
};

static void say(uint64_t number)
{
    char line[32];
    int size = snprintf(line, sizeof line, "%" PRIu64 "\n", number);

    if (write(STDOUT_FILENO, line, (size_t)size) != size) {
        exit(1);
    }
}

static int fail(const char *what, int code, const struct err *err)
{
    (void)fprintf(stderr, "cut_writer: %s: %s %s\n", what, err_name(code), err->text);
    return 1;
}

static void pause_us(long us)
{
    const struct timespec pause = {us / 1000000, us % 1000000 * 1000};

    if (us > 0) {
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- the outbox --------------------------------------------------------------------------- */

/* The record that seq must be. */
static struct record make_record(uint64_t seq)
{
    struct record record = {.seq = seq,
        .type = RECORD_TAP,
        .boot_id = 7,
        .boot_ms = seq,
        .wall_ms = 1603065600000 + (int64_t)seq,
        .wall_trust = WALL_SYNCED,
        .tap = {.reader = "spi0", .uid_size = 7, .direction = TAP_IN, .tech = TAP_TECH_TYPE2}};

    memcpy(record.tap.uid, &seq, 7);
    return record;
}

static int open_outbox(struct outbox **ret_box, const char *path, struct outbox_repair *ret_repair)
{
    const struct outbox_conf conf = {path, "gw-cut", OUTBOX_BYTES_DEFAULT};
    struct err err = {.text = ""};
    int rc = outbox_open(ret_box, &conf, ret_repair, &err);

    return rc < 0 ? fail("open", rc, &err) : 0;
}

static int write_outbox(const char *path, long wait_us)
{
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err none = {.text = ""};

    if (open_outbox(&box, path, &repair) != 0) {
        return 1;
    }
    for (;;) {
        uint64_t seq = outbox_head_seq(box) + 1;
        struct record record = make_record(seq);
        int rc = outbox_append(box, &record);

        if (rc < 0) {
            outbox_close(box);
            return fail("append", rc, &none);
        }
        say(record.seq);
        if (seq > ACKED_BEHIND && seq % HOUSE_EVERY == 0) {
            (void)outbox_ack(box, seq - ACKED_BEHIND);
            (void)outbox_keep_house(box, record.wall_ms, 90);
        }
        pause_us(wait_us);
    }
}

static bool is_as_made(void *user, const struct outbox_item *item)
{
    uint64_t *good = user;
    struct record record = make_record(item->seq);
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 0;

    if (record_encode(&record, bytes, sizeof bytes, &size) == 0 && size == item->size &&
        memcmp(bytes, item->bytes, size) == 0) {
        (*good)++;
    }
    return true;
}

static int check_outbox(const char *path)
{
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err none = {.text = ""};
    uint64_t good = 0;
    int rc = open_outbox(&box, path, &repair);

    if (rc != 0) {
        return 1;
    }
    rc = outbox_read(box, outbox_oldest_seq(box), is_as_made, &good);
    (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n", outbox_epoch(box),
        outbox_oldest_seq(box), outbox_head_seq(box), outbox_acked_seq(box),
        repair.was_set_aside ? 1 : 0);
    if (rc == 0 && good != outbox_head_seq(box) + 1 - outbox_oldest_seq(box)) {
        rc = ECM_ECORRUPT;
    }
    outbox_close(box);
    return rc < 0 ? fail("a record is not what was appended", rc, &none) : 0;
}

/* ---- the store ---------------------------------------------------------------------------- */

static int open_store(struct storage **ret_storage, const char *path)
{
    struct err err = {.text = ""};
    int rc = storage_sqlite_open(ret_storage, path, 0, &err);

    return rc < 0 ? fail("open", rc, &err) : 0;
}

static int take_batch(struct storage *storage, uint64_t *ret_through)
{
    static const uint8_t head[STORAGE_HASH_SIZE] = {1};
    uint8_t bytes[BATCH_BYTES];
    struct storage_log log;
    struct storage_batch batch = {
        .record_count = BATCH_RECORDS, .bytes = bytes, .size = sizeof bytes, .first_tap_utc = 1};
    int rc = storage->ops->begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = storage->ops->log_get(storage, "GW-1", 5, head, &log);
    if (rc == 0) {
        batch.log_id = log.log_id;
        batch.first_seq = log.through_seq + 1;
        memset(bytes, (int)(batch.first_seq % 251), sizeof bytes);
        rc = storage->ops->batch_append(storage, &batch);
    }
    if (rc == 0) {
        rc = storage->ops->commit(storage);
    }
    if (rc < 0) {
        storage->ops->rollback(storage);
        return rc;
    }
    *ret_through = batch.first_seq + BATCH_RECORDS - 1;
    return 0;
}

static int write_store(const char *path, long wait_us)
{
    struct storage *storage = NULL;
    struct err none = {.text = ""};

    if (open_store(&storage, path) != 0) {
        return 1;
    }
    for (;;) {
        uint64_t through = 0;
        int rc = take_batch(storage, &through);

        if (rc < 0) {
            storage_close(storage);
            return fail("batch", rc, &none);
        }
        say(through);
        pause_us(wait_us);
    }
}

/* Batches lie end to end, with their bytes, and the mark is where the last one ends. */
static int check_store(const char *path)
{
    static const char sql[] = "SELECT first_seq, record_count, bytes,"
                              " (SELECT max(through_seq) FROM log) FROM batch ORDER BY batch_id";
    struct storage *storage = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    uint64_t through = 0;
    uint64_t mark = 0;
    bool is_good = true;

    if (open_store(&storage, path) != 0) {
        return 1;
    }
    storage_close(storage);
    (void)sqlite3_open(path, &db);
    (void)sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        uint64_t first_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        uint8_t bytes[BATCH_BYTES];

        memset(bytes, (int)(first_seq % 251), sizeof bytes);
        is_good = is_good && first_seq == through + 1 &&
                  sqlite3_column_bytes(stmt, 2) == BATCH_BYTES &&
                  memcmp(bytes, sqlite3_column_blob(stmt, 2), BATCH_BYTES) == 0;
        through = first_seq + (uint64_t)sqlite3_column_int64(stmt, 1) - 1;
        mark = (uint64_t)sqlite3_column_int64(stmt, 3);
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL);
    is_good = is_good && sqlite3_step(stmt) == SQLITE_ROW && mark == through &&
              strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    say(through);
    return is_good ? 0 : 1;
}

/* ---- the control -------------------------------------------------------------------------- */

static int write_control(const char *path, long wait_us)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat status = {0};
    uint64_t number = 0;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return 1;
    }
    for (number = (uint64_t)status.st_size / sizeof number + 1;; number++) {
        if (write(fd, &number, sizeof number) != (ssize_t)sizeof number) {
            return 1;
        }
        say(number);
        pause_us(wait_us);
    }
}

static int check_control(const char *path)
{
    struct stat status = {0};

    say(stat(path, &status) < 0 ? 0 : (uint64_t)status.st_size / sizeof(uint64_t));
    return 0;
}

/* ---- a full disk -------------------------------------------------------------------------- */

/* Take every block that is left. */
static void fill_disk(const char *filler)
{
    static const char bytes[65536];
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    for (size_t size = sizeof bytes; size > 0; size /= 2) {
        while (write(fd, bytes, size) == (ssize_t)size) {
        }
    }
    (void)fsync(fd);
    (void)close(fd);
}

/* Say what came out; false when it is not what storage.h and outbox.h promise. */
static bool is_expected(const char *what, int rc, int wanted)
{
    (void)printf("%s: %s\n", what, rc == 0 ? "done" : err_name(rc));
    (void)fflush(stdout);
    return rc == wanted;
}

static int append_next(struct outbox *box)
{
    struct record record = make_record(outbox_head_seq(box) + 1);

    return outbox_append(box, &record);
}

static int fill_under_outbox(const char *path, const char *filler)
{
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    uint64_t promised = 0;
    uint64_t good = 0;
    bool is_good = true;
    int rc = open_outbox(&box, path, &repair);

    for (int i = 0; rc == 0 && i < BEFORE_FULL; i++) {
        rc = append_next(box);
    }
    if (rc != 0) {
        return 1;
    }
    fill_disk(filler);
    while (rc == 0) {
        rc = append_next(box);
    }
    promised = outbox_head_seq(box);
    (void)printf(
        "records taken by what was already allocated: %" PRIu64 "\n", promised - BEFORE_FULL);
    is_good = is_expected("append on a full disk", rc, ECM_EFULL) && is_good;
    is_good = is_expected("ack on a full disk", outbox_ack(box, promised), 0) && is_good;
    rc = outbox_keep_house(box, 1603065600000, 90);
    is_good = is_expected("keep house on a full disk", rc, rc == 0 ? 0 : ECM_EFULL) && is_good;
    outbox_close(box);
    box = NULL;
    is_good = is_expected("start on a full disk", open_outbox(&box, path, &repair), 0) && is_good;
    if (box == NULL || repair.was_set_aside) {
        return 1;
    }
    is_good = is_expected("append after that", append_next(box), ECM_EFULL) && is_good;
    (void)unlink(filler);
    is_good = is_expected("append with space again", append_next(box), 0) && is_good;
    is_good =
        is_expected("keep house with space again", outbox_keep_house(box, 1603065600000, 90), 0) &&
        is_good;
    is_good = is_expected("delete by age", outbox_keep_house(box, 1703065600000, 90), 0) && is_good;
    is_good = outbox_oldest_seq(box) == promised + 1 && is_good;
    outbox_close(box);
    rc = open_outbox(&box, path, &repair);
    is_good = is_good && rc == 0 && !repair.was_set_aside &&
              outbox_read(box, outbox_oldest_seq(box), is_as_made, &good) == 0 && good == 1;
    outbox_close(rc == 0 ? box : NULL);
    return is_good ? 0 : 1;
}

static int count_log(void *user, const struct storage_log *log)
{
    *(uint64_t *)user = log->through_seq;
    return 0;
}

static int fill_under_store(const char *path, const char *filler)
{
    struct storage *storage = NULL;
    struct storage *second = NULL;
    uint64_t through = 0;
    uint64_t found = 0;
    bool is_good = true;
    int rc = open_store(&storage, path);

    for (int i = 0; rc == 0 && i < 20; i++) {
        rc = take_batch(storage, &through);
    }
    if (rc != 0) {
        return 1;
    }
    /* The disk fills inside a transaction: what began with room may not end. */
    rc = storage->ops->begin(storage);
    fill_disk(filler);
    for (int i = 0; rc == 0 && i < 4000; i++) {
        static const uint8_t bytes[BATCH_BYTES] = {1};
        const struct storage_quarantined message = {
            .topic = "t", .reason = "r", .bytes = bytes, .size = sizeof bytes};

        rc = storage->ops->quarantine(storage, &message, 0);
    }
    rc = rc == 0 ? storage->ops->commit(storage) : rc;
    storage->ops->rollback(storage);
    is_good = is_expected("a transaction that runs out of space", rc, ECM_EFULL) && is_good;
    is_good =
        is_expected("a batch on a full disk", take_batch(storage, &found), ECM_EFULL) && is_good;
    rc = storage->ops->logs(storage, count_log, &found);
    is_good = is_expected("reading on a full disk", rc, 0) && found == through && is_good;
    rc = storage_sqlite_open(&second, path, 0, NULL);
    is_good = is_expected("opening on a full disk", rc, ECM_EFULL) && is_good;
    (void)unlink(filler);
    is_good = is_expected("a batch with space again", take_batch(storage, &through), 0) && is_good;
    storage_close(storage);
    return is_good ? 0 : 1;
}

/* ---- figures ------------------------------------------------------------------------------ */

/* What this process has handed to write(2) and its like, in bytes. */
static uint64_t bytes_written(void)
{
    char line[80];
    uint64_t bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");

    while (io != NULL && fgets(line, sizeof line, io) != NULL) {
        if (strncmp(line, "wchar: ", 7) == 0) {
            bytes = strtoull(line + 7, NULL, 10);
        }
    }
    if (io != NULL) {
        (void)fclose(io);
    }
    return bytes;
}

static int print_figures(const char *path, uint64_t count)
{
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err none = {.text = ""};
    uint64_t before = 0;

    if (open_outbox(&box, path, &repair) != 0) {
        return 1;
    }
    before = bytes_written();
    for (uint64_t i = 0; i < count; i++) {
        struct record record = make_record(outbox_head_seq(box) + 1);
        int rc = outbox_append(box, &record);

        if (rc < 0) {
            return fail("append", rc, &none);
        }
    }
    (void)printf("%" PRIu64 " records, %" PRIu64 " bytes written each\n", count,
        (bytes_written() - before) / count);
    outbox_close(box);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    long number = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

    if (strcmp(what, "outbox") == 0) {
        return write_outbox(argv[2], number);
    }
    if (strcmp(what, "store") == 0) {
        return write_store(argv[2], number);
    }
    if (strcmp(what, "check-outbox") == 0) {
        return check_outbox(argv[2]);
    }
    if (strcmp(what, "check-store") == 0) {
        return check_store(argv[2]);
    }
    if (strcmp(what, "control") == 0) {
        return write_control(argv[2], number);
    }
    if (strcmp(what, "check-control") == 0) {
        return check_control(argv[2]);
    }
    if (strcmp(what, "full-outbox") == 0 && argc > 3) {
        return fill_under_outbox(argv[2], argv[3]);
    }
    if (strcmp(what, "full-store") == 0 && argc > 3) {
        return fill_under_store(argv[2], argv[3]);
    }
    if (strcmp(what, "figures") == 0 && number > 0) {
        return print_figures(argv[2], (uint64_t)number);
    }
    (void)fprintf(stderr, "cut_writer: see the comment in cut_writer.c\n");
    return 2;
}
