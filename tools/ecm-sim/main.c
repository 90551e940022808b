/*
 * main.c - ecm-sim: carers, homes and a bad network, without hardware.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "proto/topics.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/make_import.h"
#include "tools/ecm-sim/make_roster.h"
#include "tools/ecm-sim/outcome.h"
#include "tools/ecm-sim/play.h"
#include "tools/ecm-sim/roster.h"
#include "tools/ecm-sim/script.h"

enum {
    PATH_SIZE = 256,
    EXIT_BAD_USAGE = 2,
    FILES_A_HOME = 8,
    FILES_BESIDES = 64,
    DAYS_OF_DEFAULT_ROSTER = 1
};

struct arguments {
    const char *roster; /* folder; NULL: none given */
    const char *out;
    const char *make;        /* folder to make a roster in */
    const char *make_import; /* folder to make a whole import in */
    unsigned weeks;
    bool is_borough;
    unsigned days, visits;
    bool has_day;
    int32_t day;
    unsigned homes;
    const char *host;
    uint16_t port;
    const char *site;
    unsigned speed;
    unsigned timeout_s;
    uint64_t seed;
    struct noise noise;
    bool is_signing, is_quiet, is_verbose;
};

/* ---- arguments ---------------------------------------------------------------------------- */

enum {
    KEY_DAY = 256,
    KEY_HOMES,
    KEY_HOST,
    KEY_PORT,
    KEY_SITE,
    KEY_SPEED,
    KEY_TIMEOUT,
    KEY_SEED,
    KEY_NOISE,
    KEY_JITTER,
    KEY_LATE,
    KEY_SHORT,
    KEY_MISSED,
    KEY_DOUBLE,
    KEY_WRONG,
    KEY_FORGOTTEN,
    KEY_OUTAGE,
    KEY_POWER,
    KEY_MAKE,
    KEY_IMPORT,
    KEY_WEEKS,
    KEY_STYLE,
    KEY_DAYS,
    KEY_VISITS,
    KEY_SIGN,
};

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "Where outboxes, truth.csv, did.json and roster/ go (made when absent)",
        0},
    {"day", KEY_DAY, "YYYY-MM-DD", 0, "Play the visits of this local day only", 0},
    {"homes", KEY_HOMES, "N", 0, "Play (or make) the first N homes", 0},
    {"speed", KEY_SPEED, "N", 0, "Simulated seconds a second; 0, the default: as fast as possible",
        0},
    {"seed", KEY_SEED, "N", 0, "What chance is made of (default 1)", 0},
    {"timeout", KEY_TIMEOUT, "S", 0, "How long to wait for the last acks (default 300)", 0},
    {"sign", KEY_SIGN, NULL, 0, "Sign the batches, with a key for each home beside its outbox", 0},
    {"quiet", 'q', NULL, 0, "No progress", 0},
    {"verbose", 'v', NULL, 0, "Show what the gateways log", 0},
    {NULL, 0, NULL, 0, "The broker:", 1},
    {"host", KEY_HOST, "NAME", 0, "Where it is (default 127.0.0.1)", 1},
    {"port", KEY_PORT, "N", 0, "Its port (default 1883)", 1},
    {"site", KEY_SITE, "NAME", 0, "Site in the topics (default site)", 1},
    {NULL, 0, NULL, 0, "Noise (each number in percent):", 2},
    {"noise", KEY_NOISE, "none|field", 0, "None, the default, or what the field is like", 2},
    {"jitter", KEY_JITTER, "S", 0, "Seconds by which every arrival and leaving may be off", 2},
    {"late", KEY_LATE, "PERCENT", 0, "Carers who come 16 to 60 minutes late", 2},
    {"short", KEY_SHORT, "PERCENT", 0, "Visits cut short", 2},
    {"missed", KEY_MISSED, "PERCENT", 0, "Visits nobody comes to", 2},
    {"double-tap", KEY_DOUBLE, "PERCENT", 0, "Arrivals tapped twice", 2},
    {"wrong-home", KEY_WRONG, "PERCENT", 0, "Carers who go to another home", 2},
    {"forgotten", KEY_FORGOTTEN, "PERCENT", 0, "Carers who leave without a tap", 2},
    {"outage", KEY_OUTAGE, "PERCENT", 0, "Home-days with hours without network", 2},
    {"power-cut", KEY_POWER, "PERCENT", 0, "Home-days with a power cut", 2},
    {NULL, 0, NULL, 0, "Instead of playing:", 3},
    {"make-roster", KEY_MAKE, "DIR", 0, "Make up a roster and write it into DIR", 3},
    {"style", KEY_STYLE, "published|borough", 0,
        "One visit in a home and day (the default), or several, of three providers and two funders",
        3},
    {"days", KEY_DAYS, "N", 0, "Days of visits, from --day on (1 to 7, default 1)", 3},
    {"visits", KEY_VISITS, "N", 0, "Visits in a home and day (1 to 8; default 1, borough 3)", 3},
    {"make-import", KEY_IMPORT, "DIR", 0,
        "Make up a whole import, taps and corrections too, and write it into DIR", 3},
    {"weeks", KEY_WEEKS, "N", 0, "Weeks of it, from --day on, a Monday (1 to 520, default 1)", 3},
    {0},
};

static uint64_t take_number(
    const struct argp_state *state, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    uint64_t number = 0;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number < min ||
        number > max) {
        argp_error(state, "'%s' is not a number from %" PRIu64 " to %" PRIu64, text, min, max);
    }
    return number;
}

static unsigned take_percent(const struct argp_state *state, const char *text)
{
    return (unsigned)take_number(state, text, 0, 100);
}

/* Index of text in choices; an argument that is none of them is bad usage. */
static size_t take_choice(
    const struct argp_state *state, const char *text, const char *const choices[2])
{
    if (strcmp(text, choices[0]) != 0 && strcmp(text, choices[1]) != 0) {
        argp_error(state, "'%s' is neither %s nor %s", text, choices[0], choices[1]);
    }
    return strcmp(text, choices[0]) == 0 ? 0 : 1;
}

static bool take_noise(
    int key, const char *text, const struct argp_state *state, struct noise *noise)
{
    static const char *const kinds[2] = {"none", "field"};
    const struct {
        int key;
        unsigned *value;
    } percents[] = {
        {KEY_LATE, &noise->late},
        {KEY_SHORT, &noise->cut_short},
        {KEY_MISSED, &noise->missed},
        {KEY_DOUBLE, &noise->double_tap},
        {KEY_WRONG, &noise->wrong_home},
        {KEY_FORGOTTEN, &noise->forgotten},
        {KEY_OUTAGE, &noise->outage},
        {KEY_POWER, &noise->power_cut},
    };

    if (key == KEY_NOISE) {
        *noise = take_choice(state, text, kinds) == 1 ? noise_field : noise_none;
        return true;
    }
    if (key == KEY_JITTER) {
        noise->jitter_s = (unsigned)take_number(state, text, 0, 3600);
        return true;
    }
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        if (percents[i].key == key) {
            *percents[i].value = take_percent(state, text);
            return true;
        }
    }
    return false;
}

static bool take_making(
    int key, char *text, const struct argp_state *state, struct arguments *arguments)
{
    static const char *const styles[2] = {"published", "borough"};

    switch (key) {
    case KEY_MAKE:
        arguments->make = text;
        return true;
    case KEY_IMPORT:
        arguments->make_import = text;
        return true;
    case KEY_WEEKS:
        arguments->weeks = (unsigned)take_number(state, text, 1, MAKE_IMPORT_WEEKS_MAX);
        return true;
    case KEY_STYLE:
        arguments->is_borough = take_choice(state, text, styles) == 1;
        return true;
    case KEY_DAYS:
        arguments->days = (unsigned)take_number(state, text, 1, MAKE_ROSTER_DAYS_MAX);
        return true;
    case KEY_VISITS:
        arguments->visits = (unsigned)take_number(state, text, 1, MAKE_ROSTER_VISITS_MAX);
        return true;
    default:
        return false;
    }
}

static bool take_broker(
    int key, char *text, const struct argp_state *state, struct arguments *arguments)
{
    switch (key) {
    case KEY_HOST:
        arguments->host = text;
        return true;
    case KEY_PORT:
        arguments->port = (uint16_t)take_number(state, text, 1, 65535);
        return true;
    case KEY_SITE:
        if (!topic_name_is_valid(text)) {
            argp_error(state, "'%s' is not 1 to 32 letters, digits, '-', '_' or '.'", text);
        }
        arguments->site = text;
        return true;
    default:
        return false;
    }
}

static bool take_playing(
    int key, char *text, const struct argp_state *state, struct arguments *arguments)
{
    switch (key) {
    case 'o':
        arguments->out = text;
        return true;
    case KEY_DAY:
        if (local_day_parse(text, &arguments->day) < 0) {
            argp_error(state, "'%s' is not a date like 2026-03-28", text);
        }
        arguments->has_day = true;
        return true;
    case KEY_HOMES:
        arguments->homes = (unsigned)take_number(state, text, 1, MAKE_IMPORT_PEOPLE_MAX);
        return true;
    case KEY_SPEED:
        arguments->speed = (unsigned)take_number(state, text, 0, 1000000);
        return true;
    case KEY_SEED:
        arguments->seed = take_number(state, text, 0, INT64_MAX);
        return true;
    case KEY_TIMEOUT:
        arguments->timeout_s = (unsigned)take_number(state, text, 0, 86400);
        return true;
    case KEY_SIGN:
        arguments->is_signing = true;
        return true;
    case 'q':
        arguments->is_quiet = true;
        return true;
    case 'v':
        arguments->is_verbose = true;
        return true;
    default:
        return false;
    }
}

static void check_usage(const struct argp_state *state, const struct arguments *arguments)
{
    bool is_making = arguments->make != NULL || arguments->make_import != NULL;

    if (arguments->make != NULL && arguments->make_import != NULL) {
        argp_error(state, "--make-roster or --make-import, not both");
    }
    if (is_making && arguments->roster != NULL) {
        argp_error(state, "--make-roster and --make-import take no ROSTER");
    }
    if (is_making && !arguments->has_day) {
        argp_error(state, "--make-roster and --make-import need --day");
    }
    if (arguments->make_import != NULL && local_day_monday(arguments->day) != arguments->day) {
        argp_error(state, "--make-import needs a Monday for --day");
    }
    if (arguments->make_import == NULL && arguments->homes > MAKE_ROSTER_HOMES_MAX) {
        argp_error(state, "--homes: at most %d", MAKE_ROSTER_HOMES_MAX);
    }
    if (!is_making && (arguments->roster == NULL || arguments->out == NULL)) {
        argp_error(state, "a ROSTER folder and --out are needed");
    }
}

static error_t take_argument(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    if (key == ARGP_KEY_ARG && arguments->roster == NULL) {
        arguments->roster = text;
        return 0;
    }
    if (key == ARGP_KEY_END) {
        check_usage(state, arguments);
        return 0;
    }
    if (take_playing(key, text, state, arguments) || take_broker(key, text, state, arguments) ||
        take_making(key, text, state, arguments) ||
        take_noise(key, text, state, &arguments->noise)) {
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
    .options = options,
    .parser = take_argument,
    .args_doc = "ROSTER --out DIR\n--make-roster DIR --day YYYY-MM-DD\n"
                "--make-import DIR --day YYYY-MM-DD",
    .doc =
        "Play the planned visits of a ROSTER folder: emulated readers and simulated clocks, real "
        "gateway cores, outbox files and MQTT messages.\v"
        "Exit status: 0 everything is at the collector, 1 it is not, 2 bad usage or input.",
};

/* ---- what it does ------------------------------------------------------------------------- */

static void on_signal(int signal_number)
{
    (void)signal_number;
    play_stop();
}

/* Each home needs an outbox, its log and a socket. */
static int allow_files(size_t homes, struct err *err)
{
    struct rlimit limit;
    rlim_t wanted = homes * FILES_A_HOME + FILES_BESIDES;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_set(err, -errno, "cannot ask for the limit of open files");
    }
    if (limit.rlim_cur >= wanted) {
        return 0;
    }
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) {
        return err_set(err, -EMFILE, "%zu homes need %ju open files, the limit is %ju (ulimit -Hn)",
            homes, (uintmax_t)wanted, (uintmax_t)limit.rlim_max);
    }
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_set(err, -errno, "cannot raise the limit of open files: %s", strerror(errno));
    }
    return 0;
}

static int make_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return err_set(err, -errno, "cannot make '%s': %s", path, strerror(errno));
    }
    return 0;
}

/* Which visits: those of the day, or all. */
static int find_range(const struct arguments *arguments, struct script_conf *conf, struct err *err)
{
    int rc = 0;

    conf->from_utc = INT64_MIN;
    conf->to_utc = INT64_MAX;
    if (arguments->has_day) {
        rc = local_day_start(arguments->day, &conf->from_utc, err);
        if (rc == 0) {
            rc = local_day_start(arguments->day + 1, &conf->to_utc, err);
        }
    }
    return rc;
}

static int play_script(
    const struct arguments *arguments, const struct script *script, struct err *err)
{
    char folder[PATH_SIZE];
    struct outcome outcome;
    struct err second = {0};
    struct play_conf conf = {
        .script = script,
        .home = {.site = arguments->site,
            .host = arguments->host,
            .port = arguments->port,
            .folder = folder,
            .seed = arguments->seed,
            .is_signing = arguments->is_signing},
        .speed = arguments->speed,
        .timeout_s = arguments->timeout_s,
        .is_quiet = arguments->is_quiet,
    };
    int rc = 0;
    int written = 0;

    (void)snprintf(folder, sizeof folder, "%s/outbox", arguments->out);
    rc = make_folder(folder, err);
    if (rc == 0) {
        rc = outcome_open(&outcome, arguments->out, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = play(&conf, &outcome, err);
    written = outcome_close(&outcome, &second);
    if (written == 0) {
        written =
            outcome_write(&outcome, &script->counts, arguments->seed, arguments->out, &second);
    }
    outcome_print(&outcome, &script->counts, stdout);
    if (rc == 0 && written < 0) {
        rc = err_set(err, written, "%s", second.text);
    }
    return rc;
}

static int play_roster(const struct arguments *arguments, struct err *err)
{
    char folder[PATH_SIZE];
    struct roster roster;
    struct script script;
    struct script_conf conf = {
        .homes_max = arguments->homes, .seed = arguments->seed, .noise = arguments->noise};
    int rc = roster_load(&roster, arguments->roster, err);

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(folder, sizeof folder, "%s/roster", arguments->out);
    rc = make_folder(arguments->out, err);
    if (rc == 0) {
        rc = roster_write(&roster, arguments->roster, folder, err);
    }
    if (rc == 0) {
        rc = find_range(arguments, &conf, err);
    }
    if (rc == 0) {
        rc = script_make(&script, &roster, &conf, err);
    }
    if (rc == 0) {
        rc = allow_files(script.home_count, err);
        if (rc == 0) {
            rc = play_script(arguments, &script, err);
        }
        script_done(&script);
    }
    roster_done(&roster);
    return rc;
}

static int make_whole_import(const struct arguments *arguments, struct err *err)
{
    const struct make_import what = {
        .people = arguments->homes != 0 ? arguments->homes : 1650,
        .weeks = arguments->weeks,
        .first_day = arguments->day,
        .seed = arguments->seed,
    };

    return make_import(&what, arguments->make_import, err);
}

static int make(const struct arguments *arguments, struct err *err)
{
    const struct make_roster what = {
        .is_borough = arguments->is_borough,
        .homes = arguments->homes != 0 ? arguments->homes : 40,
        .days = arguments->days,
        .visits = arguments->visits,
        .first_day = arguments->day,
        .seed = arguments->seed,
    };

    if (local_day_monday(what.first_day + (int32_t)what.days - 1) !=
        local_day_monday(what.first_day)) {
        return err_set(err, ECM_EFORMAT, "%u days from there go beyond the week", what.days);
    }
    return make_roster(&what, arguments->make, err);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .host = "127.0.0.1",
        .port = 1883,
        .site = "site",
        .timeout_s = 300,
        .seed = 1,
        .days = DAYS_OF_DEFAULT_ROSTER,
        .weeks = 1,
    };
    struct sigaction action = {.sa_handler = on_signal};
    struct err err = {0};
    int rc = 0;

    argp_program_version = "ecm-sim " ECM_VERSION;
    argp_err_exit_status = EXIT_BAD_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    log_set_level(arguments.is_verbose ? LOG_LEVEL_INFO : LOG_LEVEL_ERR);

    if (arguments.make_import != NULL) {
        rc = make_whole_import(&arguments, &err);
    } else {
        rc = arguments.make != NULL ? make(&arguments, &err) : play_roster(&arguments, &err);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "ecm-sim: %s\n", err.text[0] != '\0' ? err.text : err_name(rc));
        return rc == ECM_EFORMAT || rc == -ENOENT ? EXIT_BAD_USAGE : EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
