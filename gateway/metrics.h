/*
 * metrics.h - what a gateway tells on its socket (base/metrics.h). The device id is all that names it.
 */
#ifndef ECM_GATEWAY_METRICS_H
#define ECM_GATEWAY_METRICS_H

#include "base/metrics.h"

struct gateway;

/* io_age_ms: since the network thread last finished a turn. Returns the size of text. */
size_t metrics_of_gateway(
    struct gateway *gateway, uint64_t io_age_ms, char text[static METRICS_SIZE]);

#endif
