/*
 * correction_check.h - whether a correction makes sense before it is signed for.
 *
 * The session is open and not yet reconciled. -ENOENT what it names is not there; -EINVAL it is
 * refused; err says it in one line.
 */
#ifndef ECM_COLLECTOR_CLI_CORRECTION_CHECK_H
#define ECM_COLLECTOR_CLI_CORRECTION_CHECK_H

#include "collector/corrections/correction_log.h"
#include "collector/cli/session.h"

int correction_check(const struct session *session, const struct corrections *corrections,
    const struct correction *correction, struct err *err);

/*
 * For a contract under which edits may only shrink the clocked time: compare attendances as the
 * taps alone make them with those after all corrections and this one. An attendance that has both
 * taps may become shorter, never longer; one that lacks a tap may be completed. A change of plan
 * clocks nothing and always passes. Reconciles the session's dataset, with the correction in it.
 */
int correction_check_shrinks(
    struct session *session, const struct correction *correction, struct err *err);

#endif
