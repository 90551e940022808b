/*
 * live.c - a late tap: how long from its commit until the payment feed shows what it changed.
 *
 * Usage: pay_live FOLDER STORE N
 * Imports FOLDER (one week) into a new STORE, but for the last tap of N of its people, and lets the
 * live engine work everything off. Then each of the withheld taps arrives by itself: it is committed,
 * touched, and worked off, which reads that person's week, reconciles it, and puts the rows that
 * changed. Prints us=N,N,... (each tap), changed=N (rows of the feed), kb=N (the peak of the process
 * that reconciles: a child reads the folder and fills the store).
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "collector/import/import.h"
#include "collector/live/live.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"

enum { LATE_MAX = 1000, ID_SIZE = 64 };

/* A withheld tap. */
struct late {
    int64_t recv_utc, ts_utc;
    char kind;
    char event_id[ID_SIZE], device_id[ID_SIZE], card_uid[ID_SIZE];
};

static void must(int rc, const struct err *err)
{
    if (rc < 0) {
        (void)fprintf(stderr, "pay_live: %s\n", err->text[0] != '\0' ? err->text : err_name(rc));
        exit(EXIT_FAILURE);
    }
}

static uint64_t now_us(void *user)
{
    struct timespec now;

    (void)user;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static int64_t now_utc(void *user)
{
    return *(const int64_t *)user;
}

/* ---- the child: everything but the withheld taps into the store -------------------------------- */

static void tell(FILE *stream, const struct dataset *dataset, const struct event_row *event)
{
    (void)fprintf(stream, "%" PRId64 " %" PRId64 " %c %s %s %s\n", event->recv_utc, event->ts_utc,
        event->kind, dataset_text(dataset, event->event_id),
        dataset_text(dataset, event->device_id), dataset_text(dataset, event->card_uid));
}

/* Take the last tap out of each of the first wanted devices that has one that came once. */
static void withhold(struct dataset *dataset, size_t wanted, FILE *stream)
{
    size_t *lasts = calloc(dataset_text_count(dataset), sizeof *lasts); /* 1 + index, by device */
    uint32_t *copies = calloc(dataset_text_count(dataset), sizeof *copies); /* by event */
    size_t kept = 0;
    size_t count = 0;

    if (lasts == NULL || copies == NULL) {
        must(-1, &(struct err){.text = "out of memory"});
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        lasts[dataset->events[i].device_id] = i + 1;
        copies[dataset->events[i].event_id]++;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];

        if (count < wanted && lasts[event->device_id] == i + 1 && copies[event->event_id] == 1 &&
            event->kind == 'O') {
            tell(stream, dataset, event);
            count++;
        } else {
            dataset->events[kept++] = *event;
        }
    }
    dataset->events_count = kept;
    free(lasts);
    free(copies);
}

static void prepare(const char *folder, const char *path, size_t wanted, FILE *stream)
{
    struct storage_import_counts counts;
    struct storage *storage = NULL;
    struct dataset dataset;
    struct err err = {0};

    must(dataset_init(&dataset), &err);
    must(import_path(folder, true, NULL, &dataset, &err), &err);
    (void)fprintf(stream, "%" PRId64 "\n", dataset.periods[0].run2_asof_utc);
    withhold(&dataset, wanted, stream);
    must(storage_sqlite_open(&storage, path, 0, &err), &err);
    must(storage->ops->import(storage, &dataset, dataset.periods[0].run2_asof_utc, &counts, &err),
        &err);
    storage_close(storage);
    dataset_done(&dataset);
}

/* The number of taps; the child has ended. */
static size_t prepare_aside(
    char *const *argv, size_t wanted, int64_t *ret_asof_utc, struct late *ret_late)
{
    int ends[2] = {-1, -1};
    FILE *stream = NULL;
    pid_t child = 0;
    size_t count = 0;
    int status = -1;

    must(pipe(ends), &(struct err){.text = "no pipe"});
    child = fork();
    must(child, &(struct err){.text = "no process"});
    if (child == 0) {
        (void)close(ends[0]);
        stream = fdopen(ends[1], "w");
        must(stream == NULL ? -1 : 0, &(struct err){.text = "no stream"});
        prepare(argv[1], argv[2], wanted, stream);
        exit(fclose(stream) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    (void)close(ends[1]);
    stream = fdopen(ends[0], "r");
    must(stream == NULL ? -1 : 0, &(struct err){.text = "no stream"});
    if (fscanf(stream, "%" SCNd64, ret_asof_utc) == 1) {
        struct late *late = ret_late;

        while (count < wanted && fscanf(stream, "%" SCNd64 " %" SCNd64 " %c %63s %63s %63s",
                                     &late->recv_utc, &late->ts_utc, &late->kind, late->event_id,
                                     late->device_id, late->card_uid) == 6) {
            late = &ret_late[++count];
        }
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        must(-1, &(struct err){.text = "the store could not be filled"});
    }
    (void)fclose(stream);
    return count;
}

/* ---- the parent ------------------------------------------------------------------------------ */

static text_id carry(struct dataset *to, const char *text)
{
    text_id ret = 0;

    must(dataset_intern(to, text, strlen(text), &ret), &(struct err){.text = ""});
    return ret;
}

/* Commit one tap. */
static void arrive(struct storage *storage, const struct late *late, int64_t asof_utc)
{
    struct event_row row = {.recv_utc = late->recv_utc, .ts_utc = late->ts_utc, .kind = late->kind};
    struct storage_import_counts counts;
    struct dataset one;
    struct err err = {0};

    must(dataset_init(&one), &err);
    row.event_id = carry(&one, late->event_id);
    row.device_id = carry(&one, late->device_id);
    row.card_uid = carry(&one, late->card_uid);
    must(dataset_add_event(&one, &row), &err);
    must(storage->ops->import(storage, &one, asof_utc, &counts, &err), &err);
    dataset_done(&one);
}

static void work_off(struct live *live)
{
    while (live_has_work(live)) {
        must(live_run(live, 1000000), &(struct err){.text = "live"});
    }
}

int main(int argc, char **argv)
{
    static struct late late[LATE_MAX + 1];
    size_t wanted = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    size_t count = 0;
    struct storage *storage = NULL;
    struct live *live = NULL;
    int64_t asof_utc = 0;
    struct live_ports ports = {.now_utc = now_utc, .now_us = now_us, .user = &asof_utc};
    struct rusage usage = {.ru_maxrss = 0};
    struct err err = {0};
    uint64_t changed = 0;

    if (wanted == 0 || wanted > LATE_MAX) {
        (void)fprintf(stderr, "usage: pay_live FOLDER STORE N, N at most %d\n", LATE_MAX);
        return 2;
    }
    count = prepare_aside(argv, wanted, &asof_utc, late);
    must(storage_sqlite_open(&storage, argv[2], 0, &err), &err);
    ports.storage = storage;
    must(live_open(&live, &ports, &err), &err);
    work_off(live);
    changed = live_counts(live).verdicts;
    for (size_t i = 0; i < count; i++) {
        uint64_t from_us = 0;

        arrive(storage, &late[i], asof_utc);
        from_us = now_us(NULL);
        must(live_touch(live, late[i].device_id, late[i].ts_utc, late[i].ts_utc), &err);
        work_off(live);
        (void)printf("%s%" PRIu64, i == 0 ? "us=" : ",", now_us(NULL) - from_us);
    }
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf(
        " changed=%" PRIu64 " kb=%ld\n", live_counts(live).verdicts - changed, usage.ru_maxrss);
    live_close(live);
    storage_close(storage);
    return 0;
}
