/*
 * floor.c - what the disk and SQLite alone can do with the same bytes and the same commits.
 *
 * Usage: collector_floor DIR BATCHES BATCH_BYTES BATCHES_PER_COMMIT
 * Prints batches a second of a bare append-only SQLite table (WAL, FULL) and of append + fdatasync.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "collector_floor: %s\n", what);
    exit(1);
}

static void must(int sqlite_rc, int wanted)
{
    if (sqlite_rc != wanted) {
        die(sqlite3_errstr(sqlite_rc));
    }
}

static double by_sqlite(
    const char *folder, long batches, const uint8_t *bytes, long size, long per_commit)
{
    char path[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    double from = 0;

    (void)snprintf(path, sizeof path, "%s/floor.db", folder);
    must(sqlite3_open(path, &db), SQLITE_OK);
    must(sqlite3_exec(db,
             "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
             "PRAGMA wal_autocheckpoint=4000; CREATE TABLE batch(batch_id INTEGER PRIMARY KEY,"
             " bytes BLOB)",
             NULL, NULL, NULL),
        SQLITE_OK);
    must(sqlite3_prepare_v2(db, "INSERT INTO batch(bytes) VALUES (?1)", -1, &insert, NULL),
        SQLITE_OK);
    from = now_s();
    for (long i = 0; i < batches; i++) {
        if (i % per_commit == 0) {
            must(sqlite3_exec(db, i == 0 ? "BEGIN" : "COMMIT; BEGIN", NULL, NULL, NULL), SQLITE_OK);
        }
        (void)sqlite3_bind_blob(insert, 1, bytes, (int)size, SQLITE_STATIC);
        must(sqlite3_step(insert), SQLITE_DONE);
        must(sqlite3_reset(insert), SQLITE_OK);
    }
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    from = now_s() - from;
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return (double)batches / from;
}

static double by_append(
    const char *folder, long batches, const uint8_t *bytes, long size, long per_commit)
{
    char path[512];
    double from = 0;
    int fd = 0;

    (void)snprintf(path, sizeof path, "%s/floor.log", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    from = now_s();
    for (long i = 0; i < batches; i++) {
        if (write(fd, bytes, (size_t)size) != size) {
            die("write failed");
        }
        if ((i % per_commit == per_commit - 1 || i == batches - 1) && fdatasync(fd) != 0) {
            die("fdatasync failed");
        }
    }
    from = now_s() - from;
    (void)close(fd);
    return (double)batches / from;
}

int main(int argc, char **argv)
{
    long batches = argc == 5 ? atol(argv[2]) : 0;
    long size = argc == 5 ? atol(argv[3]) : 0;
    long per_commit = argc == 5 ? atol(argv[4]) : 0;
    uint8_t *bytes = size > 0 ? malloc((size_t)size) : NULL;

    if (batches < 1 || per_commit < 1 || bytes == NULL) {
        die("usage: collector_floor DIR BATCHES BATCH_BYTES BATCHES_PER_COMMIT");
    }
    for (long i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    (void)printf("sqlite_batches_per_s=%.0f append_batches_per_s=%.0f\n",
        by_sqlite(argv[1], batches, bytes, size, per_commit),
        by_append(argv[1], batches, bytes, size, per_commit));
    free(bytes);
    return 0;
}
