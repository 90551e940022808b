/*
 * source_args.h - the options that say where the data are, the same for every command that reads.
 */
#ifndef ECM_COLLECTOR_CLI_SOURCE_ARGS_H
#define ECM_COLLECTOR_CLI_SOURCE_ARGS_H

#include <argp.h>

#include "collector/cli/session.h"

/* For argp's children; its input is a struct source, set to source_default first. */
extern const struct argp source_argp;
extern const struct source source_default;

#endif
