/*
 * emu_command.c - what the chip does with a command, and what the tags make of it.
 *
 * Only the answer's content and its time are decided here; frames, queues and faults on the wire
 * are emu_pn532.c.
 */
#include "hal/fake/emu_command.h"

#include <string.h>

enum {
    DIAGNOSE = 0x00,
    GET_FIRMWARE_VERSION = 0x02,
    SET_PARAMETERS = 0x12,
    SAM_CONFIGURATION = 0x14,
    POWER_DOWN = 0x16,
    RF_CONFIGURATION = 0x32,
    IN_DATA_EXCHANGE = 0x40,
    IN_COMMUNICATE_THRU = 0x42,
    IN_DESELECT = 0x44,
    IN_LIST_PASSIVE_TARGET = 0x4A,
    IN_RELEASE = 0x52,

    STATUS_OK = 0x00,
    STATUS_TIMEOUT = 0x01,
    STATUS_WRONG_TARGET = 0x27,
    RETRIES_FOR_EVER = 0xFF,
    SEARCH_TRY_US = 5000, /* one REQA and its wait */
};

/* xorshift32: small, and the same on every machine. */
uint32_t emu_random(struct emu_pn532 *emu)
{
    uint32_t x = emu->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    emu->random = x;
    return x;
}

static uint64_t radio_us(struct emu_pn532 *emu, uint32_t base_us)
{
    uint32_t jitter = emu->timing.jitter_us;

    return base_us + (jitter > 0 ? emu_random(emu) % (jitter + 1) : 0);
}

/* Schedule answer: its code, then what is in emu->answer from 1 on. */
static void answer_at(struct emu_pn532 *emu, uint8_t code, size_t size, uint64_t at_us)
{
    emu->answer[0] = (uint8_t)(code + 1);
    emu->answer_size = (uint16_t)(size + 1);
    emu->answer_is_error = false;
    emu->answer_waits = true;
    emu->answer_us = at_us;
}

static void syntax_error_at(struct emu_pn532 *emu, uint64_t at_us)
{
    emu->answer_size = 0;
    emu->answer_is_error = true;
    emu->answer_waits = true;
    emu->answer_us = at_us;
}

static void set_field(struct emu_pn532 *emu, bool on)
{
    if (emu->field_on == on) {
        return;
    }
    emu->field_on = on;
    emu->target_count = 0;
    for (int i = 0; on && i < EMU_CARDS_MAX; i++) {
        emu_card_power_up(&emu->cards[i], emu_random(emu));
    }
}

/*
 * Select the idle tags, up to as many as the host wants. A type 2 tag that is still selected
 * hears the search, forgets its selection and answers only the next one.
 */
static void select_cards(struct emu_pn532 *emu)
{
    emu->found_count = 0;
    for (uint8_t i = 0; i < EMU_CARDS_MAX && emu->found_count < emu->search_max; i++) {
        const struct emu_card *card = &emu->cards[i];

        if (card->is_here && card->state == EMU_CARD_IDLE) {
            emu->found[emu->found_count] = i;
            emu->found_count++;
        }
    }
}

static void answer_search(struct emu_pn532 *emu, uint64_t at_us)
{
    size_t at = 2;

    emu->answer[1] = emu->found_count;
    emu->target_count = emu->found_count;
    for (uint8_t i = 0; i < emu->found_count; i++) {
        struct emu_card *card = &emu->cards[emu->found[i]];

        card->state = EMU_CARD_ACTIVE;
        emu->targets[i] = emu->found[i];
        emu->answer[at++] = (uint8_t)(i + 1);
        at += emu_card_describe(card, emu->answer + at);
    }
    emu->is_searching = false;
    answer_at(emu, IN_LIST_PASSIVE_TARGET, at - 1, at_us);
}

void emu_command_search(struct emu_pn532 *emu, uint64_t from_us)
{
    if (!emu->field_on) {
        return;
    }
    select_cards(emu);
    if (emu->found_count > 0) {
        answer_search(emu, from_us + radio_us(emu, emu->timing.select_us));
    }
}

static void start_search(
    struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t ack_us)
{
    bool second_try = false;

    if (size < 3 || command[1] == 0 || command[1] > EMU_TARGETS_MAX || command[2] != 0) {
        syntax_error_at(emu, ack_us + emu->timing.command_us);
        return;
    }
    emu->counters.searches++;
    set_field(emu, true);
    emu->search_max = command[1];
    emu->is_searching = true;
    emu->target_count = 0;
    emu_command_search(emu, ack_us);
    for (int i = 0; i < EMU_CARDS_MAX; i++) {
        struct emu_card *card = &emu->cards[i];

        if (emu->is_searching && card->is_here && card->state == EMU_CARD_ACTIVE &&
            !emu_card_is_type4(card)) {
            card->state = EMU_CARD_IDLE;
            second_try = true;
        }
    }
    if (emu->is_searching && emu->search_retries == 0) {
        emu->found_count = 0;
        answer_search(emu, ack_us + SEARCH_TRY_US);
    } else if (emu->is_searching && second_try) {
        emu_command_search(emu, ack_us + SEARCH_TRY_US);
    } else if (emu->is_searching && emu->search_retries != RETRIES_FOR_EVER) {
        emu->found_count = 0;
        answer_search(emu, ack_us + (emu->search_retries + 1ull) * SEARCH_TRY_US);
    }
}

static void release(struct emu_pn532 *emu)
{
    for (uint8_t i = 0; i < emu->target_count; i++) {
        struct emu_card *card = &emu->cards[emu->targets[i]];

        if (card->state == EMU_CARD_ACTIVE) {
            card->state = EMU_CARD_HALTED;
        }
    }
    emu->target_count = 0;
}

/* The tag that is to leave in the middle of being read does so now. */
static void let_card_leave(struct emu_pn532 *emu, struct emu_card *card)
{
    if (emu->fault.kind == EMU_FAULT_CARD_LEAVES) {
        card->is_here = false;
        if (emu->fault.count > 0) {
            emu->fault.count--;
            emu->fault.kind = emu->fault.count > 0 ? EMU_FAULT_CARD_LEAVES : EMU_FAULT_NONE;
        }
    }
}

static void exchange(
    struct emu_pn532 *emu, uint8_t number, const uint8_t *command, size_t size, uint64_t ack_us)
{
    uint8_t code = number == 0 ? IN_COMMUNICATE_THRU : IN_DATA_EXCHANGE;
    size_t index = number == 0 ? 0 : (size_t)number - 1;
    struct emu_card *card = NULL;
    size_t count = 0;

    if (index >= emu->target_count) {
        emu->answer[1] = STATUS_WRONG_TARGET;
        answer_at(emu, code, 1, ack_us + emu->timing.command_us);
        return;
    }
    card = &emu->cards[emu->targets[index]];
    let_card_leave(emu, card);
    if (card->is_here && card->state == EMU_CARD_ACTIVE) {
        count = emu_card_answer(card, command, size, emu->answer + 2);
    }
    if (count == 0) {
        emu->answer[1] = STATUS_TIMEOUT;
        answer_at(emu, code, 1, ack_us + emu->timing.silence_us);
        return;
    }
    emu->answer[1] = STATUS_OK;
    answer_at(emu, code, count + 1, ack_us + radio_us(emu, emu->timing.exchange_us));
}

/* Commands that work on tags; false: not one of them. */
static bool run_radio(struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t ack_us)
{
    uint64_t answer_us = ack_us + emu->timing.command_us;

    switch (command[0]) {
    case IN_LIST_PASSIVE_TARGET:
        start_search(emu, command, size, ack_us);
        return true;
    case IN_DATA_EXCHANGE:
        if (size < 3 || (command[1] & 0x0F) == 0) {
            syntax_error_at(emu, answer_us);
        } else {
            exchange(emu, command[1] & 0x0F, command + 2, size - 2, ack_us);
        }
        return true;
    case IN_COMMUNICATE_THRU:
        if (size < 2) {
            syntax_error_at(emu, answer_us);
        } else {
            exchange(emu, 0, command + 1, size - 1, ack_us);
        }
        return true;
    case IN_RELEASE:
    case IN_DESELECT:
        release(emu);
        emu->answer[1] = STATUS_OK;
        answer_at(emu, command[0], 1, answer_us);
        return true;
    default:
        return false;
    }
}

static void configure_radio(
    struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t at_us)
{
    if (size < 3) {
        syntax_error_at(emu, at_us);
        return;
    }
    if (command[1] == 0x01) {
        set_field(emu, (command[2] & 1) != 0);
    } else if (command[1] == 0x05 && size >= 5) {
        emu->search_retries = command[4];
    }
    answer_at(emu, RF_CONFIGURATION, 0, at_us);
}

/* Commands about the chip itself; false: not one of them. */
static bool run_local(struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t at_us)
{
    static const uint8_t version[] = {0x32, 0x01, 0x06, 0x07};

    switch (command[0]) {
    case DIAGNOSE:
        if (size < 2 || command[1] != 0x00) {
            return false;
        }
        memcpy(emu->answer + 1, command + 1, size - 1);
        answer_at(emu, DIAGNOSE, size - 1, at_us);
        return true;
    case GET_FIRMWARE_VERSION:
        memcpy(emu->answer + 1, version, sizeof version);
        answer_at(emu, GET_FIRMWARE_VERSION, sizeof version, at_us);
        return true;
    case SET_PARAMETERS:
        answer_at(emu, SET_PARAMETERS, 0, at_us);
        return size == 2;
    case SAM_CONFIGURATION:
        if (size < 2 || command[1] == 0) {
            return false;
        }
        emu->is_configured = true;
        emu->irq_enabled = size >= 4 && command[3] == 0x01;
        answer_at(emu, SAM_CONFIGURATION, 0, at_us);
        return true;
    case POWER_DOWN:
        emu->answer[1] = STATUS_OK;
        answer_at(emu, POWER_DOWN, 1, at_us);
        set_field(emu, false);
        emu->falls_asleep = true;
        return true;
    case RF_CONFIGURATION:
        configure_radio(emu, command, size, at_us);
        return true;
    default:
        return false;
    }
}

void emu_command_run(struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t ack_us)
{
    uint64_t answer_us = ack_us + emu->timing.command_us;

    if (emu->is_configured && run_radio(emu, command, size, ack_us)) {
        return;
    }
    if (!run_local(emu, command, size, answer_us)) {
        syntax_error_at(emu, answer_us);
    }
}
