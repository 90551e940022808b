/* exceptions.c - see exceptions.h. */
#include "collector/visits/exceptions.h"

#include <errno.h>
#include <stdlib.h>

enum { COUNT_START = 64 };

int exceptions_add(struct exceptions *exceptions, enum visits_exception_code code, text_id ref,
    int64_t ts_utc, text_id detail)
{
    if (exceptions->count == exceptions->capacity) {
        size_t capacity = exceptions->capacity == 0 ? COUNT_START : exceptions->capacity * 2;
        struct visits_exception *rows = realloc(exceptions->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        exceptions->rows = rows;
        exceptions->capacity = capacity;
    }
    exceptions->rows[exceptions->count++] = (struct visits_exception){
        .ts_utc = ts_utc, .ref = ref, .detail = detail, .code = (uint8_t)code};
    return 0;
}

static int compare(const void *left, const void *right, void *dataset)
{
    const struct visits_exception *a = left;
    const struct visits_exception *b = right;
    int order = 0;

    if (a->code != b->code) {
        return a->code < b->code ? -1 : 1;
    }
    order = dataset_compare(dataset, a->ref, b->ref);
    if (order != 0) {
        return order;
    }
    if (a->ts_utc != b->ts_utc) {
        return a->ts_utc < b->ts_utc ? -1 : 1;
    }
    return dataset_compare(dataset, a->detail, b->detail);
}

void exceptions_sort(struct visits_exception *rows, size_t count, const struct dataset *dataset)
{
    /* qsort_r() wants a writable context; compare() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};

    if (count > 1) {
        qsort_r(rows, count, sizeof *rows, compare, context.out);
    }
}
