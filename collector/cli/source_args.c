/* source_args.c - see source_args.h. */
#include "collector/cli/source_args.h"

#include <errno.h>

#include "collector/cli/instant.h"

enum { KEY_FROM = 0x100, KEY_STORE, KEY_PERIOD, KEY_ASOF, KEY_ZONE, KEY_REPAIRS };

const struct source source_default = {.zone = SESSION_ZONE_DEFAULT, .repairs = REPAIR_DEFAULTS};

static const struct argp_option options[] = {
    {"from", KEY_FROM, "DIR", 0, "Read the files in DIR; nothing is stored", 1},
    {"store", KEY_STORE, "FILE", 0, "Work on the store FILE", 1},
    {"period", KEY_PERIOD, "ID", 0, "The period; may be left out when there is only one", 1},
    {"as-of", KEY_ASOF, "UTC_SECONDS", 0,
        "See only what was known at this instant (seconds since 1970, or 2021-03-28T07:00:00Z; "
        "default: now)",
        1},
    {"zone", KEY_ZONE, "NAME", 0, "Time zone of local dates (default: " SESSION_ZONE_DEFAULT ")",
        1},
    {"repairs", KEY_REPAIRS, "NAME[:hold|:pay],...", 0,
        "Put right what was forgotten: direction, leaving, arrival, boundary, or all; proposed for "
        "a person (hold, the default) or paid where the evidence is good (default: none)",
        1},
    {0},
};

static error_t parse_asof(const char *arg, struct source *source, struct argp_state *state)
{
    if (!instant_read(arg, &source->asof_utc)) {
        argp_error(state,
            "--as-of: '%s' is neither seconds since 1970 nor an instant like 2021-03-28T07:00:00Z",
            arg);
        return EINVAL;
    }
    source->has_asof = true;
    return 0;
}

static error_t parse_repairs(const char *arg, struct source *source, struct argp_state *state)
{
    const char *unread = repair_parse(&source->repairs, arg);

    if (unread != NULL) {
        argp_error(state,
            "--repairs: '%s' is none of direction, leaving, arrival, boundary, all, with :hold or "
            ":pay, nor none",
            unread);
        return EINVAL;
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct source *source = state->input;

    switch (key) {
    case KEY_FROM:
        source->from = arg;
        return 0;
    case KEY_STORE:
        source->store = arg;
        return 0;
    case KEY_PERIOD:
        source->period_id = arg;
        return 0;
    case KEY_ZONE:
        source->zone = arg;
        return 0;
    case KEY_REPAIRS:
        return parse_repairs(arg, source, state);
    case KEY_ASOF:
        return parse_asof(arg, source, state);
    case ARGP_KEY_END:
        if ((source->from == NULL) == (source->store == NULL)) {
            argp_error(state, "say where the data are: either --from DIR or --store FILE");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp source_argp = {.options = options, .parser = parse};
