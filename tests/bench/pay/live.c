/*
 * live.c - a late tap: how long from its commit until the payment feed shows what it changed.
 *
 * Usage: pay_live FOLDER STORE N
 * Imports FOLDER (one week) into a new STORE, but for the last tap of N of its people, and lets the
 * live engine work everything off. Then each of the withheld taps arrives by itself: it is committed,
 * touched, and worked off, which reads that person's week, reconciles it, and puts the rows that
 * changed. Prints us=N,N,... (each tap), changed=N (rows of the feed).
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/import/import.h"
#include "collector/live/live.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"

enum { LATE_MAX = 1000 };

struct late {
    struct event_row events[LATE_MAX];
    size_t count, wanted;
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
    const struct dataset *dataset = user;

    return dataset->periods[0].run2_asof_utc;
}

/* Take the last tap out of each of the first wanted devices that has one that came once. */
static void withhold(struct dataset *dataset, struct late *late)
{
    size_t *lasts = calloc(dataset_text_count(dataset), sizeof *lasts); /* 1 + index, by device */
    uint32_t *copies = calloc(dataset_text_count(dataset), sizeof *copies); /* by event */
    size_t kept = 0;

    if (lasts == NULL || copies == NULL) {
        must(-1, &(struct err){.text = "out of memory"});
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        lasts[dataset->events[i].device_id] = i + 1;
        copies[dataset->events[i].event_id]++;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];

        if (late->count < late->wanted && lasts[event->device_id] == i + 1 &&
            copies[event->event_id] == 1 && event->kind == 'O') {
            late->events[late->count++] = *event;
        } else {
            dataset->events[kept++] = *event;
        }
    }
    dataset->events_count = kept;
    free(lasts);
    free(copies);
}

static text_id carry(struct dataset *to, const struct dataset *from, text_id id)
{
    text_id ret = 0;

    must(dataset_intern(to, dataset_text(from, id), dataset_text_size(from, id), &ret),
        &(struct err){.text = ""});
    return ret;
}

/* Commit one tap. */
static void arrive(
    struct storage *storage, const struct dataset *all, const struct event_row *event)
{
    struct storage_import_counts counts;
    struct event_row row = *event;
    struct dataset one;
    struct err err = {0};

    must(dataset_init(&one), &err);
    row.event_id = carry(&one, all, event->event_id);
    row.device_id = carry(&one, all, event->device_id);
    row.card_uid = carry(&one, all, event->card_uid);
    must(dataset_add_event(&one, &row), &err);
    must(storage->ops->import(storage, &one, now_utc((void *)(uintptr_t)all), &counts, &err), &err);
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
    struct dataset dataset;
    struct late late = {.wanted = argc == 4 ? strtoul(argv[3], NULL, 10) : 0};
    struct storage_import_counts counts;
    struct storage *storage = NULL;
    struct live *live = NULL;
    struct live_ports ports = {.now_utc = now_utc, .now_us = now_us, .user = &dataset};
    struct err err = {0};
    uint64_t changed = 0;

    if (late.wanted == 0 || late.wanted > LATE_MAX) {
        (void)fprintf(stderr, "usage: pay_live FOLDER STORE N, N at most %d\n", LATE_MAX);
        return 2;
    }
    must(dataset_init(&dataset), &err);
    must(import_path(argv[1], true, NULL, &dataset, &err), &err);
    withhold(&dataset, &late);
    must(storage_sqlite_open(&storage, argv[2], 0, &err), &err);
    must(storage->ops->import(storage, &dataset, now_utc(&dataset), &counts, &err), &err);
    ports.storage = storage;
    must(live_open(&live, &ports, &err), &err);
    work_off(live);
    changed = live_counts(live).verdicts;
    for (size_t i = 0; i < late.count; i++) {
        const struct event_row *event = &late.events[i];
        uint64_t from_us = 0;

        arrive(storage, &dataset, event);
        from_us = now_us(NULL);
        must(live_touch(
                 live, dataset_text(&dataset, event->device_id), event->ts_utc, event->ts_utc),
            &err);
        work_off(live);
        (void)printf("%s%" PRIu64, i == 0 ? "us=" : ",", now_us(NULL) - from_us);
    }
    (void)printf(" changed=%" PRIu64 "\n", live_counts(live).verdicts - changed);
    live_close(live);
    storage_close(storage);
    dataset_done(&dataset);
    return 0;
}
