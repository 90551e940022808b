/*
 * verdicts.h - all feed rows of a reconciled session, in the order of the slots.
 *
 * Ownership: verdicts_done() frees; a zeroed struct is allowed.
 */
#ifndef ECM_COLLECTOR_CLI_VERDICTS_H
#define ECM_COLLECTOR_CLI_VERDICTS_H

#include <stddef.h>

#include "collector/cli/session.h"
#include "collector/pay/text.h"

struct verdicts {
    struct storage_verdict *rows; /* texts borrowed from here and from the session */
    size_t count;
    struct text lines; /* the lines, each ended by a zero byte */
};

/* 0 or -ENOMEM. */
int verdicts_make(struct verdicts *ret_verdicts, const struct session *session);
void verdicts_done(struct verdicts *verdicts);

#endif
