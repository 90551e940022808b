/*
 * gateway_inputs.c - the case contact and the assist button: committed, then shown, then told.
 *
 * What the log says is remembered (input->logged), and only a difference from it is recorded. So a
 * case that stays open through many restarts is in the log once, and one that was opened while there
 * was no power is in it at the next start.
 *
 * A press that cannot be stored is shown red, told to the site at once, and stored with its own time
 * as soon as there is room; a release is never stored before the press it ends.
 */
#include "gateway/gateway_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/outbox.h"
#include "hal/clock.h"

enum { CHANGES_A_POLL = 8, LOOK_BACK_RECORDS = 20000 };

#define RETRY_US (10ull * 1000000u)

static const struct {
    enum record_type type;
    enum health_part part;
    const char *event;
    const char *on, *found_on;
} kinds[INPUT_COUNT] = {
    [INPUT_CASE] = {RECORD_TAMPER, HEALTH_CASE, "case-opened", "the case was opened",
        "the case was found open at the start"},
    [INPUT_ASSIST] = {RECORD_BUTTON, HEALTH_ASSIST, "help-called", "the assist button was pressed",
        "the assist button was found pressed at the start"},
};

/* ---- what the log says -------------------------------------------------------------------- */

struct look_back {
    struct gateway *gateway;
    unsigned left;
};

/* Newest first: the first word on an input is the last one that was said. */
static bool take_logged(void *user, const struct outbox_item *item)
{
    struct look_back *look = user;
    bool is_open = false; /* something is not known yet */
    struct record record = {0};

    if (record_decode(item->bytes, item->size, &record) < 0) {
        record.type = RECORD_UNKNOWN;
    }
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        struct input *input = &look->gateway->inputs[i];

        if (record.type == kinds[i].type && record.input.which == 0 &&
            input->logged == INPUT_UNKNOWN) {
            input->logged = record.input.active ? INPUT_ON : INPUT_OFF;
        }
        is_open = is_open || (input->contact.conf.open != NULL && input->logged == INPUT_UNKNOWN);
    }
    return is_open && --look->left > 0;
}

static bool has_inputs(const struct gateway *gateway)
{
    return gateway->inputs[INPUT_CASE].contact.conf.open != NULL ||
           gateway->inputs[INPUT_ASSIST].contact.conf.open != NULL;
}

void gateway_open_inputs(struct gateway *gateway)
{
    /* One who looks further back than that finds nothing and says once more what is the case. */
    struct look_back look = {.gateway = gateway, .left = LOOK_BACK_RECORDS};

    for (size_t i = 0; i < INPUT_COUNT; i++) {
        contact_init(&gateway->inputs[i].contact, &gateway->ports.inputs[i]);
    }
    if (has_inputs(gateway)) {
        (void)outbox_read_back(gateway->box, take_logged, &look);
    }
}

void gateway_close_inputs(struct gateway *gateway)
{
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        contact_done(&gateway->inputs[i].contact);
    }
}

/* ---- recording ---------------------------------------------------------------------------- */

static int record_change(
    struct gateway *gateway, enum input_kind kind, bool is_on, uint64_t at_us, int64_t *ret_wall_ms)
{
    struct record record = {.type = kinds[kind].type};

    timetrust_stamp_at(&gateway->timetrust, at_us, &record);
    record.input.active = is_on;
    *ret_wall_ms = record.wall_ms;
    return gateway_store(gateway, &record);
}

/* Whoever called must see at once whether it counts; a case says it only between taps. */
static void show(struct gateway *gateway, enum input_kind kind, bool is_stored)
{
    uint64_t now_us = hal_clock_boot_us(gateway->ports.clock);

    if (kind == INPUT_ASSIST) {
        gateway_show(gateway, is_stored ? HAL_FEEDBACK_CALL : HAL_FEEDBACK_REFUSED);
    } else if (is_stored &&
               hal_feedback_step(gateway->ports.feedback, now_us) == HAL_FEEDBACK_IDLE_MS) {
        gateway_show(gateway, HAL_FEEDBACK_CASE);
    }
}

static const char *words_for(const struct input *input, enum input_kind kind)
{
    return input->is_found ? kinds[kind].found_on : kinds[kind].on;
}

static void say_on(const struct gateway *gateway, enum input_kind kind, bool is_stored)
{
    log_warn("%s%s event=%s device=%s", words_for(&gateway->inputs[kind], kind),
        is_stored ? "" : "; NOT stored yet, trying again", kinds[kind].event, gateway->device);
}

/* Store what is owed. false: it could not be, and is tried again. */
static bool store_on(struct gateway *gateway, enum input_kind kind)
{
    struct input *input = &gateway->inputs[kind];
    bool is_retry = input->retry_us != 0;
    int64_t wall_ms = 0;
    int rc = record_change(gateway, kind, true, input->on_us, &wall_ms);

    if (!is_retry || rc == 0) {
        show(gateway, kind, rc == 0);
    }
    if (!is_retry) {
        input->count++;
        say_on(gateway, kind, rc == 0);
        gateway_raise_alert(gateway, kinds[kind].event, words_for(input, kind), wall_ms);
    }
    if (rc < 0) {
        return false;
    }
    input->owes_on = false;
    input->logged = INPUT_ON;
    gateway->is_state_wanted = true;
    return true;
}

static bool store_off(struct gateway *gateway, enum input_kind kind)
{
    struct input *input = &gateway->inputs[kind];
    int64_t wall_ms = 0;

    if (input->logged == INPUT_ON) {
        if (record_change(gateway, kind, false, input->changed_us, &wall_ms) < 0) {
            return false;
        }
        if (kind == INPUT_CASE) {
            show(gateway, kind, true);
        }
        log_info("it is over event=%s state=ended device=%s", kinds[kind].event, gateway->device);
        gateway->is_state_wanted = true;
    }
    input->logged = INPUT_OFF;
    return true;
}

/* Bring the log up to what is the case. */
static void settle(struct gateway *gateway, enum input_kind kind, uint64_t now_us)
{
    struct input *input = &gateway->inputs[kind];
    bool is_done = true;

    if (input->owes_on) {
        is_done = store_on(gateway, kind);
    }
    if (is_done && input->is_known && !input->is_on && input->logged != INPUT_OFF) {
        is_done = store_off(gateway, kind);
    }
    input->retry_us = is_done ? 0 : now_us + RETRY_US;
}

static void take_change(struct gateway *gateway, enum input_kind kind,
    const struct contact_change *change, uint64_t now_us)
{
    struct input *input = &gateway->inputs[kind];

    switch (change->event) {
    case CONTACT_ON:
        input->is_known = true;
        input->is_on = true;
        if (input->logged != INPUT_ON && !input->owes_on) {
            input->owes_on = true;
            input->is_found = change->is_first;
            input->on_us = change->at_us;
        } else if (!change->is_first) {
            show(gateway, kind, !input->owes_on);
        }
        settle(gateway, kind, now_us);
        break;
    case CONTACT_OFF:
        input->is_known = true;
        input->is_on = false;
        input->changed_us = change->at_us;
        settle(gateway, kind, now_us);
        break;
    case CONTACT_AGAIN:
        show(gateway, kind, !input->owes_on);
        break;
    case CONTACT_FAULT:
        health_set(&gateway->health, kinds[kind].part, change->text);
        break;
    case CONTACT_RECOVERED:
        health_set(&gateway->health, kinds[kind].part, NULL);
        break;
    case CONTACT_NOTHING:
        break;
    }
}

static void poll_input(struct gateway *gateway, enum input_kind kind, uint64_t now_us)
{
    struct input *input = &gateway->inputs[kind];
    struct contact_change change = {.event = CONTACT_NOTHING};

    for (int i = 0; i < CHANGES_A_POLL; i++) {
        contact_poll(&input->contact, now_us, &change);
        if (change.event == CONTACT_NOTHING) {
            break;
        }
        take_change(gateway, kind, &change, now_us);
    }
    if (input->retry_us != 0 && now_us >= input->retry_us) {
        settle(gateway, kind, now_us);
    }
}

/* ---- called from outside ------------------------------------------------------------------ */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t gateway_tick_inputs(struct gateway *gateway)
{
    uint64_t now_us = hal_clock_boot_us(gateway->ports.clock);
    uint64_t due_us = UINT64_MAX;

    for (enum input_kind kind = INPUT_CASE; kind < INPUT_COUNT; kind++) {
        const struct input *input = &gateway->inputs[kind];

        poll_input(gateway, kind, now_us);
        due_us = earlier(due_us, contact_due_us(&input->contact, now_us));
        due_us = earlier(due_us, input->retry_us != 0 ? input->retry_us : UINT64_MAX);
    }
    gateway->next_input_us = due_us;
    return due_us;
}

int gateway_input_fd(struct gateway *gateway, size_t index)
{
    return contact_fd(&gateway->inputs[index].contact, hal_clock_boot_us(gateway->ports.clock));
}
