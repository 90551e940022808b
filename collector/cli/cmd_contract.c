/* cmd_contract.c - ecm-pay contract: check a contract, show it, try it on one visit. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tzif.h"
#include "collector/cli/cli.h"
#include "collector/cli/contract_file.h"
#include "collector/cli/session.h"
#include "collector/pay/compose.h"
#include "collector/pay/contract_notation.h"

enum { KEY_PLANNED = 0x200, KEY_ACTUAL, KEY_DAY, KEY_RATE, KEY_CANCELLED, KEY_ZONE };
enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, PENCE_A_POUND = 100, HOURS_MAX = 9999 };

struct stretch {
    int64_t from_s, to_s; /* since local midnight; to may lie in the next day */
};

struct contract_args {
    const char *action;
    const char *path;
    const char *zone;
    bool has_planned, is_cancelled;
    struct stretch planned;
    struct stretch actual[COMPOSE_SLOTS_MAX];
    size_t actual_count;
    int32_t day;
    int64_t rate;
    int64_t notice_s;
};

static const struct argp_option options[] = {
    {"planned", KEY_PLANNED, "HH:MM-HH:MM", 0, "try: the planned visit, local time", 0},
    {"actual", KEY_ACTUAL, "HH:MM[:SS]-HH:MM[:SS]", 0,
        "try: when a carer was there; once for each carer; none: missed", 0},
    {"day", KEY_DAY, "YYYY-MM-DD", 0, "try: the local date (default: the first the contract holds)",
        0},
    {"rate", KEY_RATE, "POUNDS", 0, "try: the provider's rate an hour (default: 20.00)", 0},
    {"cancelled", KEY_CANCELLED, "HOURS", 0, "try: cancelled so many hours before", 0},
    {"zone", KEY_ZONE, "NAME", 0, "Time zone (default: " SESSION_ZONE_DEFAULT ")", 0},
    {0},
};

/* HH:MM or HH:MM:SS at *at, which moves on. */
static bool read_clock(const char **at, int64_t *ret_s)
{
    static const int64_t limits[] = {24, 60, 60};
    static const int64_t weights[] = {HOUR_S, MINUTE_S, 1};
    const char *text = *at;
    int64_t sum = 0;
    int part = 0;

    for (part = 0; part < 3; part++) {
        int64_t value = 0;

        if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
            return false;
        }
        value = (text[0] - '0') * 10 + (text[1] - '0');
        if (value >= limits[part]) {
            return false;
        }
        sum += value * weights[part];
        text += 2;
        if (part == 2 || *text != ':') {
            break;
        }
        text++;
    }
    *at = text;
    *ret_s = sum;
    return part >= 1;
}

/* Two times of day; the second is in the next day when it is not later. */
static bool read_stretch(const char *text, struct stretch *ret_stretch)
{
    if (!read_clock(&text, &ret_stretch->from_s) || *text++ != '-' ||
        !read_clock(&text, &ret_stretch->to_s) || *text != '\0') {
        return false;
    }
    if (ret_stretch->to_s <= ret_stretch->from_s) {
        ret_stretch->to_s += DAY_S;
    }
    return true;
}

static bool read_hours(const char *text, int64_t *ret_s)
{
    char *end = NULL;
    long hours = strtol(text, &end, 10);

    *ret_s = (int64_t)hours * HOUR_S;
    return end != text && *end == '\0' && hours >= 0 && hours <= HOURS_MAX;
}

static bool take_option(int key, const char *arg, struct contract_args *args)
{
    switch (key) {
    case KEY_PLANNED:
        args->has_planned = true;
        return read_stretch(arg, &args->planned);
    case KEY_ACTUAL:
        return args->actual_count < COMPOSE_SLOTS_MAX &&
               read_stretch(arg, &args->actual[args->actual_count++]);
    case KEY_DAY:
        return contract_read_date(arg, &args->day);
    case KEY_RATE:
        return notation_read_money(arg, &args->rate);
    case KEY_CANCELLED:
        args->is_cancelled = true;
        return read_hours(arg, &args->notice_s);
    default:
        return false;
    }
}

static error_t take_argument(char *arg, struct contract_args *args, struct argp_state *state)
{
    if (args->action == NULL) {
        args->action = arg;
    } else if (args->path == NULL) {
        args->path = arg;
    } else {
        argp_error(state, "'%s' is one argument too many", arg);
    }
    return 0;
}

static error_t finish(const struct contract_args *args, struct argp_state *state)
{
    if (args->path == NULL ||
        (strcmp(args->action, "check") != 0 && strcmp(args->action, "show") != 0 &&
            strcmp(args->action, "try") != 0)) {
        argp_error(state, "say check, show or try, and a FILE");
    } else if (strcmp(args->action, "try") == 0 && !args->has_planned) {
        argp_error(state, "try needs --planned");
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct contract_args *args = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        return take_argument(arg, args, state);
    case ARGP_KEY_END:
        return finish(args, state);
    case KEY_ZONE:
        args->zone = arg;
        return 0;
    case KEY_PLANNED:
    case KEY_ACTUAL:
    case KEY_DAY:
    case KEY_RATE:
    case KEY_CANCELLED:
        if (!take_option(key, arg, args)) {
            argp_error(state, "'%s' is not what this option takes; see --help", arg);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .args_doc = "check|show|try FILE",
    .doc = "Work with a contract file.\v"
           "check names every problem of the file: field, what is wrong, what is permitted. show "
           "says in words what was agreed. try says step by step what one visit would be paid. "
           "docs/CONTRACTS.md explains every field."};

static void add_pounds(struct text *text, int64_t pence)
{
    text_addf(text, "\302\243%lld.%02lld", (long long)(pence / PENCE_A_POUND),
        (long long)(pence % PENCE_A_POUND));
}

static void price_slots(const struct contract_args *args, const struct contract *contract,
    const struct compose_result *results, size_t count, struct text *text)
{
    const struct tariff *tariff = contract_tariff(contract, args->day);
    int64_t paid_s = 0;
    int64_t pence = 0;

    for (size_t i = 0; i < count; i++) {
        paid_s += results[i].paid_s;
        pence += compose_price(tariff, args->rate, results[i].paid_s);
    }
    text_addf(text, "carer time   %lld:%02lld:%02lld h\n", (long long)(paid_s / HOUR_S),
        (long long)(paid_s / MINUTE_S % MINUTE_S), (long long)(paid_s % MINUTE_S));
    text_addf(
        text, "price        %s: ", contract_day_names[contract_day_type(contract, args->day)]);
    add_pounds(text, pence);
    text_add_string(text, contract_is_hourly(contract)
                              ? " (a run rounds once for the line, not for the visit)\n"
                              : "\n");
}

static void fill_slots(
    const struct contract_args *args, const struct local_days *days, struct compose_slot *slots)
{
    int64_t midnight = (int64_t)args->day * DAY_S;

    slots[0] = (struct compose_slot){.status = args->is_cancelled ? SLOT_CANC_SHORT : SLOT_MISSED};
    for (size_t i = 0; !args->is_cancelled && i < args->actual_count; i++) {
        int64_t in = local_to_utc(days, midnight + args->actual[i].from_s);
        int64_t out = local_to_utc(days, midnight + args->actual[i].to_s);

        slots[i] = (struct compose_slot){
            .status = SLOT_OK, .in_utc = in, .out_utc = out, .worked_s = out - in};
    }
}

static void try_visit(const struct contract_args *args, const struct contract *contract,
    const struct local_days *days, struct text *text)
{
    int64_t midnight = (int64_t)args->day * DAY_S;
    struct compose_slot slots[COMPOSE_SLOTS_MAX];
    struct compose_result results[COMPOSE_SLOTS_MAX];
    struct compose_visit visit = {.start_utc = local_to_utc(days, midnight + args->planned.from_s),
        .end_utc = local_to_utc(days, midnight + args->planned.to_s),
        .notice_s = args->notice_s,
        .slots = slots,
        .slot_count = args->is_cancelled || args->actual_count == 0 ? 1 : args->actual_count,
        .days = days};
    char date[DAY_TEXT_SIZE];

    fill_slots(args, days, slots);
    text_addf(text, "contract %s/%lld, %s, planned %lld min\n", contract->words.id,
        (long long)contract->words.version, day_text(args->day, date),
        (long long)((visit.end_utc - visit.start_utc) / MINUTE_S));
    compose_visit(contract, &visit, results, text);
    price_slots(args, contract, results, visit.slot_count, text);
}

static int work(struct contract_args *args, struct text *text, struct err *err)
{
    struct contract contract;
    struct tzif tzif = {0};
    int rc = contract_file_read(args->path, &contract, stderr);

    if (rc < 0) {
        return rc;
    }
    if (strcmp(args->action, "check") == 0) {
        text_addf(text, "%s: contract %s version %lld is sound\n", args->path, contract.words.id,
            (long long)contract.words.version);
        return 0;
    }
    if (strcmp(args->action, "show") == 0) {
        contract_describe(text, &contract);
        return 0;
    }
    args->day = args->day < 0 ? contract.from_day : args->day;
    if (args->day < contract.from_day || args->day >= contract.to_day) {
        return err_set(err, -EINVAL, "%s: the contract does not hold on --day", args->path);
    }
    rc = tzif_load(&tzif, args->zone, err);
    if (rc == 0) {
        const struct local_days days = {
            .at_utc = tzif.at_utc, .offset_s = tzif.offset_s, .count = tzif.count};

        try_visit(args, &contract, &days, text);
    }
    tzif_done(&tzif);
    return rc;
}

int cmd_contract(int argc, char **argv)
{
    struct contract_args args = {.zone = SESSION_ZONE_DEFAULT, .day = -1, .rate = 2000};
    struct text text = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = work(&args, &text, &err);
    if (rc == 0 && (text.rc < 0 || fwrite(text.bytes, 1, text.size, stdout) != text.size)) {
        rc = err_set(&err, -EIO, "the answer could not be printed");
    }
    text_done(&text);
    /* What is wrong with a file has been said, a line for each problem. */
    return rc < 0 && err.text[0] == '\0' ? EXIT_INPUT : cli_report(rc, &err);
}
