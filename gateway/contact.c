/*
 * contact.c - see contact.h.
 *
 * An edge is taken only after what was settled before it has been told, so the order and the times of
 * the changes do not depend on when somebody looks.
 */
#include "gateway/contact.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hal/input.h"

enum { EDGES_A_POLL = 64 };

static uint64_t debounce_us(const struct contact *contact)
{
    return (uint64_t)contact->conf.debounce_ms * 1000;
}

/* ---- opening and failing ------------------------------------------------------------------ */

static void shut(struct contact *contact)
{
    if (contact->input != NULL) {
        contact->conf.close(contact->conf.user, contact->input);
        contact->input = NULL;
    }
    contact->has_edge = false;
}

static void fail(
    struct contact *contact, const char *text, uint64_t now_us, struct contact_change *ret_change)
{
    shut(contact);
    contact->retry_us = now_us + contact->wait_us;
    contact->wait_us =
        2 * contact->wait_us < CONTACT_RETRY_MAX_US ? 2 * contact->wait_us : CONTACT_RETRY_MAX_US;
    if (!contact->is_down) {
        contact->is_down = true;
        ret_change->event = CONTACT_FAULT;
        ret_change->at_us = now_us;
        (void)snprintf(ret_change->text, sizeof ret_change->text, "%.*s",
            (int)sizeof ret_change->text - 1, text);
    }
}

/* Whether the line is active: 1, 0, or -EIO. */
static int look(struct contact *contact)
{
    int level = hal_input_level(contact->input);

    return level < 0 ? level : (level != 0) != contact->conf.active_low;
}

/* Begin to watch, with nothing known but the level. */
static void try_open(struct contact *contact, uint64_t now_us, struct contact_change *ret_change)
{
    struct err err = {.text = ""};
    int active = 0;

    if (contact->conf.open(contact->conf.user, &contact->input, &err) < 0) {
        contact->input = NULL;
        fail(contact, err.text, now_us, ret_change);
        return;
    }
    active = look(contact);
    if (active < 0) {
        fail(contact, "its level cannot be read", now_us, ret_change);
        return;
    }
    contact->raw = active != 0;
    contact->since_us = now_us;
    contact->unrest_us = UINT64_MAX;
    contact->is_apart = false;
    contact->is_known = false;
    if (contact->is_down) {
        contact->is_down = false;
        ret_change->event = CONTACT_RECOVERED;
        ret_change->at_us = now_us;
    }
}

/* ---- what has settled --------------------------------------------------------------------- */

/* How long a release must last: longer when somebody, or something, cannot leave it alone. */
static uint64_t release_us(const struct contact *contact, uint64_t at_us)
{
    uint64_t oldest_us = contact->pressed_us[contact->pressed % CONTACT_PRESSES_MAX];
    bool is_often =
        contact->pressed >= CONTACT_PRESSES_MAX && at_us - oldest_us < CONTACT_WINDOW_US;

    return is_often ? CONTACT_HOLD_US : debounce_us(contact);
}

static void note_press(struct contact *contact, uint64_t at_us)
{
    contact->pressed_us[contact->pressed++ % CONTACT_PRESSES_MAX] = at_us;
}

static void tell(struct contact *contact, bool is_active, uint64_t at_us, bool is_first,
    struct contact_change *ret_change)
{
    contact->is_known = true;
    contact->is_active = is_active;
    contact->is_apart = false;
    contact->unrest_us = UINT64_MAX;
    if (is_active) {
        note_press(contact, at_us);
    }
    ret_change->event = is_active ? CONTACT_ON : CONTACT_OFF;
    ret_change->at_us = at_us;
    ret_change->is_first = is_first;
}

/* While it counts as pressed. */
static void settle_active(
    struct contact *contact, uint64_t at_us, struct contact_change *ret_change)
{
    uint64_t still_us = at_us - contact->since_us;

    if (contact->raw) {
        if (contact->is_apart && still_us >= debounce_us(contact)) {
            contact->is_apart = false;
            note_press(contact, contact->since_us);
            ret_change->event = CONTACT_AGAIN;
            ret_change->at_us = contact->since_us;
        }
    } else if (still_us >= release_us(contact, at_us)) {
        tell(contact, false, contact->since_us, false, ret_change);
    } else if (still_us >= debounce_us(contact)) {
        contact->is_apart = true;
    }
}

/* While it counts as released. */
static void settle_inactive(
    struct contact *contact, uint64_t at_us, struct contact_change *ret_change)
{
    uint64_t still_us = at_us - contact->since_us;

    if (still_us >= debounce_us(contact)) {
        contact->unrest_us = UINT64_MAX;
        if (contact->raw) {
            tell(contact, true, contact->since_us, false, ret_change);
        }
    } else if (contact->unrest_us != UINT64_MAX &&
               at_us - contact->unrest_us >= CONTACT_CHATTER_US) {
        tell(contact, true, contact->unrest_us, false, ret_change);
    }
}

/* What the line's having kept its level until at_us means. */
static void settle(struct contact *contact, uint64_t at_us, struct contact_change *ret_change)
{
    if (!contact->is_known) {
        if (at_us - contact->since_us >= debounce_us(contact)) {
            tell(contact, contact->raw, contact->since_us, true, ret_change);
        }
    } else if (contact->is_active) {
        settle_active(contact, at_us, ret_change);
    } else {
        settle_inactive(contact, at_us, ret_change);
    }
}

static void move(struct contact *contact, bool is_active, uint64_t at_us)
{
    contact->raw = is_active;
    contact->since_us = at_us;
    if (contact->unrest_us == UINT64_MAX) {
        contact->unrest_us = at_us;
    }
}

/* ---- looking ------------------------------------------------------------------------------ */

/* Have an edge in hand: 1; there is none: 0; -EIO. Never dated before the one before it. */
static int next_edge(struct contact *contact, uint64_t now_us)
{
    struct hal_input_edge edge = {.age_us = 0};
    int rc = 0;

    if (contact->has_edge) {
        return 1;
    }
    rc = hal_input_read_edge(contact->input, &edge);
    if (rc > 0) {
        uint64_t at_us = edge.age_us < now_us ? now_us - edge.age_us : 0;

        contact->has_edge = true;
        contact->edge_active = edge.level != contact->conf.active_low;
        contact->edge_us = at_us > contact->since_us ? at_us : contact->since_us;
    }
    return rc;
}

static void watch(struct contact *contact, uint64_t now_us, struct contact_change *ret_change)
{
    int rc = 0;

    for (int i = 0; i < EDGES_A_POLL && (rc = next_edge(contact, now_us)) > 0; i++) {
        settle(contact, contact->edge_us, ret_change);
        if (ret_change->event != CONTACT_NOTHING) {
            return; /* the edge waits for the next call */
        }
        contact->has_edge = false;
        move(contact, contact->edge_active, contact->edge_us);
    }
    /* The queue may have been too small: the level is the truth. */
    if (rc == 0) {
        rc = look(contact);
        if (rc >= 0 && (rc != 0) != contact->raw) {
            move(contact, rc != 0, now_us);
        }
    }
    if (rc < 0) {
        fail(contact, "its level cannot be read", now_us, ret_change);
        return;
    }
    settle(contact, now_us, ret_change);
}

void contact_poll(struct contact *contact, uint64_t now_us, struct contact_change *ret_change)
{
    *ret_change = (struct contact_change){.event = CONTACT_NOTHING};
    if (contact->conf.open == NULL) {
        return;
    }
    if (contact->input != NULL) {
        watch(contact, now_us, ret_change);
    } else if (now_us >= contact->retry_us) {
        try_open(contact, now_us, ret_change);
    }
    if (contact->input != NULL && ret_change->event == CONTACT_NOTHING && contact->is_known) {
        contact->wait_us = CONTACT_RETRY_MIN_US; /* it has worked for a while */
    }
}

uint64_t contact_due_us(const struct contact *contact, uint64_t now_us)
{
    uint64_t quiet_us = contact->since_us + debounce_us(contact);
    uint64_t due_us = UINT64_MAX;

    if (contact->conf.open == NULL) {
        return UINT64_MAX;
    }
    if (contact->input == NULL) {
        return contact->retry_us;
    }
    if (contact->has_edge) {
        return now_us;
    }
    if (now_us < quiet_us || !contact->is_known) {
        due_us = quiet_us;
    } else if (contact->is_active && !contact->raw) {
        due_us = contact->since_us + release_us(contact, now_us);
    }
    if (hal_input_fd(contact->input) == HAL_INPUT_NO_FD && due_us > now_us + CONTACT_LOOK_US) {
        due_us = now_us + CONTACT_LOOK_US;
    }
    return due_us;
}

int contact_fd(const struct contact *contact, uint64_t now_us)
{
    if (contact->input == NULL || now_us < contact->since_us + debounce_us(contact)) {
        return -1;
    }
    return hal_input_fd(contact->input);
}

void contact_init(struct contact *contact, const struct contact_conf *conf)
{
    *contact =
        (struct contact){.conf = *conf, .wait_us = CONTACT_RETRY_MIN_US, .unrest_us = UINT64_MAX};
}

void contact_done(struct contact *contact)
{
    shut(contact);
}
