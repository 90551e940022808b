/*
 * relay_subject.c - see relay_subject.h.
 */
#include "tests/crash/powercut/relay_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/err.h"
#include "tests/unit/suite.h"

enum {
    BATCH = 16,
    RECORD_MAX = 100,
    STEP_US = 200000, /* longer than the courier waits before it tries again */
    ROUNDS_MAX = 400,
    KEEP_DAYS = 90,
};
#define START_MS INT64_C(1603065600000)

static const char *const names[RELAY_SIDES] = {"PR-0001", "PR-0002"};

static uint64_t epoch_of(size_t side)
{
    return 0x1122334455667700 + side;
}

static void be_surprised(struct relay_state *state, const char *what)
{
    if (state->surprise == NULL) {
        state->surprise = what;
    }
}

/* ---- records, that follow from their place ------------------------------------------------ */

static size_t make_record(size_t side, uint64_t seq, uint8_t bytes[static RECORD_MAX])
{
    size_t size = 20 + (size_t)(seq * 7 + side) % (RECORD_MAX - 20);

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(seq + i * 31 + side * 101);
    }
    return size;
}

static size_t make_batch(
    size_t side, uint64_t first, uint64_t head, uint8_t payload[static LINK_PAYLOAD_MAX])
{
    struct batch batch = {
        .epoch = epoch_of(side), .first_seq = first, .record_count = 5, .head_seq = head};
    struct bytes_view views[BATCH];
    uint8_t bytes[BATCH][RECORD_MAX] = {0};
    size_t size = 0;

    (void)snprintf(batch.device_id, sizeof batch.device_id, "%s", names[side]);
    for (size_t i = 0; i < batch.record_count; i++) {
        views[i] = (struct bytes_view){bytes[i], make_record(side, first + i, bytes[i])};
    }
    batch.records = views;
    memset(batch.chain_head, (int)(first % 250) + 1, sizeof batch.chain_head);
    assert_int_equal(batch_encode(&batch, payload, LINK_PAYLOAD_MAX, &size), 0);
    return size;
}

/* ---- the collector ------------------------------------------------------------------------ */

static void answer(struct relay_state *state, size_t side)
{
    struct ack ack = {.epoch = epoch_of(side), .through_seq = state->sides[side].mark};

    (void)snprintf(ack.device_id, sizeof ack.device_id, "%s", names[side]);
    (void)snprintf(ack.collector_id, sizeof ack.collector_id, "centre");
    if (state->ack_count < RELAY_ACKS_MAX) {
        state->acks[state->ack_count++] = ack;
    }
}

static size_t side_of(const char *device_id)
{
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        if (strcmp(names[side], device_id) == 0) {
            return side;
        }
    }
    fail_msg("the gateway speaks of %s", device_id);
    return 0;
}

static void take_batch(struct relay_state *state, const struct batch *batch)
{
    size_t side = side_of(batch->device_id);
    uint64_t last = batch->first_seq + batch->record_count - 1;

    for (size_t i = 0; i < batch->record_count; i++) {
        uint8_t bytes[RECORD_MAX];
        size_t size = make_record(side, batch->first_seq + i, bytes);

        if (batch->records[i].size != size || memcmp(batch->records[i].bytes, bytes, size) != 0) {
            be_surprised(state, "a record came to the collector with other bytes");
        }
    }
    if (last > state->sides[side].head) {
        be_surprised(state, "a record came to the collector that nobody made");
    }
    if (batch->first_seq <= state->sides[side].mark + 1 && last > state->sides[side].mark) {
        state->sides[side].mark = last;
    }
    answer(state, side);
}

static int collect(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct up_message up;

    (void)topic;
    (void)retain;
    assert_int_equal(up_message_decode(payload, size, &up), 0);
    if (up.kind == UP_HELLO) {
        answer(user, side_of(up.hello.device_id));
    } else {
        take_batch(user, &up.batch);
    }
    up_message_done(&up);
    return 0;
}

/* ---- the line ----------------------------------------------------------------------------- */

static void take_marks(struct relay_state *state, size_t number, uint64_t held, uint64_t done)
{
    struct relay_side *side = &state->sides[number];

    if (done > side->mark) {
        be_surprised(state, "done was told of what the collector does not have");
    }
    if (held > side->head) {
        be_surprised(state, "held was told of what nobody made");
    }
    if (done > side->done_told) {
        side->done_told = done;
    }
    side->held_told = held;
    if (held > side->held_kept) {
        side->held_kept = held;
    }
}

static void take_answer(struct relay_state *state, size_t side, const struct link_frame *frame)
{
    struct link_welcome welcome;
    struct link_ack ack;

    if (frame->type == LINK_WELCOME) {
        assert_int_equal(link_welcome_decode(frame->payload, frame->size, &welcome), 0);
        take_marks(state, side, welcome.held_seq, welcome.done_seq);
    } else if (frame->type == LINK_ACK) {
        assert_int_equal(link_ack_decode(frame->payload, frame->size, &ack), 0);
        state->sides[side].is_full = ack.is_full;
        take_marks(state, side, ack.held_seq, ack.done_seq);
    } else if (frame->type != LINK_REFUSAL) { /* one is as good as no answer */
        fail_msg("the gateway answers with %d", frame->type);
    }
}

static void line_send(void *user, int line, const uint8_t *bytes, size_t size)
{
    struct relay_state *state = user;

    for (size_t side = 0; side < RELAY_SIDES; side++) {
        struct link_frame frame;

        for (size_t i = 0; state->sides[side].line == line && i < size; i++) {
            if (link_decoder_take(&state->sides[side].decoder, bytes[i], &frame)) {
                take_answer(state, side, &frame);
            }
        }
    }
}

static void ask(struct relay_state *state, size_t number, enum link_type type,
    const uint8_t *payload, size_t size)
{
    struct relay_side *side = &state->sides[number];
    uint8_t bytes[LINK_FRAME_MAX];
    const struct link_frame frame = {.version = LINK_VERSION,
        .type = (uint8_t)type,
        .tx_seq = ++side->tx_seq,
        .payload = payload,
        .size = size};

    relay_on_bytes(state->relay, side->line, bytes, link_frame_encode(&frame, bytes, sizeof bytes));
}

static void tick(struct relay_state *state)
{
    uint64_t due_us = 0;

    state->now_us += STEP_US;
    relay_tick(state->relay, &due_us);
}

/* ---- the gateway -------------------------------------------------------------------------- */

static int subscribe(void *user, const char *topic)
{
    (void)user;
    (void)topic;
    return 0;
}

static uint64_t tell_now(void *user)
{
    return ((struct relay_state *)user)->now_us;
}

static void note_alert(void *user, const char *event, const char *text)
{
    struct relay_state *state = user;

    (void)text;
    if (strcmp(event, "relay-renewed") == 0 && !state->may_renew) {
        be_surprised(state, "the store was set aside");
    }
}

static void note_result(void *user, const struct command_result *result)
{
    (void)user;
    (void)result;
}

static void greet(struct relay_state *state, size_t number)
{
    struct relay_side *side = &state->sides[number];
    struct link_hello hello = {.epoch = epoch_of(number),
        .boot_id = 9,
        .head_seq = side->head,
        .oldest_seq = side->done_told + 1,
        .done_seq = side->done_told,
        .protocol_min = 1,
        .protocol_max = 1};
    uint8_t payload[LINK_PAYLOAD_MAX];
    size_t size = 0;

    (void)snprintf(hello.device_id, sizeof hello.device_id, "%s", names[number]);
    (void)snprintf(hello.board, sizeof hello.board, "none");
    assert_int_equal(link_hello_encode(&hello, payload, sizeof payload, &size), 0);
    side->held_told = 0;
    side->line = relay_line_open(state->relay, names[number]);
    assert_true(side->line >= 0);
    link_decoder_init(&side->decoder);
    ask(state, number, LINK_HELLO, payload, size);
}

void relay_state_init(struct relay_state *state)
{
    *state = (struct relay_state){.bytes_max = 64u << 20, .now_us = 1};
    fake_clock_init(&state->clock, 5, START_MS);
    fake_clock_sync(&state->clock, START_MS, 1);
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        state->sides[side].line = -1;
    }
}

static int open_relay(struct relay_state *state, struct err *err)
{
    const struct relay_conf conf = {.site = "home",
        .gateway_id = "gw-cut",
        .path = RELAY_FILE,
        .bytes_max = state->bytes_max,
        .keep_days = KEEP_DAYS};
    const struct relay_ports ports = {.user = state,
        .uplink = {state, collect, subscribe, tell_now},
        .clock = &state->clock.base,
        .send = line_send,
        .alert = note_alert,
        .command_done = note_result};

    state->ack_count = 0;
    return relay_open(&state->relay, &conf, &ports, err);
}

int relay_state_open(struct relay_state *state)
{
    int rc = open_relay(state, NULL);

    for (size_t side = 0; rc == 0 && side < RELAY_SIDES; side++) {
        greet(state, side);
    }
    if (rc == 0) {
        tick(state);
    }
    return rc;
}

static void go_away(struct relay_state *state)
{
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        if (state->sides[side].line >= 0) {
            relay_line_close(state->relay, state->sides[side].line);
            state->sides[side].line = -1;
        }
    }
}

void relay_state_close(void *subject_state)
{
    struct relay_state *state = subject_state;

    relay_close(state->relay);
    state->relay = NULL;
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        state->sides[side].line = -1;
    }
}

void relay_state_crash(struct relay_state *state)
{
    disk_arm(1, DISK_CUT, false);
    relay_state_close(state);
    disk_power_on(DISK_KEEP_ALL, 0);
}

/* ---- working ------------------------------------------------------------------------------ */

static void hand_over(struct relay_state *state, size_t number)
{
    struct relay_side *side = &state->sides[number];
    uint64_t after = side->held_told > side->done_told ? side->held_told : side->done_told;
    uint8_t payload[LINK_PAYLOAD_MAX];

    if (side->head < after + 5) {
        side->head = after + 5;
    }
    ask(state, number, LINK_BATCH, payload, make_batch(number, after + 1, side->head, payload));
}

void relay_state_take(struct relay_state *state, unsigned count)
{
    for (unsigned i = 0; state->relay != NULL && i < count; i++) {
        for (size_t side = 0; side < RELAY_SIDES; side++) {
            hand_over(state, side);
        }
        tick(state);
    }
}

void relay_state_collect(struct relay_state *state)
{
    int quiet = 0;

    if (state->relay == NULL) {
        return;
    }
    relay_on_connected(state->relay);
    for (int round = 0; round < ROUNDS_MAX && quiet < 3; round++) {
        unsigned count = state->ack_count;
        struct ack acks[RELAY_ACKS_MAX];

        memcpy(acks, state->acks, sizeof acks);
        state->ack_count = 0;
        for (unsigned i = 0; i < count; i++) {
            relay_on_ack(state->relay, &acks[i]);
        }
        tick(state);
        quiet = count == 0 && state->ack_count == 0 ? quiet + 1 : 0;
    }
    relay_on_disconnected(state->relay);
}

void relay_state_keep_house(struct relay_state *state, int64_t wall_ms)
{
    if (state->relay != NULL) {
        relay_keep_house(state->relay, wall_ms);
    }
}

bool relay_state_is_full(const struct relay_state *state)
{
    return state->sides[0].is_full || state->sides[1].is_full;
}

/* ---- the subject's functions -------------------------------------------------------------- */

static void note_surprise(struct relay_state *state, struct sweep_tally *tally)
{
    if (state->surprise != NULL) {
        sweep_note(tally, &tally->broken, "%s", state->surprise);
        state->surprise = NULL;
    }
}

/* SQLite's own whole check. */
static void check_integrity(struct sweep_tally *tally)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_open(RELAY_FILE, &db) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) {
        sweep_note(tally, &tally->broken, "integrity_check: %s", sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

/* One batch more of each, and it is held; when there was no room, after all was brought away. */
static void take_more(struct relay_state *state, struct sweep_tally *tally)
{
    relay_state_take(state, 1);
    if (relay_state_is_full(state)) {
        relay_state_collect(state);
        relay_state_take(state, 1);
    }
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        if (state->sides[side].is_full ||
            state->sides[side].held_told != state->sides[side].held_kept) {
            sweep_note(tally, &tally->broken, "%s: the next batch is not held", names[side]);
        }
    }
}

/* The tag readers come back, and are told of nothing less than before. */
static void come_back(struct relay_state *state, struct sweep_tally *tally)
{
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        greet(state, side);
    }
    tick(state);
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        const struct relay_side *it = &state->sides[side];

        if (it->held_told < it->held_kept && !state->may_renew) {
            sweep_note(tally, &tally->losses, "%s: held %llu was told, now it is %llu", names[side],
                (unsigned long long)it->held_kept, (unsigned long long)it->held_told);
        }
    }
    while (state->may_renew && (state->sides[0].held_told < state->sides[0].held_kept ||
                                   state->sides[1].held_told < state->sides[1].held_kept)) {
        relay_state_take(state, 1);
    }
}

static void expect_all_brought(struct relay_state *state, struct sweep_tally *tally)
{
    relay_state_collect(state);
    for (size_t side = 0; side < RELAY_SIDES; side++) {
        if (state->sides[side].mark < state->sides[side].held_kept) {
            sweep_note(tally, &tally->losses, "%s: held %llu was told, the collector got %llu",
                names[side], (unsigned long long)state->sides[side].held_kept,
                (unsigned long long)state->sides[side].mark);
        }
    }
}

static void go_on(void *subject_state, struct sweep_tally *tally)
{
    struct relay_state *state = subject_state;

    if (state->relay == NULL && relay_state_open(state) < 0) {
        sweep_note(tally, &tally->broken, "does not open after the fault is over");
        return;
    }
    go_away(state);
    come_back(state, tally);
    take_more(state, tally);
}

static void check(void *subject_state, struct sweep_tally *tally)
{
    struct relay_state *state = subject_state;
    struct err err = {.text = ""};

    if (open_relay(state, &err) < 0) {
        sweep_note(tally, &tally->broken, "cannot open: %.150s", err.text);
        return;
    }
    if (!state->may_renew) {
        expect_all_brought(state, tally); /* while no tag reader is there to be asked */
    }
    come_back(state, tally);
    take_more(state, tally);
    expect_all_brought(state, tally);
    note_surprise(state, tally);
    relay_state_close(state);
    check_integrity(tally);
}

struct sweep_subject relay_subject(
    const char *name, struct relay_state *state, void (*work)(void *state))
{
    return (struct sweep_subject){.name = name,
        .state = state,
        .state_size = sizeof *state,
        .work = work,
        .close = relay_state_close,
        .go_on = go_on,
        .check = check};
}
