/* contract_file.c - see contract_file.h. */
#include "collector/cli/contract_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"

#define OFFSET(field) offsetof(struct contract_words, field)
#define SIZE(field) sizeof(((struct contract_words *)0)->field)

#define STRING(in, name, field, default_, help_)                                                   \
    {                                                                                              \
        .section = (in), .key = (name), .type = CONF_STRING, .preset = (default_),                 \
        .offset = OFFSET(field), .size = SIZE(field), .help = (help_)                              \
    }
#define INT(in, name, field, low, high, default_, help_)                                           \
    {                                                                                              \
        .section = (in), .key = (name), .type = CONF_INT, .min = (low), .max = (high),             \
        .preset = (default_), .offset = OFFSET(field), .help = (help_)                             \
    }
#define CHOICE(in, name, field, list, default_, help_)                                             \
    {                                                                                              \
        .section = (in), .key = (name), .type = CONF_CHOICE, .choices = (list),                    \
        .preset = (default_), .offset = OFFSET(field), .help = (help_)                             \
    }
#define BOOL(in, name, field, default_, help_)                                                     \
    {                                                                                              \
        .section = (in), .key = (name), .type = CONF_BOOL, .preset = (default_),                   \
        .offset = OFFSET(field), .help = (help_)                                                   \
    }

static const struct conf_item items[] = {
    STRING("contract", "id", id, "", "Name; lines and statements carry it"),
    INT("contract", "version", version, 1, 9999, "1", "Counts up with every change"),
    STRING("contract", "title", title, "", "For people"),
    STRING("contract", "valid_from", valid_from, "", "First local date, YYYY-MM-DD"),
    STRING("contract", "valid_to", valid_to, "", "First local date no longer; empty: open"),
    CHOICE("time", "source", source, contract_sources, "actual", "What is paid for"),
    CHOICE("time", "seconds", seconds, contract_seconds_rules, "exact",
        "What becomes of seconds before rounding"),
    CHOICE("time", "held", held, contract_helds, "nothing", "Visits with a missing tap"),
    CHOICE("rounding", "of", round_of, contract_round_ofs, "length", "What is rounded"),
    INT("rounding", "unit_min", unit_min, 0, 60, "0", "Minutes in a unit; 0: no rounding"),
    CHOICE("rounding", "direction", direction, contract_directions, "nearest", "Which way"),
    INT("rounding", "starts_at_min", starts_at_min, 0, 60, "0",
        "With threshold: the minute at which a unit starts"),
    INT("rounding", "minimum_min", minimum_min, 0, 1440, "0", "No attended visit is shorter"),
    INT("visit", "cap_percent", visit_cap_percent, 0, 1000, "0",
        "At most this share of the planned length; 0: no cap"),
    INT("visit", "floor_percent", visit_floor_percent, 0, 100, "0",
        "At least this share of the planned length when attended"),
    CHOICE("envelope", "scope", envelope_scope, contract_scopes, "none",
        "Minutes put together for a person"),
    INT("envelope", "minutes", envelope_min, 0, 100000, "0", "Its size; 0: what was planned"),
    BOOL("envelope", "top_up", envelope_top_up, "no", "What is left pays what the visit cap took"),
    CHOICE("envelope", "counts", envelope_counts, contract_counts_names, "planned",
        "all: unplanned attendances too"),
    CHOICE("carry_over", "scope", carry_scope, contract_scopes, "none",
        "How long minutes lost by rounding add up"),
    CHOICE("double_handed", "method", double_handed, contract_doubles, "per_carer",
        "Visits that need several carers"),
    STRING("cancellation", "bands", cancellation, "24h:0 0h:100",
        "HOURSh:PERCENT ..., longest notice first"),
    STRING("price", "weekday", price[DAY_WEEKDAY], "rate",
        "rate [PERCENT%] | hour POUNDS | bands MIN:POUNDS ... | points MIN:POUNDS ... hour POUNDS"),
    STRING("price", "saturday", price[DAY_SATURDAY], "", "Empty: as on weekdays"),
    STRING("price", "sunday", price[DAY_SUNDAY], "", "Empty: as on weekdays"),
    STRING("price", "bank_holiday", price[DAY_BANK_HOLIDAY], "", "Before the day of the week"),
    STRING("price", "special", price[DAY_SPECIAL], "", "Before bank holidays"),
    STRING("days", "bank_holidays", bank_holidays, "", "Dates, YYYY-MM-DD, ascending"),
    STRING("days", "special", special_days, "", "Dates, YYYY-MM-DD, ascending"),
    CHOICE("lines", "per", lines_per, contract_lines_names, "person_week", "What one line sums up"),
    CHOICE("lines", "seconds", lines_seconds, contract_seconds_rules, "exact",
        "What becomes of the seconds of a line"),
    CHOICE("lines", "rate_day", rate_day, contract_rate_days, "visit", "Whose day's rate it is"),
    INT("guarantee", "percent", guarantee_percent, 0, 100, "0",
        "Paid at least, of the provider's contracted minutes"),
    INT("guarantee", "cap_percent", guarantee_cap_percent, 0, 1000, "0",
        "Paid at most, of the provider's contracted minutes; 0: no cap"),
    STRING("guarantee", "funder", guarantee_funder, "", "Who pays it"),
    INT("tolerance", "minutes", tolerance_min, CONTRACT_NO_TOLERANCE, 1440, "-1",
        "Further off the planned length is parked for a person; -1: nothing is"),
    CHOICE("edits", "may", edits, contract_edits_names, "extend",
        "shrink: corrections may only shorten what was clocked"),
    INT("cut_off", "days", cut_off_days, 0, 366, "0",
        "Days after the end of the period until which taps and corrections count; 0: none"),
};

enum { ITEM_COUNT = sizeof items / sizeof items[0] };

/* One line each, with the file's name in front. */
static void print_problems(const char *path, const char *problems, FILE *errors)
{
    while (*problems != '\0') {
        const char *end = strchr(problems, '\n');

        (void)fprintf(errors, "%s: %.*s\n", path, (int)(end - problems), problems);
        problems = end + 1;
    }
}

int contract_file_read(const char *path, struct contract *ret_contract, FILE *errors)
{
    struct contract_words words = {0};
    struct text problems = {0};
    size_t count = 0;
    int rc = 0;

    conf_preset(items, ITEM_COUNT, &words);
    rc = conf_load(items, ITEM_COUNT, path, &words, errors);
    if (rc < 0 && rc != ECM_ECONFIG) {
        return rc;
    }
    count = contract_compile(&words, ret_contract, &problems);
    print_problems(path, text_end(&problems), errors);
    rc = problems.rc < 0 ? problems.rc : rc;
    text_done(&problems);
    return rc == 0 && count > 0 ? ECM_ECONFIG : rc;
}

void contract_file_print(const struct contract *contract, FILE *out)
{
    conf_print(items, ITEM_COUNT, &contract->words, out);
}
