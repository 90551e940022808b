/* jobs.c - see jobs.h. */
#include "collector/cli/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct queue {
    struct job *jobs;
    size_t count;
    atomic_size_t next;
};

unsigned jobs_at_once(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    if (count < 1) {
        return 1;
    }
    return count > JOBS_THREADS_MAX ? JOBS_THREADS_MAX : (unsigned)count;
}

static void *work(void *user)
{
    struct queue *queue = user;

    for (size_t i = atomic_fetch_add(&queue->next, 1); i < queue->count;
         i = atomic_fetch_add(&queue->next, 1)) {
        struct job *job = &queue->jobs[i];

        job->rc = job->run(job->user, &job->err);
    }
    return NULL;
}

int jobs_do(struct job *jobs, size_t count, struct err *err)
{
    struct queue queue = {.jobs = jobs, .count = count};
    pthread_t threads[JOBS_THREADS_MAX];
    size_t helpers = jobs_at_once() - 1;
    size_t started = 0;

    helpers = count > 0 && helpers > count - 1 ? count - 1 : helpers;
    while (started < helpers && pthread_create(&threads[started], NULL, work, &queue) == 0) {
        started++;
    }
    (void)work(&queue);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].rc < 0) {
            return err_set(err, jobs[i].rc, "%s", jobs[i].err.text);
        }
    }
    return 0;
}
