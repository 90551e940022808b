/*
 * pipeline.c - see pipeline.h.
 *
 * A ring of slots: whoever is free cuts the next piece into the next slot, which is quick and done
 * under the lock, reads it without, and marks it; the caller takes the slots in turn, and reads as
 * well when the next one is not ready.
 */
#include "collector/import/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 2 * PIPELINE_THREADS_MAX };

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READY };

struct slot {
    struct rows rows;
    enum slot_state state;
};

struct pipeline {
    struct csv_pieces *pieces;
    const struct rows_format *format;
    pthread_mutex_t lock; /* of what follows, but for the rows of a slot that is being read */
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    size_t next_cut, next_taken; /* pieces so far */
    unsigned sleeping;
    int rc;         /* of cutting */
    bool has_ended; /* no more pieces, or nobody wants them */
};

/* Cut the next piece into a free slot. True when there was one; with the lock. */
static bool cut(struct pipeline *pipeline, struct slot *slot)
{
    int rc = csv_pieces_next(pipeline->pieces, slot->rows.bytes, &slot->rows.piece);

    if (rc <= 0) {
        pipeline->rc = rc;
        pipeline->has_ended = true;
        return false;
    }
    slot->state = SLOT_READING;
    pipeline->next_cut++;
    return true;
}

static void read_slot(struct pipeline *pipeline, struct slot *slot)
{
    csv_set_piece(slot->rows.csv, &slot->rows.piece);
    rows_read(&slot->rows, pipeline->format);
}

static void sleep_until_changed(struct pipeline *pipeline)
{
    pipeline->sleeping++;
    (void)pthread_cond_wait(&pipeline->changed, &pipeline->lock);
    pipeline->sleeping--;
}

/* Waking costs more than reading a row: only when somebody sleeps. */
static void tell_change(struct pipeline *pipeline)
{
    if (pipeline->sleeping > 0) {
        (void)pthread_cond_broadcast(&pipeline->changed);
    }
}

/* Cut and read a piece, with the lock, which is let go meanwhile. False: nothing is free. */
static bool read_next(struct pipeline *pipeline)
{
    struct slot *slot = &pipeline->slots[pipeline->next_cut % SLOTS];

    if (pipeline->has_ended || slot->state != SLOT_FREE) {
        return false;
    }
    if (cut(pipeline, slot)) {
        (void)pthread_mutex_unlock(&pipeline->lock);
        read_slot(pipeline, slot);
        (void)pthread_mutex_lock(&pipeline->lock);
        slot->state = SLOT_READY;
    }
    tell_change(pipeline);
    return true;
}

static void *work(void *user)
{
    struct pipeline *pipeline = user;

    (void)pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->has_ended) {
        if (!read_next(pipeline)) {
            sleep_until_changed(pipeline);
        }
    }
    (void)pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

/* The caller's part, with the lock: to take what is ready, else to read, else to wait. */
static int take_all(struct pipeline *pipeline, pipeline_take take, void *user)
{
    int rc = 0;

    while (rc == 0 && !(pipeline->has_ended && pipeline->next_taken == pipeline->next_cut)) {
        struct slot *slot = &pipeline->slots[pipeline->next_taken % SLOTS];

        if (slot->state != SLOT_READY) {
            if (!read_next(pipeline)) {
                sleep_until_changed(pipeline);
            }
            continue;
        }
        (void)pthread_mutex_unlock(&pipeline->lock);
        rc = take(user, &slot->rows);
        (void)pthread_mutex_lock(&pipeline->lock);
        slot->state = SLOT_FREE;
        pipeline->next_taken++;
        tell_change(pipeline);
    }
    pipeline->has_ended = true;
    tell_change(pipeline);
    return rc < 0 ? rc : pipeline->rc;
}

/* How many threads are worth starting beside the caller's. */
static unsigned helpers(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 2                      ? 0
           : count > PIPELINE_THREADS_MAX ? PIPELINE_THREADS_MAX - 1
                                          : (unsigned)count - 1;
}

static int run(struct pipeline *pipeline, pipeline_take take, void *user)
{
    pthread_t threads[PIPELINE_THREADS_MAX];
    unsigned started = 0;
    unsigned wanted = helpers();
    int rc = 0;

    (void)pthread_mutex_lock(&pipeline->lock);
    while (started < wanted && pthread_create(&threads[started], NULL, work, pipeline) == 0) {
        started++;
    }
    rc = take_all(pipeline, take, user);
    (void)pthread_mutex_unlock(&pipeline->lock);
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return rc;
}

int pipeline_run(
    struct csv_pieces *pieces, const struct rows_format *format, pipeline_take take, void *user)
{
    struct pipeline pipeline = {.pieces = pieces,
        .format = format,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER};
    int rc = 0;

    for (int i = 0; rc == 0 && i < SLOTS; i++) {
        rc = rows_init(&pipeline.slots[i].rows);
    }
    if (rc == 0) {
        rc = run(&pipeline, take, user);
    }
    for (int i = 0; i < SLOTS; i++) {
        rows_done(&pipeline.slots[i].rows);
    }
    return rc;
}
