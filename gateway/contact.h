/*
 * contact.h - a contact or button, debounced: from edges to "it went on" and "it went off".
 *
 * A change counts when the line has kept its new level for the debounce time; it is dated to the
 * edge that began it. Edges carry their own time, so a press that was over before the program came
 * round to look (a slow disk) is told all the same, both ends of it.
 *
 * Nothing that a line can do makes more than CONTACT_CHANGES_PER_10_MIN changes in ten minutes:
 *   - held: one ON, and one OFF when it is let go;
 *   - pressed more than CONTACT_PRESSES_MAX times within ten minutes: from then on a release counts
 *     only after CONTACT_HOLD_US without another press; presses in between are told as AGAIN, which
 *     asks for no record of its own, because the one that stands covers them;
 *   - a line that never keeps a level is ON after CONTACT_CHATTER_US: rather a false alarm than a
 *     call that nobody hears.
 *
 * A line that cannot be opened or read is told once as FAULT, tried again for ever, and told once as
 * RECOVERED; its level is then told anew.
 *
 * Threads: one contact belongs to one thread. Nothing blocks beyond what the port's open does.
 */
#ifndef ECM_GATEWAY_CONTACT_H
#define ECM_GATEWAY_CONTACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct hal_input;

enum {
    CONTACT_PRESSES_MAX = 6,
    CONTACT_CHANGES_PER_10_MIN = 2 * (CONTACT_PRESSES_MAX + 10),
    CONTACT_TEXT_SIZE = 100,
};
#define CONTACT_WINDOW_US (600ull * 1000000u)
#define CONTACT_HOLD_US (60ull * 1000000u)
#define CONTACT_CHATTER_US 1000000ull
#define CONTACT_RETRY_MIN_US 1000000ull
#define CONTACT_RETRY_MAX_US (60ull * 1000000u)
#define CONTACT_LOOK_US 10000ull /* between looks at a line without a descriptor */

struct contact_conf {
    /* Open the line; a failure leaves a sentence in err and is tried again. NULL: no such contact. */
    int (*open)(void *user, struct hal_input **ret_input, struct err *err);
    void (*close)(void *user, struct hal_input *input);
    void *user;
    bool active_low;
    uint32_t debounce_ms;
};

enum contact_event {
    CONTACT_NOTHING,
    CONTACT_ON,    /* it became active, or was found so when watching began */
    CONTACT_OFF,   /* likewise inactive */
    CONTACT_AGAIN, /* pressed again, while the last release does not count yet */
    CONTACT_FAULT,
    CONTACT_RECOVERED,
};

struct contact_change {
    enum contact_event event;
    uint64_t at_us;               /* boot time; ON, OFF, AGAIN: of the edge */
    bool is_first;                /* ON, OFF: found so, not seen happening */
    char text[CONTACT_TEXT_SIZE]; /* FAULT: why */
};

struct contact {
    struct contact_conf conf;
    struct hal_input *input; /* NULL: not open */
    uint64_t retry_us, wait_us;
    bool is_down; /* FAULT was told */
    bool is_known, is_active;
    bool raw;           /* active, as the line last said */
    uint64_t since_us;  /* ... since when */
    uint64_t unrest_us; /* since when it has not kept still; UINT64_MAX: it has */
    bool is_apart;      /* released for the debounce time, though that does not count yet */
    bool has_edge;      /* an edge that was read and not yet taken */
    bool edge_active;
    uint64_t edge_us;
    uint64_t pressed_us[CONTACT_PRESSES_MAX]; /* the last times of ON and AGAIN, a ring */
    unsigned pressed;                         /* how many there ever were */
};

void contact_init(struct contact *contact, const struct contact_conf *conf);

/* Close the line. */
void contact_done(struct contact *contact);

/* What happened, one thing a call, oldest first: call until it is CONTACT_NOTHING. now_us: boot time. */
void contact_poll(struct contact *contact, uint64_t now_us, struct contact_change *ret_change);

/* When contact_poll() is wanted at the latest. UINT64_MAX: not before the descriptor says so. */
uint64_t contact_due_us(const struct contact *contact, uint64_t now_us);

/* What to wait for; -1: nothing, due says when. It changes: a line that bounces is left alone for
 * the debounce time, so that it cannot keep the program busy. */
int contact_fd(const struct contact *contact, uint64_t now_us);

#endif
