/*
 * exceptions.h - the growing list of what a person should look at. Inside visits/ only.
 */
#ifndef ECM_COLLECTOR_VISITS_EXCEPTIONS_H
#define ECM_COLLECTOR_VISITS_EXCEPTIONS_H

#include "collector/visits/visits.h"

struct exceptions {
    struct visits_exception *rows;
    size_t count;
    size_t capacity;
};

/* 0 or -ENOMEM. */
int exceptions_add(struct exceptions *exceptions, enum visits_exception_code code, text_id ref,
    int64_t ts_utc, text_id detail);

/* By code, ref, ts_utc, detail. */
void exceptions_sort(struct visits_exception *rows, size_t count, const struct dataset *dataset);

#endif
