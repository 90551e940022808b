/*
 * previous_run.h - the lines of an earlier run of the same period.
 *
 * From a store by the run's id, without one from the folder that the run wrote. Blocking.
 */
#ifndef ECM_COLLECTOR_CLI_PREVIOUS_RUN_H
#define ECM_COLLECTOR_CLI_PREVIOUS_RUN_H

struct err;
struct storage;

/*
 * lines.csv of the run as a text, which the caller frees. storage NULL: previous is a folder.
 * -ENOENT: no such run; ECM_EFORMAT: not a run's folder; -EINVAL: a run of another period, whose
 * difference to this one would be no adjustment; -ENOMEM, or what the store or the system said.
 */
int previous_run_get(struct storage *storage, const char *previous, const char *period_id,
    char **ret_lines, struct err *err);

#endif
