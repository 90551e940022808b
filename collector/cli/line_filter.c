/* line_filter.c - see line_filter.h. */
#include "collector/cli/line_filter.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/err.h"

enum { MODEL, PROVIDER, FUNDER, PERSON, WEEK, RATE, KIND, PENCE };

static const char *const names[LINE_FILTER_FIELDS] = {
    "model", "provider", "funder", "person", "week", "rate", "kind", "pence"};

static bool is_number(const char *text)
{
    return text[0] == '\0' || (strspn(text, "0123456789") == strlen(text) && strlen(text) <= 18);
}

static int check(struct line_filter *filter, struct err *err)
{
    const char *model = filter->fields[MODEL];

    if (strcmp(model, "K") == 0) {
        return err_set(err, ECM_EFORMAT,
            "--line: the lines of a contract (model K) are explained "
            "by contract_slots.csv of its run, step by step");
    }
    if (model[0] != '\0' && (model[1] != '\0' || strchr("ABC", model[0]) == NULL)) {
        return err_set(
            err, ECM_EFORMAT, "--line: '%s' is not a model; there are A, B and C", model);
    }
    filter->model = model[0];
    for (int i = WEEK; i < LINE_FILTER_FIELDS; i++) {
        if (i != KIND && !is_number(filter->fields[i])) {
            return err_set(err, ECM_EFORMAT, "--line: %s: '%s' is not a whole number", names[i],
                filter->fields[i]);
        }
    }
    return 0;
}

int line_filter_read(const char *row, struct line_filter *ret_filter, struct err *err)
{
    struct line_filter filter = {0};
    struct csv *csv = NULL;
    struct csv_field *fields = NULL;
    size_t count = 0;
    int rc = csv_open_memory(&csv, row, strlen(row));

    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    rc = csv_next(csv, &fields, &count);
    if (rc != 1 || count > LINE_FILTER_FIELDS) {
        rc = err_set(err, ECM_EFORMAT, "--line: '%s' is not a row like A,P1,LA,S00001,0,1529", row);
    } else {
        rc = 0;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (fields[i].size >= LINE_FILTER_TEXT_SIZE) {
            rc = err_set(err, ECM_EFORMAT, "--line: %s: too long", names[i]);
        } else {
            (void)memcpy(filter.fields[i], fields[i].text, fields[i].size);
        }
    }
    csv_close(csv);
    rc = rc == 0 ? check(&filter, err) : rc;
    if (rc == 0) {
        *ret_filter = filter;
    }
    return rc;
}

static bool fits(const char *wanted, const char *found)
{
    return wanted[0] == '\0' || strcmp(wanted, found) == 0;
}

static bool fits_number(const char *wanted, int64_t found)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%lld", (long long)found);
    return fits(wanted, text);
}

bool line_filter_fits(
    const struct line_filter *filter, const struct dataset *dataset, const struct pay_line *line)
{
    return (filter->model == '\0' || filter->model == line->model) &&
           fits(filter->fields[PROVIDER], dataset_text(dataset, line->provider_id)) &&
           fits(filter->fields[FUNDER], dataset_text(dataset, line->funder)) &&
           fits(filter->fields[PERSON], dataset_text(dataset, line->person_id)) &&
           (line->model == 'C' || fits_number(filter->fields[WEEK], line->week)) &&
           fits_number(filter->fields[RATE], line->pence_per_hour) &&
           fits(filter->fields[KIND], pay_kind_name((enum pay_kind)line->kind)) &&
           fits_number(filter->fields[PENCE], line->pence);
}
