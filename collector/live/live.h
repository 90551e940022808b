/*
 * live.h - verdicts that follow the taps: whom a new tap touches is reconciled again at once.
 *
 * live_touch() remembers; live_run() works it off in slices, so that taps go on being stored. A
 * change of the imported tables, and the start (what was committed just before a crash may not have
 * been reconciled), put every period on the list. A tap of a device nobody has imported waits for
 * the import that names it; nothing is lost by that, the tap is in the store.
 *
 * live_watch() looks for what other programs did and for what the clock does: a correction puts the
 * people it touches on the list, and so does a visit that has just become due, late or missed
 * (visits_stage()). Corrections whose chain is broken stop all verdicts, never the taps.
 *
 * The result is what `ecm-pay reconcile` as of now would put: same functions, same rows.
 *
 * Threads: one live belongs to one thread. Blocks for the store.
 */
#ifndef ECM_COLLECTOR_LIVE_LIVE_H
#define ECM_COLLECTOR_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct live;
struct storage;

struct live_ports {
    struct storage *storage;
    int64_t (*now_utc)(void *user); /* Unix seconds: the as-of of every verdict */
    uint64_t (*now_us)(void *user); /* any steady clock, for the slices */
    void *user;
    const char *repairs; /* the site's choice, as repair_parse() reads it; NULL: none */
};

/* Whether repairs is such a choice. */
bool live_repairs_are_valid(const char *repairs);

struct live_counts {
    uint64_t people;   /* person-periods reconciled again */
    uint64_t periods;  /* whole periods reconciled again */
    uint64_t verdicts; /* rows that changed */
};

/* What is still to be done. */
struct live_backlog {
    uint64_t devices;   /* with taps that are not reconciled yet */
    uint64_t periods;   /* to be reconciled whole */
    uint64_t oldest_us; /* how long the oldest of them waits; 0: nothing does */
};

/* ports is copied. Begins with every period on the list. */
int live_open(struct live **ret_live, const struct live_ports *ports, struct err *err);

/* What was not worked off yet is done at the next start. NULL is allowed. */
void live_close(struct live *live);

/* Taps of device_id between the two instants have been committed. 0 or -ENOMEM. */
int live_touch(struct live *live, const char *device_id, int64_t from_utc, int64_t to_utc);

/*
 * Put on the list: every period when the imported tables have changed, whom a new correction touches,
 * whose visits have passed a mark since the last call. 0, or the store's code; ECM_ECORRUPT: the
 * corrections are not what was signed for. Call it every few seconds.
 */
int live_watch(struct live *live);

bool live_has_work(const struct live *live);

/*
 * Work for about budget_us, at least one step. 0, or the code of the step that failed: it stays on
 * the list, try again later.
 */
int live_run(struct live *live, uint64_t budget_us);

struct live_counts live_counts(const struct live *live);
struct live_backlog live_backlog(struct live *live);

#endif
