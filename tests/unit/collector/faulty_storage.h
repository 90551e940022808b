/*
 * faulty_storage.h - a store that fails call N on purpose; everything else goes to a real one.
 */
#ifndef ECM_TESTS_UNIT_COLLECTOR_FAULTY_STORAGE_H
#define ECM_TESTS_UNIT_COLLECTOR_FAULTY_STORAGE_H

#include "collector/storage/storage.h"

struct faulty_storage {
    struct storage storage; /* first */
    struct storage *real;   /* the caller's */
    unsigned fail_at;       /* 0: never; counts the calls that may fail */
    int fail_code;
    unsigned calls;    /* out */
    unsigned failures; /* out */
};

void faulty_storage_init(struct faulty_storage *faulty, struct storage *real);

#endif
