/*
 * roster.h - the files of docs/RECONCILIATION.md section 1 that a simulated day is played from.
 *
 * Read are period, cards, devices and planned; the other files are only copied. ecm-pay checks a
 * roster in full; here only what is played is looked at.
 *
 * A real tag has 4, 7 or 10 bytes. A card_uid that is not such a number in hex is played
 * as a 7-byte number made from its text, always the same one; roster_write() writes the roster as
 * it is played, with the numbers the readers will see.
 *
 * Ownership: roster_done() frees all.
 * Threads:   none of its own.
 */
#ifndef ECM_TOOLS_SIM_ROSTER_H
#define ECM_TOOLS_SIM_ROSTER_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { ROSTER_UID_MAX = 10, ROSTER_UID_TEXT = 2 * ROSTER_UID_MAX + 1 };

struct roster_period {
    char *period_id;
    int64_t start_utc, end_utc;
};

struct roster_card {
    char *card_uid; /* as in the file */
    char *carer_id;
    int64_t from_utc, to_utc;
    uint8_t uid[ROSTER_UID_MAX]; /* as the reader sees it */
    uint8_t uid_size;
};

struct roster_device {
    char *device_id;
    char *person_id;
    int64_t from_utc, to_utc;
};

struct roster_visit {
    char *visit_id;
    char *person_id;
    char *roster_carers; /* "a|b" */
    int64_t start_utc, end_utc;
    int64_t carers_required;
    int64_t cancel_utc; /* INT64_MAX: not cancelled */
};

struct roster {
    struct roster_period *periods;
    size_t period_count, period_capacity;
    struct roster_card *cards; /* by carer, then from_utc */
    size_t card_count, card_capacity;
    struct roster_device *devices; /* by person, then from_utc */
    size_t device_count, device_capacity;
    struct roster_visit *visits; /* by start, then visit_id */
    size_t visit_count, visit_capacity;
};

/* Load the folder. ECM_EFORMAT with file, line and column; -errno. On failure roster is empty. */
int roster_load(struct roster *roster, const char *folder, struct err *err);
void roster_done(struct roster *roster);

/* The card that carer holds at that instant; NULL: none. */
const struct roster_card *roster_card_of(
    const struct roster *roster, const char *carer_id, int64_t at_utc);

/* The device in the person's home at that instant; NULL: none. */
const struct roster_device *roster_device_of(
    const struct roster *roster, const char *person_id, int64_t at_utc);

/* The carer of slot number index (0 first) of a visit. 0; -ENOENT: the roster names none. */
int roster_carer(const struct roster_visit *visit, size_t index, char *ret_carer, size_t size);

/* The tag number of a card_uid: the number itself, or one made from its text. */
uint8_t roster_uid_from_text(const char *card_uid, uint8_t ret_uid[static ROSTER_UID_MAX]);

/* In upper-case hex, as the collector writes it. Returns text. */
const char *roster_uid_to_text(const uint8_t *uid, size_t size, char text[static ROSTER_UID_TEXT]);

/*
 * Write the roster as played: every file of from that is part of a roster is copied into to
 * (made when absent), cards.csv with the numbers of the readers, events.csv with its header only.
 */
int roster_write(const struct roster *roster, const char *from, const char *to, struct err *err);

#endif
