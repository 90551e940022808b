/*
 * resolve.h - whose card, whose door, at that instant (rule E5). Inside visits/ only.
 *
 * Four tables say it: a card is a carer's and a device stands in a person's home; or, the other
 * way round, a tag is fixed in a person's home and a carer carries the reader. Where rows of one
 * id overlap (an import refuses that) the one valid from the latest instant counts.
 */
#ifndef ECM_COLLECTOR_VISITS_RESOLVE_H
#define ECM_COLLECTOR_VISITS_RESOLVE_H

#include "collector/visits/dataset.h"

enum resolved_side { SIDE_UNKNOWN, SIDE_CARER, SIDE_PERSON };

struct resolved {
    enum resolved_side side;
    text_id who;
};

/* The validities of one table, those of one id together. */
struct validity {
    int64_t from_utc, to_utc;
    text_id id, who;
};
struct validities {
    struct validity *rows;
    size_t count;
    uint32_t *firsts; /* by id: index of its first row */
    size_t bound;
};

struct resolver {
    struct validities cards, devices, home_tags, carried_readers;
};

/* 0 or -ENOMEM; resolver_done() is due either way. */
int resolver_init(struct resolver *resolver, const struct dataset *dataset);
void resolver_done(struct resolver *resolver);

struct resolved resolver_tag(const struct resolver *resolver, text_id tag_uid, int64_t at_utc);
struct resolved resolver_device(const struct resolver *resolver, text_id device_id, int64_t at_utc);

#endif
