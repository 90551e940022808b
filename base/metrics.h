/*
 * metrics.h - the counters of a daemon in Prometheus' text format (0.0.4), on a local socket.
 *
 * Whoever may open the Unix socket gets one answer and the end of the connection:
 *     curl --unix-socket PATH http://local/metrics
 * What a client sends is read once and not looked at. What a page says is its maker's business; no
 * page of ours has tag numbers, names or addresses in it.
 *
 * Limits:    METRICS_CLIENTS_MAX clients at a time, the oldest is dropped for the next one; an
 *            answer is at most METRICS_SIZE bytes and is sent without waiting.
 * Ownership: the loop outlives the metrics; make_text runs in the loop's thread.
 * Threads:   the loop's.
 */
#ifndef ECM_BASE_METRICS_H
#define ECM_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum { METRICS_CLIENTS_MAX = 4, METRICS_SIZE = 16384 };

struct err;
struct loop;
struct metrics;

/* ---- the page ----------------------------------------------------------------------------- */

/* A text in the making. A line that does not fit is left out whole. */
struct metrics_page {
    char *text; /* METRICS_SIZE bytes */
    size_t size;
    const char *prefix; /* of every name: "ecm_gateway" */
};

/* Add lines as they stand. */
void metrics_line(struct metrics_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Add one number with its help and type ("counter" or "gauge"). */
void metrics_number(struct metrics_page *page, const char *name, const char *type, const char *help,
    uint64_t value);

/* ---- the server --------------------------------------------------------------------------- */

/* Write the text into text. Returns its size without the final zero byte. */
typedef size_t (*metrics_text)(void *user, char text[static METRICS_SIZE]);

/*
 * Listen on path; what lies there under that name and is a socket is replaced. Mode 0660 less the
 * umask. -errno with err naming the path; nothing is left behind then.
 */
int metrics_open(struct metrics **ret_metrics, struct loop *loop, const char *path,
    metrics_text make_text, void *user, struct err *err);

/* Stop, remove the socket. NULL is allowed. */
void metrics_close(struct metrics *metrics);

#endif
