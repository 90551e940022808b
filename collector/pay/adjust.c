/*
 * adjust.c - see adjust.h.
 *
 * Identities are compared as the bytes of their row up to the last comma: no row holds a line
 * break, and pence are digits, so the last comma of a row is always the one before the pence.
 */
#include "collector/pay/adjust.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "model,provider_id,funder,person_id,week,pence_per_hour,kind,pence";

struct row {
    const char *text;
    size_t identity_size; /* without the comma before the pence */
    int64_t pence;
};

struct rows {
    struct row *rows;
    size_t count;
};

static void add_id_comma(struct text *text, const struct dataset *dataset, text_id id)
{
    text_add_csv(text, dataset_text(dataset, id), dataset_text_size(dataset, id));
    text_add_char(text, ',');
}

static void add_line(struct text *text, const struct dataset *dataset, const struct pay_line *line)
{
    text_add_char(text, line->model);
    text_add_char(text, ',');
    add_id_comma(text, dataset, line->provider_id);
    add_id_comma(text, dataset, line->funder);
    add_id_comma(text, dataset, line->person_id);
    if (line->model != 'C') {
        text_add_int(text, line->week);
    }
    text_add_char(text, ',');
    text_add_int(text, line->pence_per_hour);
    text_addf(text, ",%s,", pay_kind_name((enum pay_kind)line->kind));
    text_add_int(text, line->pence);
    text_add_char(text, '\n');
}

/* size digits with an optional minus to a number. */
static bool read_pence(const char *text, size_t size, int64_t *ret_pence)
{
    bool is_negative = size > 0 && text[0] == '-';
    int64_t pence = 0;

    if (size <= (is_negative ? 1u : 0u) || size > 18) {
        return false;
    }
    for (size_t i = is_negative ? 1 : 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        pence = pence * 10 + (text[i] - '0');
    }
    *ret_pence = is_negative ? -pence : pence;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    size_t size = a->identity_size < b->identity_size ? a->identity_size : b->identity_size;
    int order = memcmp(a->text, b->text, size);

    if (order != 0) {
        return order;
    }
    return (a->identity_size > b->identity_size) - (a->identity_size < b->identity_size);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        count++;
    }
    return count;
}

/* Split lines into rows, sorted. -EINVAL when they are not what adjust_add_lines() makes. */
static int parse(struct rows *ret_rows, const char *lines)
{
    size_t header_size = sizeof header - 1;
    struct row *rows = malloc((count_lines(lines) + 1) * sizeof *rows);
    size_t count = 0;
    const char *at = lines + header_size + 1;

    if (rows == NULL) {
        return -ENOMEM;
    }
    if (strncmp(lines, header, header_size) != 0 || lines[header_size] != '\n') {
        free(rows);
        return -EINVAL;
    }
    for (const char *end = strchr(at, '\n'); end != NULL; end = strchr(at, '\n')) {
        const char *comma = memrchr(at, ',', (size_t)(end - at));
        struct row *row = &rows[count++];

        if (comma == NULL || !read_pence(comma + 1, (size_t)(end - comma - 1), &row->pence)) {
            free(rows);
            return -EINVAL;
        }
        row->text = at;
        row->identity_size = (size_t)(comma - at);
        at = end + 1;
    }
    if (count > 1) {
        qsort(rows, count, sizeof *rows, compare);
    }
    *ret_rows = (struct rows){.rows = rows, .count = count};
    return 0;
}

void adjust_add_lines(struct text *text, const struct pay_run *run)
{
    struct text unsorted = {0};
    struct rows rows = {0};

    text_add_string(&unsorted, header);
    text_add_char(&unsorted, '\n');
    for (size_t i = 0; i < run->lines.count; i++) {
        add_line(&unsorted, run->input.dataset, &run->lines.rows[i]);
    }
    if (parse(&rows, text_end(&unsorted)) < 0 || unsorted.rc < 0) {
        text->rc = -ENOMEM; /* the only way our own rows can fail */
    }
    text_add_string(text, header);
    text_add_char(text, '\n');
    for (size_t i = 0; i < rows.count; i++) {
        text_add(text, rows.rows[i].text, rows.rows[i].identity_size);
        text_add_char(text, ',');
        text_add_int(text, rows.rows[i].pence);
        text_add_char(text, '\n');
    }
    free(rows.rows);
    text_done(&unsorted);
}

static void add_adjustment(
    struct text *text, const struct row *row, int64_t old_pence, int64_t new_pence)
{
    if (old_pence == new_pence) {
        return;
    }
    text_add(text, row->text, row->identity_size);
    text_add_char(text, ',');
    text_add_int(text, old_pence);
    text_add_char(text, ',');
    text_add_int(text, new_pence);
    text_add_char(text, ',');
    text_add_int(text, new_pence - old_pence);
    text_add_char(text, '\n');
}

/* Walk both sorted lists at once. */
static void merge(struct text *text, const struct rows *olds, const struct rows *news)
{
    size_t o = 0;
    size_t n = 0;

    while (o < olds->count || n < news->count) {
        const struct row *old = o < olds->count ? &olds->rows[o] : NULL;
        const struct row *now = n < news->count ? &news->rows[n] : NULL;
        int order = old == NULL ? 1 : now == NULL ? -1 : compare(old, now);

        assert(order < 0 || now != NULL);
        add_adjustment(
            text, order <= 0 ? old : now, order <= 0 ? old->pence : 0, order >= 0 ? now->pence : 0);
        o += order <= 0 ? 1 : 0;
        n += order >= 0 ? 1 : 0;
    }
}

int adjust_write(struct text *text, const char *old_lines, const char *new_lines)
{
    struct rows olds = {0};
    struct rows news = {0};
    int rc = 0;

    text_add_string(text, "model,provider_id,funder,person_id,week,pence_per_hour,kind,"
                          "old_pence,new_pence,adjustment_pence\n");
    if (old_lines == NULL) {
        return text->rc;
    }
    rc = parse(&olds, old_lines);
    if (rc == 0) {
        rc = parse(&news, new_lines);
    }
    if (rc == 0) {
        merge(text, &olds, &news);
        rc = text->rc;
    }
    free(olds.rows);
    free(news.rows);
    return rc;
}
