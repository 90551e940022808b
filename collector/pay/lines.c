/* lines.c - see lines.h. */
#include "collector/pay/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT_START = 64 };

int lines_append(struct pay_lines *lines, const struct pay_line *line)
{
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity == 0 ? COUNT_START : lines->capacity * 2;
        struct pay_line *rows = realloc(lines->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        lines->rows = rows;
        lines->capacity = capacity;
    }
    lines->rows[lines->count++] = *line;
    return 0;
}

static bool is_same(const struct pay_line *a, const struct pay_line *b)
{
    return a->week == b->week && a->pence_per_hour == b->pence_per_hour &&
           a->provider_id == b->provider_id && a->funder == b->funder &&
           a->person_id == b->person_id && a->kind == b->kind;
}

struct pay_line *lines_find(struct pay_lines *lines, size_t from, const struct pay_line *wanted)
{
    for (size_t i = lines->count; i-- > from;) {
        if (is_same(&lines->rows[i], wanted)) {
            return &lines->rows[i];
        }
    }
    return lines_append(lines, wanted) < 0 ? NULL : &lines->rows[lines->count - 1];
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *left, const void *right, void *dataset)
{
    const struct pay_line *a = left;
    const struct pay_line *b = right;
    int order = dataset_compare(dataset, a->provider_id, b->provider_id);

    if (order == 0) {
        order = compare_numbers(a->kind == PAY_GUARANTEE, b->kind == PAY_GUARANTEE);
    }
    if (order == 0) {
        order = dataset_compare(dataset, a->funder, b->funder);
    }
    if (order == 0) {
        order = dataset_compare(dataset, a->person_id, b->person_id);
    }
    if (order == 0) {
        order = compare_numbers(a->week, b->week);
    }
    return order != 0 ? order : compare_numbers(a->pence_per_hour, b->pence_per_hour);
}

void lines_sort(struct pay_lines *lines, size_t from, const struct dataset *dataset)
{
    /* qsort_r() wants a writable context; compare() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};

    if (lines->count - from > 1) {
        qsort_r(&lines->rows[from], lines->count - from, sizeof *lines->rows, compare, context.out);
    }
}

void lines_drop_zero(struct pay_lines *lines, size_t from)
{
    size_t kept = from;

    for (size_t i = from; i < lines->count; i++) {
        if (lines->rows[i].quantity != 0) {
            lines->rows[kept++] = lines->rows[i];
        }
    }
    lines->count = kept;
}

int pay_check_amount(const struct pay_input *input, text_id provider_id, int64_t amount,
    struct pay_problem *ret_problem)
{
    if (amount >= 0 && amount <= PAY_AMOUNT_MAX) {
        return 0;
    }
    (void)snprintf(ret_problem->text, sizeof ret_problem->text,
        "provider %s: a line of %lld is beyond what can be paid",
        dataset_text(input->dataset, provider_id), (long long)amount);
    return -EOVERFLOW;
}

void pay_lines_done(struct pay_lines *lines)
{
    free(lines->rows);
    *lines = (struct pay_lines){0};
}
