/*
 * pn532_reader.c - the reader's life: bring-up, search, rounds, recovery.
 *
 * Rounds. A tag that was selected ignores the next search ("every second read fails"), so before
 * each search of a new round the field is dropped: every tag starts afresh, type 2 and type 4
 * alike. Found tags are then released, which puts them to sleep, and the search goes on for
 * others: that is how a carer's card on top of a forgotten one is found, and it needs no bus
 * traffic. A round ends after ROUND_US; who was not found then has a miss.
 *
 * One poll() does one step, so a tag is reported before the reader turns to the next search.
 */
#include "hal/chip/pn532_reader.h"

#include <errno.h>
#include <string.h>

#include "hal/chip/ndef.h"
#include "hal/chip/sun.h"
#include "hal/chip/type4.h"

enum {
    POLL_BUDGET_US = 900000, /* below HAL_READER_POLL_MAX_MS, with room for the last transfer */
    NDEF_BUDGET_US = 400000,
    FIELD_OFF_US = 5000,
    RESET_US = 10000,
    ROUND_US = 80000,
    ROUND_PERIOD_US = 150000,
    ROUND_PERIOD_SLOW_US = 500000,
    SLOW_AFTER_US = 10000000,
    SEARCH_FAILURES_MAX = 3,
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 5000,
    KEEP_TAGS_US = 5000000, /* a reader back sooner than this still knows who lay on it */
    LOOK_US = 20000,
    NDEF_MAX = 256,
    URI_MAX = 300,

    SAK_ISO_DEP = 0x20,
    SAK_CLASSIC = 0x08,
};

static struct pn532_reader *from_base(struct hal_reader *reader)
{
    return (struct pn532_reader *)reader;
}

static uint64_t now_us(struct pn532_reader *reader)
{
    return hal_clock_boot_us(reader->pn.clock);
}

static uint64_t round_period_us(const struct pn532_reader *reader, uint64_t at_us)
{
    return at_us - tag_table_youngest_us(&reader->tags) < SLOW_AFTER_US ? ROUND_PERIOD_US
                                                                        : ROUND_PERIOD_SLOW_US;
}

/* --- up and down --- */

static void go_down(struct pn532_reader *reader, int code)
{
    uint64_t at_us = now_us(reader);

    reader->state = PN532_READER_DOWN;
    reader->search_failures = 0;
    reader->retry_us = at_us;
    reader->round_end_us = UINT64_MAX;
    reader->round_next_us = UINT64_MAX;
    if (!reader->is_down) {
        reader->is_down = true;
        reader->fault_waits = true;
        reader->fault_code = code;
        reader->pause_ms = RETRY_FIRST_MS;
        reader->down_since_us = at_us;
        reader->counters.faults++;
        return;
    }
    reader->retry_us += (uint64_t)reader->pause_ms * 1000;
    reader->pause_ms = reader->pause_ms * 2 < RETRY_MAX_MS ? reader->pause_ms * 2 : RETRY_MAX_MS;
}

/* Start a search; what it finds is told by the link. */
static void search(struct pn532_reader *reader)
{
    int rc = pn532_start_search(&reader->pn);

    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    reader->state = PN532_READER_SEARCHING;
    reader->health_us = now_us(reader) + (uint64_t)reader->health_ms * 1000;
}

static void plan_next_round(struct pn532_reader *reader)
{
    uint64_t at_us = now_us(reader);

    if (tag_table_count(&reader->tags) == 0) {
        reader->round_end_us = UINT64_MAX;
        reader->round_next_us = UINT64_MAX;
    } else if (tag_table_unseen(&reader->tags) == 0) {
        reader->round_end_us = UINT64_MAX;
        reader->round_next_us = at_us + round_period_us(reader, at_us);
    }
}

/* Drop the field, so that every tag starts afresh, and search. The chip must be idle. */
static void start_round(struct pn532_reader *reader)
{
    int rc = pn532_set_field(&reader->pn, false);

    if (rc == 0) {
        hal_clock_sleep_us(reader->pn.clock, FIELD_OFF_US);
        rc = pn532_set_field(&reader->pn, true);
    }
    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    tag_table_start_round(&reader->tags);
    reader->round_next_us = UINT64_MAX;
    reader->round_end_us = UINT64_MAX;
    search(reader);
    if (reader->state == PN532_READER_SEARCHING && tag_table_count(&reader->tags) > 0) {
        reader->round_end_us = now_us(reader) + ROUND_US;
    }
}

/* Stop the search that runs, then a new round. */
static void restart_round(struct pn532_reader *reader)
{
    int rc = pn532_abort(&reader->pn);

    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    start_round(reader);
}

static int pulse_reset(struct pn532_reader *reader)
{
    int rc = 0;

    if (reader->reset == NULL) {
        /* No line: end whatever the chip is doing; setting it up wakes it. */
        return pn532_abort(&reader->pn);
    }
    rc = hal_gpio_set(reader->reset, false);
    if (rc < 0) {
        return rc;
    }
    hal_clock_sleep_us(reader->pn.clock, RESET_US);
    rc = hal_gpio_set(reader->reset, true);
    hal_clock_sleep_us(reader->pn.clock, RESET_US);
    return rc;
}

static void bring_up(struct pn532_reader *reader)
{
    int rc = pulse_reset(reader);

    reader->counters.resets++;
    if (rc == 0) {
        rc = pn532_setup(&reader->pn);
    }
    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    if (now_us(reader) - reader->down_since_us > KEEP_TAGS_US) {
        tag_table_all_left(&reader->tags);
    }
    start_round(reader);
    if (reader->state == PN532_READER_SEARCHING && reader->is_down) {
        reader->is_down = false;
        reader->recovered_waits = true;
    }
}

/* --- a tag was found --- */

static enum hal_tag_tech tech_of(const struct pn532_target *target)
{
    if ((target->sel_res & SAK_ISO_DEP) != 0) {
        return HAL_TAG_TYPE4;
    }
    if ((target->sel_res & SAK_CLASSIC) != 0) {
        return HAL_TAG_CLASSIC;
    }
    return target->sel_res == 0 ? HAL_TAG_TYPE2 : HAL_TAG_UNKNOWN;
}

/*
 * Read the SUN message of a type 4 tag. Whatever goes wrong leaves a tag with a number only: the
 * carer may have pulled the card away, and the tap must count all the same.
 */
static void read_sun(struct pn532_reader *reader, uint8_t target, struct hal_tag *tag)
{
    uint64_t poll_end_us = reader->pn.deadline_us;
    uint64_t ndef_end_us = now_us(reader) + NDEF_BUDGET_US;
    uint8_t message[NDEF_MAX];
    char uri[URI_MAX];
    int rc = 0;

    pn532_set_deadline(&reader->pn, ndef_end_us < poll_end_us ? ndef_end_us : poll_end_us);
    rc = type4_read_ndef(&reader->pn, target, message, sizeof message);
    pn532_set_deadline(&reader->pn, poll_end_us);
    if (rc < 0) {
        reader->counters.ndef_failed++;
        return;
    }
    rc = ndef_find_uri(message, (size_t)rc, uri, sizeof uri);
    if (rc < 0 || sun_from_uri(uri, (size_t)rc, tag->sun_picc, tag->sun_mac) < 0) {
        return;
    }
    tag->has_sun = true;
    tag->tech = HAL_TAG_NTAG424;
}

static void take_new(struct pn532_reader *reader, const struct pn532_target *target, uint64_t at_us)
{
    struct tag_slot *slot = tag_table_add(&reader->tags, target, at_us);

    if (slot == NULL) {
        return; /* it is found again as soon as another one has left */
    }
    slot->tag.tech = tech_of(target);
    if (slot->tag.tech == HAL_TAG_TYPE4 && !reader->skip_ndef) {
        read_sun(reader, target->number, &slot->tag);
    }
    reader->counters.tags++;
}

static void take_found(struct pn532_reader *reader)
{
    struct pn532_target target;
    struct tag_slot *slot = NULL;
    uint64_t at_us = now_us(reader);
    int rc = pn532_take_target(&reader->pn, &target);

    if (rc < 0) {
        reader->state = PN532_READER_RESTING;
        reader->round_end_us = UINT64_MAX;
        reader->round_next_us = at_us;
        reader->search_failures++;
        if (reader->search_failures >= SEARCH_FAILURES_MAX) {
            go_down(reader, rc == -ENODEV ? -EPROTO : rc); /* an endless search that ended */
        }
        return;
    }
    reader->search_failures = 0;
    reader->state = PN532_READER_FOUND;
    slot = tag_table_find(&reader->tags, &target);
    if (slot == NULL) {
        take_new(reader, &target, at_us);
    } else if (!slot->is_seen) {
        tag_slot_see(slot, &target);
    } else {
        /* Released tags are not to answer; this one does. Do not run in circles with it. */
        reader->state = PN532_READER_RESTING;
        reader->round_end_us = UINT64_MAX;
        reader->round_next_us = at_us + round_period_us(reader, at_us);
    }
}

/* Put the tag that was found to sleep and search for others. */
static void search_on(struct pn532_reader *reader)
{
    int rc = pn532_release(&reader->pn);

    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    search(reader);
    if (reader->state == PN532_READER_SEARCHING) {
        plan_next_round(reader);
    }
}

/* The time of a round is over. Who was missed is looked for again at once. */
static void end_round(struct pn532_reader *reader)
{
    reader->round_end_us = UINT64_MAX;
    tag_table_end_round(&reader->tags);
    if (tag_table_unseen(&reader->tags) > 0) {
        restart_round(reader);
        return;
    }
    plan_next_round(reader);
}

static void check_health(struct pn532_reader *reader)
{
    int rc = pn532_abort(&reader->pn);

    if (rc == 0) {
        uint8_t version[4];

        rc = pn532_get_firmware(&reader->pn, version);
    }
    if (rc < 0) {
        go_down(reader, rc);
        return;
    }
    start_round(reader);
}

/* --- hal_reader --- */

static void step_search(struct pn532_reader *reader, uint64_t at_us)
{
    int rc = pn532_is_ready(&reader->pn);

    reader->look_us = at_us + LOOK_US;
    if (rc < 0) {
        go_down(reader, rc);
    } else if (rc > 0) {
        take_found(reader);
    } else if (at_us >= reader->round_end_us) {
        end_round(reader);
    } else if (at_us >= reader->round_next_us) {
        restart_round(reader);
    } else if (at_us >= reader->health_us) {
        check_health(reader);
    }
}

static void step(struct pn532_reader *reader)
{
    uint64_t at_us = now_us(reader);

    pn532_set_deadline(&reader->pn, at_us + POLL_BUDGET_US);
    switch (reader->state) {
    case PN532_READER_DOWN:
        if (at_us >= reader->retry_us) {
            bring_up(reader);
        }
        break;
    case PN532_READER_SEARCHING:
        step_search(reader, at_us);
        break;
    case PN532_READER_FOUND:
        search_on(reader);
        break;
    case PN532_READER_RESTING:
        if (at_us >= reader->round_next_us) {
            start_round(reader);
        }
        break;
    }
}

static const char *sentence_of(int code)
{
    switch (code) {
    case -ETIMEDOUT:
        return "PN532 does not answer";
    case -EBADMSG:
        return "PN532 answers are garbled";
    case -EPROTO:
        return "PN532 refuses commands";
    case -ENODEV:
        return "the chip is not a PN532";
    default:
        return "the bus to the PN532 fails";
    }
}

static void write_text(char *text, size_t capacity, const char *name, const char *sentence)
{
    const char *const parts[] = {name, ": ", sentence};
    size_t at = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *c = parts[i]; *c != '\0' && at + 1 < capacity; c++) {
            text[at++] = *c;
        }
    }
    text[at] = '\0';
}

/* Put what is to be reported next into ret_event. False when there is nothing. */
static bool take_event(struct pn532_reader *reader, struct hal_reader_event *ret_event)
{
    if (reader->fault_waits || reader->recovered_waits) {
        bool is_fault = reader->fault_waits;

        ret_event->kind = is_fault ? HAL_READER_FAULT : HAL_READER_RECOVERED;
        write_text(ret_event->text, sizeof ret_event->text, reader->base.name,
            is_fault ? sentence_of(reader->fault_code) : "PN532 works again");
        *(is_fault ? &reader->fault_waits : &reader->recovered_waits) = false;
        return true;
    }
    return tag_table_take(&reader->tags, ret_event);
}

static void poll_reader(struct hal_reader *base, struct hal_reader_event *ret_event)
{
    struct pn532_reader *reader = from_base(base);

    if (take_event(reader, ret_event)) {
        return;
    }
    ret_event->kind = HAL_READER_NONE;
    step(reader);
    (void)take_event(reader, ret_event);
}

static int reader_fd(struct hal_reader *base)
{
    struct pn532_reader *reader = from_base(base);
    int fd = -1;

    /* While down, bring-up goes by the clock; a line that hung up would be readable for ever. */
    if (reader->state != PN532_READER_DOWN) {
        fd = reader->pn.link->ops->fd(reader->pn.link);
    }

    return fd >= 0 ? fd : -1;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t due_us(struct hal_reader *base)
{
    struct pn532_reader *reader = from_base(base);
    uint64_t due = 0;

    if (reader->fault_waits || reader->recovered_waits || tag_table_has_news(&reader->tags)) {
        return 0;
    }
    switch (reader->state) {
    case PN532_READER_DOWN:
        return reader->retry_us;
    case PN532_READER_FOUND:
        return 0;
    case PN532_READER_RESTING:
        return reader->round_next_us;
    case PN532_READER_SEARCHING:
        break;
    }
    due = earliest(reader->health_us, earliest(reader->round_end_us, reader->round_next_us));
    if (reader->pn.link->ops->fd(reader->pn.link) == HAL_GPIO_NO_FD) {
        due = earliest(due, reader->look_us);
    }
    return due;
}

static const struct hal_reader_ops reader_ops = {
    .poll = poll_reader, .fd = reader_fd, .due_us = due_us};

void pn532_reader_init(struct pn532_reader *reader, const struct pn532_reader_config *config)
{
    *reader = (struct pn532_reader){
        .base = {.ops = &reader_ops, .name = config->name},
        .reset = config->reset,
        .health_ms = config->health_ms != 0 ? config->health_ms : PN532_READER_HEALTH_MS,
        .skip_ndef = config->skip_ndef,
        .state = PN532_READER_DOWN,
        .round_end_us = UINT64_MAX,
        .round_next_us = UINT64_MAX,
    };
    pn532_init(&reader->pn, config->link, config->clock);
}

bool pn532_reader_is_up(const struct pn532_reader *reader)
{
    return reader->state != PN532_READER_DOWN && !reader->is_down;
}
