/* resolve.c - see resolve.h. */
#include "collector/visits/resolve.h"

#include <errno.h>
#include <stdlib.h>

/* Latest first within an id, so that the first hit is the one that counts. */
static int compare(const void *left, const void *right)
{
    const struct validity *a = left;
    const struct validity *b = right;

    if (a->id != b->id) {
        return a->id < b->id ? -1 : 1;
    }
    if (a->from_utc != b->from_utc) {
        return a->from_utc > b->from_utc ? -1 : 1;
    }
    if (a->to_utc != b->to_utc) {
        return a->to_utc > b->to_utc ? -1 : 1;
    }
    return 0;
}

/* Room for count rows; the ids, their bound and the index come with finish(). */
static int start(struct validities *validities, size_t count)
{
    validities->rows = malloc((count + 1) * sizeof *validities->rows);
    validities->count = count;
    return validities->rows == NULL ? -ENOMEM : 0;
}

static int finish(struct validities *validities)
{
    if (validities->count == 0) {
        return 0;
    }
    qsort(validities->rows, validities->count, sizeof *validities->rows, compare);
    validities->bound = (size_t)validities->rows[validities->count - 1].id + 1;
    validities->firsts = malloc(validities->bound * sizeof *validities->firsts);
    if (validities->firsts == NULL) {
        validities->bound = 0;
        return -ENOMEM;
    }
    for (size_t id = 0; id < validities->bound; id++) {
        validities->firsts[id] = (uint32_t)validities->count;
    }
    for (size_t i = validities->count; i-- > 0;) {
        validities->firsts[validities->rows[i].id] = (uint32_t)i;
    }
    return 0;
}

static int add_cards(struct validities *validities, const struct dataset *dataset)
{
    int rc = start(validities, dataset->cards_count);

    for (size_t i = 0; rc == 0 && i < dataset->cards_count; i++) {
        const struct card_row *row = &dataset->cards[i];

        validities->rows[i] =
            (struct validity){row->from_utc, row->to_utc, row->card_uid, row->carer_id};
    }
    return rc == 0 ? finish(validities) : rc;
}

static int add_devices(struct validities *validities, const struct dataset *dataset)
{
    int rc = start(validities, dataset->devices_count);

    for (size_t i = 0; rc == 0 && i < dataset->devices_count; i++) {
        const struct device_row *row = &dataset->devices[i];

        validities->rows[i] =
            (struct validity){row->from_utc, row->to_utc, row->device_id, row->person_id};
    }
    return rc == 0 ? finish(validities) : rc;
}

static int add_home_tags(struct validities *validities, const struct dataset *dataset)
{
    int rc = start(validities, dataset->home_tags_count);

    for (size_t i = 0; rc == 0 && i < dataset->home_tags_count; i++) {
        const struct home_tag_row *row = &dataset->home_tags[i];

        validities->rows[i] =
            (struct validity){row->from_utc, row->to_utc, row->tag_uid, row->person_id};
    }
    return rc == 0 ? finish(validities) : rc;
}

static int add_carried_readers(struct validities *validities, const struct dataset *dataset)
{
    int rc = start(validities, dataset->carried_readers_count);

    for (size_t i = 0; rc == 0 && i < dataset->carried_readers_count; i++) {
        const struct carried_reader_row *row = &dataset->carried_readers[i];

        validities->rows[i] =
            (struct validity){row->from_utc, row->to_utc, row->device_id, row->carer_id};
    }
    return rc == 0 ? finish(validities) : rc;
}

int resolver_init(struct resolver *resolver, const struct dataset *dataset)
{
    int rc = 0;

    *resolver = (struct resolver){0};
    rc = add_cards(&resolver->cards, dataset);
    if (rc == 0) {
        rc = add_devices(&resolver->devices, dataset);
    }
    if (rc == 0) {
        rc = add_home_tags(&resolver->home_tags, dataset);
    }
    if (rc == 0) {
        rc = add_carried_readers(&resolver->carried_readers, dataset);
    }
    return rc;
}

static void validities_done(struct validities *validities)
{
    free(validities->rows);
    free(validities->firsts);
}

void resolver_done(struct resolver *resolver)
{
    validities_done(&resolver->cards);
    validities_done(&resolver->devices);
    validities_done(&resolver->home_tags);
    validities_done(&resolver->carried_readers);
    *resolver = (struct resolver){0};
}

/* The row of id that is valid at at_utc, or NULL. */
static const struct validity *find(const struct validities *validities, text_id id, int64_t at_utc)
{
    if (id >= validities->bound) {
        return NULL;
    }
    for (size_t i = validities->firsts[id]; i < validities->count && validities->rows[i].id == id;
         i++) {
        const struct validity *row = &validities->rows[i];

        if (row->from_utc <= at_utc && at_utc < row->to_utc) {
            return row;
        }
    }
    return NULL;
}

static struct resolved find_either(
    const struct validities *carers, const struct validities *people, text_id id, int64_t at_utc)
{
    const struct validity *row = find(carers, id, at_utc);

    if (row != NULL) {
        return (struct resolved){SIDE_CARER, row->who};
    }
    row = find(people, id, at_utc);
    if (row != NULL) {
        return (struct resolved){SIDE_PERSON, row->who};
    }
    return (struct resolved){SIDE_UNKNOWN, 0};
}

struct resolved resolver_tag(const struct resolver *resolver, text_id tag_uid, int64_t at_utc)
{
    return find_either(&resolver->cards, &resolver->home_tags, tag_uid, at_utc);
}

struct resolved resolver_device(const struct resolver *resolver, text_id device_id, int64_t at_utc)
{
    return find_either(&resolver->carried_readers, &resolver->devices, device_id, at_utc);
}
