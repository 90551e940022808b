/*
 * metrics.h - the counters of a gateway in Prometheus' text format (0.0.4), on a local socket.
 *
 * Whoever may open the Unix socket gets one answer and the end of the connection:
 *     curl --unix-socket PATH http://gateway/metrics
 * What a client sends is read once and not looked at. There are no tag numbers, names or addresses
 * in it, only the device id.
 *
 * Limits:    METRICS_CLIENTS_MAX clients at a time, the oldest is dropped for the next one; an
 *            answer is at most METRICS_SIZE bytes and is sent without waiting.
 * Ownership: the loop outlives the metrics; make_text runs in the loop's thread.
 * Threads:   the loop's.
 */
#ifndef ECM_GATEWAY_METRICS_H
#define ECM_GATEWAY_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum { METRICS_CLIENTS_MAX = 4, METRICS_SIZE = 16384 };

struct err;
struct gateway;
struct loop;
struct metrics;

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

/* What is to be said of gateway. io_age_ms: since the network thread last finished a turn. */
size_t metrics_of_gateway(
    struct gateway *gateway, uint64_t io_age_ms, char text[static METRICS_SIZE]);

#endif
