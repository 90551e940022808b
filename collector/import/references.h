/*
 * references.h - what the rows of different files must be to each other. Inside import/ only.
 *
 * Checked: keys occur once; people, carers, providers and funders that are named exist; the
 * validities of one card, device, tag or reader do not overlap; the rates of one provider and
 * funder neither overlap nor leave a gap. A reference is checked only when the file it refers to
 * was read too, so that one file at a time can be imported.
 */
#ifndef ECM_COLLECTOR_IMPORT_REFERENCES_H
#define ECM_COLLECTOR_IMPORT_REFERENCES_H

#include <stdbool.h>

#include "collector/import/tables.h"

struct err;

/* What was read of one file. */
struct import_file {
    bool is_read;
    uint32_t *lines; /* by row: where it lies in the file; NULL for events */
    size_t count;
    size_t capacity;
};

/* 0; ECM_EFORMAT with "file:line: column: reason"; -ENOMEM. files has TABLE_COUNT elements. */
int references_check(
    const struct dataset *dataset, const struct import_file *files, struct err *err);

#endif
