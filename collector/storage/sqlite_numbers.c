/* sqlite_numbers.c - a list of row numbers, put in order, each once. */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>

enum { COUNT_START = 256 };

int numbers_add(struct numbers *numbers, int64_t number)
{
    if (numbers->count == numbers->capacity) {
        size_t capacity = numbers->capacity == 0 ? COUNT_START : 2 * numbers->capacity;
        int64_t *rows = realloc(numbers->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        numbers->rows = rows;
        numbers->capacity = capacity;
    }
    numbers->rows[numbers->count++] = number;
    return 0;
}

int numbers_add_all(struct numbers *numbers, sqlite3_stmt *statement)
{
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    while (rc == 0 && (sqlite_rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = numbers_add(numbers, sqlite3_column_int64(statement, 0));
    }
    (void)sqlite3_reset(statement);
    return rc < 0 ? rc : store_code(sqlite_rc);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

void numbers_settle(struct numbers *numbers)
{
    size_t kept = 0;

    if (numbers->count > 1) {
        qsort(numbers->rows, numbers->count, sizeof *numbers->rows, compare);
    }
    for (size_t i = 0; i < numbers->count; i++) {
        if (kept == 0 || numbers->rows[kept - 1] != numbers->rows[i]) {
            numbers->rows[kept++] = numbers->rows[i];
        }
    }
    numbers->count = kept;
}
