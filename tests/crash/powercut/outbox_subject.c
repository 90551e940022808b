/*
 * outbox_subject.c - see outbox_subject.h.
 */
#include "tests/crash/powercut/outbox_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/err.h"
#include "proto/messages.h"
#include "tests/unit/suite.h"

static const char device_id[] = "gw-cut";

/* What the log of a box holds, as numbers. */
struct contents {
    uint64_t oldest, head;
    uint64_t number_of[LEDGER_SEQS];
    bool is_unreadable;
};

/* Sizes differ, so that pages fill unevenly. */
static struct record make_record(uint64_t number)
{
    struct record record = {.type = RECORD_TAP,
        .boot_id = 7,
        .boot_ms = number,
        .wall_ms = 1603065600000 + (int64_t)number,
        .wall_trust = WALL_SYNCED,
        .tap = {.uid_size = 7, .direction = TAP_IN, .tech = TAP_TECH_TYPE2}};

    if (number % 5 == 0) {
        record.type = RECORD_READER_FAULT;
        memset(&record.note, 0, sizeof record.note);
        memset(record.note.text, 'x', (size_t)(number % RECORD_TEXT_MAX) + 1);
        return record;
    }
    (void)snprintf(record.tap.reader, sizeof record.tap.reader, "spi0");
    memcpy(record.tap.uid, &number, 7);
    return record;
}

/* The number of a record if it is, but for seq and the recovered flag, what we made; else 0. */
static uint64_t number_in(const struct outbox_item *item)
{
    struct record found = {0};
    struct record wanted = {0};
    uint8_t bytes[RECORD_BYTES_MAX] = {0};
    size_t size = 0;

    if (record_decode(item->bytes, item->size, &found) < 0) {
        return 0;
    }
    wanted = make_record(found.boot_ms);
    wanted.seq = item->seq;
    if (found.type == RECORD_TAP && wanted.type == RECORD_TAP) {
        wanted.tap.flags = found.tap.flags & TAP_FLAG_RECOVERED;
    }
    if (record_encode(&wanted, bytes, sizeof bytes, &size) < 0 || size != item->size ||
        memcmp(bytes, item->bytes, size) != 0) {
        return 0;
    }
    return found.boot_ms;
}

static bool note_item(void *user, const struct outbox_item *item)
{
    struct contents *contents = user;

    assert_true(item->seq < LEDGER_SEQS);
    contents->number_of[item->seq] = number_in(item);
    contents->head = item->seq;
    return true;
}

static void read_contents(struct outbox *box, struct contents *contents)
{
    *contents = (struct contents){.oldest = outbox_oldest_seq(box)};
    contents->is_unreadable =
        outbox_read(box, contents->oldest, note_item, contents) < 0 ||
        (contents->oldest <= outbox_head_seq(box) && contents->head != outbox_head_seq(box));
    contents->head = outbox_head_seq(box);
}

/* ---- working ------------------------------------------------------------------------------ */

void outbox_state_init(struct outbox_state *state)
{
    *state = (struct outbox_state){.bytes_max = OUTBOX_BYTES_DEFAULT, .next_number = 1};
}

static int open_box(struct outbox_state *state, struct outbox_repair *ret_repair, struct err *err)
{
    const struct outbox_conf conf = {OUTBOX_FILE, device_id, state->bytes_max};

    return outbox_open(&state->box, &conf, ret_repair, err);
}

static bool was_attempted(const struct outbox_state *state, uint64_t number)
{
    for (unsigned i = 0; i < state->attempt_count; i++) {
        if (number != 0 && state->attempts[i] == number) {
            return true;
        }
    }
    return false;
}

/* The ledger says from now on what the log says. */
static void adopt(struct outbox_state *state, const struct contents *contents)
{
    state->epoch = outbox_epoch(state->box);
    state->head = contents->head;
    memcpy(state->number_of, contents->number_of, sizeof state->number_of);
    state->attempt_count = 0;
}

static void be_surprised(struct outbox_state *state, const char *what, int code)
{
    if (state->surprise == NULL) {
        state->surprise = what;
        state->surprise_code = code;
    }
}

/* What outbox.h lets a failing disk look like. */
static void expect_known(struct outbox_state *state, const char *what, int rc)
{
    if (rc != 0 && rc != ECM_EFULL && rc != -EIO && rc != ECM_ECORRUPT) {
        be_surprised(state, what, rc);
    }
}

void outbox_state_append(struct outbox_state *state, unsigned count)
{
    for (unsigned i = 0; state->box != NULL && i < count; i++) {
        struct record record = make_record(state->next_number);
        int rc = outbox_append(state->box, &record);

        assert_true(record.seq < LEDGER_SEQS);
        if (rc == 0) {
            if (record.seq != state->head + 1) {
                be_surprised(state, "a seq out of order", 0);
            }
            state->head = record.seq;
            state->number_of[record.seq] = state->next_number;
            state->attempt_count = 0;
        } else {
            assert_true(state->attempt_count < LEDGER_ATTEMPTS);
            state->attempts[state->attempt_count++] = state->next_number;
            expect_known(state, "append", rc);
        }
        state->next_number++;
    }
}

void outbox_state_ack(struct outbox_state *state, uint64_t seq)
{
    if (state->box != NULL && seq <= state->head && outbox_ack(state->box, seq) == 0 &&
        seq > state->acked) {
        state->acked = seq;
    }
}

void outbox_state_keep_house(struct outbox_state *state, int64_t wall_ms)
{
    if (state->box != NULL) {
        expect_known(state, "keep house", outbox_keep_house(state->box, wall_ms, 90));
    }
}

/* Every promised record that is not acked must be in contents, once; the ledger then follows. */
static void compare_renewed(
    struct outbox_state *state, const struct contents *contents, struct sweep_tally *tally)
{
    for (uint64_t seq = state->acked + 1; seq <= state->head; seq++) {
        unsigned found = 0;

        for (uint64_t i = contents->oldest; i <= contents->head; i++) {
            found += contents->number_of[i] == state->number_of[seq] ? 1 : 0;
        }
        if (found == 0 && state->number_of[seq] != 0) {
            sweep_note(tally, &tally->losses, "record %llu is not in the new log",
                (unsigned long long)state->number_of[seq]);
        }
    }
    state->acked = 0;
    adopt(state, contents);
}

/* The log is another one: a renewal, or for the check to find. */
static void follow(struct outbox_state *state, const struct contents *contents)
{
    struct sweep_tally tally = {0};

    if (state->may_renew) {
        compare_renewed(state, contents, &tally);
        if (tally.losses > 0) {
            be_surprised(state, "the new log lacks records", 0);
        }
    }
}

int outbox_state_open(struct outbox_state *state)
{
    struct outbox_repair repair = {0};
    struct contents contents;
    int rc = open_box(state, &repair, NULL);

    if (rc < 0) {
        return rc;
    }
    if (state->epoch == 0) {
        state->epoch = outbox_epoch(state->box);
    }
    if (outbox_epoch(state->box) == state->epoch && outbox_head_seq(state->box) <= state->head) {
        return 0; /* as promised, or for the check to find */
    }
    read_contents(state->box, &contents);
    if (outbox_epoch(state->box) != state->epoch) {
        follow(state, &contents);
    } else if (contents.head == state->head + 1 &&
               was_attempted(state, contents.number_of[contents.head])) {
        state->head = contents.head;
        state->number_of[state->head] = contents.number_of[contents.head];
        state->attempt_count = 0;
    }
    return 0;
}

void outbox_state_renew(struct outbox_state *state)
{
    struct outbox_repair repair = {0};
    struct contents contents;

    if (state->box == NULL || outbox_renew(state->box, &repair, NULL) < 0) {
        return;
    }
    read_contents(state->box, &contents);
    follow(state, &contents);
    if (repair.lost > 0) {
        be_surprised(state, "renew lost records", 0);
    }
}

/* ---- the subject's functions -------------------------------------------------------------- */

void outbox_state_close(void *subject_state)
{
    struct outbox_state *state = subject_state;

    outbox_close(state->box);
    state->box = NULL;
}

void outbox_state_forgive_damage(struct outbox_state *state)
{
    struct outbox_repair repair = {0};
    struct contents contents;
    uint64_t kept = 0;

    assert_int_equal(open_box(state, &repair, NULL), 0);
    assert_true(repair.was_set_aside && repair.lost > 0);
    read_contents(state->box, &contents);
    for (uint64_t seq = 1; seq <= state->head; seq++) {
        bool is_there = false;

        for (uint64_t i = contents.oldest; i <= contents.head; i++) {
            is_there = is_there || contents.number_of[i] == state->number_of[seq];
        }
        kept += is_there ? 1 : 0;
        state->number_of[seq] = is_there ? state->number_of[seq] : 0;
    }
    assert_int_equal(kept, repair.salvaged);
    state->may_renew = true;
    outbox_state_close(state);
    disk_power_on(DISK_KEEP_NONE, 0);
}

void outbox_state_crash(struct outbox_state *state)
{
    disk_arm(1, DISK_CUT, false);
    outbox_state_close(state);
    disk_power_on(DISK_KEEP_ALL, 0);
}

/* Every number at most once. */
static void count_duplicates(const struct contents *contents, struct sweep_tally *tally)
{
    static uint8_t seen[2 * LEDGER_SEQS];

    memset(seen, 0, sizeof seen);
    for (uint64_t seq = contents->oldest; seq <= contents->head; seq++) {
        uint64_t number = contents->number_of[seq];

        if (number != 0 && number < sizeof seen && seen[number]++ > 0) {
            sweep_note(tally, &tally->duplicates, "record %llu is there twice",
                (unsigned long long)number);
        }
    }
}

static void compare(
    struct outbox_state *state, const struct contents *contents, struct sweep_tally *tally)
{
    for (uint64_t seq = 1; seq <= state->head; seq++) {
        bool may_be_deleted = seq <= state->acked && seq < contents->oldest;

        if (!may_be_deleted && contents->number_of[seq] != state->number_of[seq]) {
            sweep_note(tally, &tally->losses, "seq %llu: promised record %llu, found %llu",
                (unsigned long long)seq, (unsigned long long)state->number_of[seq],
                (unsigned long long)contents->number_of[seq]);
        }
    }
    if (contents->head > state->head &&
        (contents->head > state->head + 1 ||
            !was_attempted(state, contents->number_of[contents->head]))) {
        sweep_note(tally, &tally->broken, "seq %llu: nobody appended this",
            (unsigned long long)contents->head);
    }
    if (outbox_acked_seq(state->box) > state->acked) {
        sweep_note(tally, &tally->broken, "acked %llu, but only %llu was ever acked",
            (unsigned long long)outbox_acked_seq(state->box), (unsigned long long)state->acked);
    }
    adopt(state, contents);
}

/* SQLite's own whole check, which outbox_open() does not do each time. */
static void check_integrity(struct sweep_tally *tally)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_open(OUTBOX_FILE, &db) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) {
        sweep_note(tally, &tally->broken, "integrity_check: %s", sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

/* A new record gets the next seq, in this process and in the next. */
static void take_more(struct outbox_state *state, struct sweep_tally *tally)
{
    uint64_t before = state->head;

    if (state->bytes_max == OUTBOX_BYTES_MIN) {
        outbox_state_ack(state, state->head); /* or there is no room, rightly */
    }
    outbox_state_append(state, 2);
    if (state->head != before + 2) {
        sweep_note(tally, &tally->broken, "took %llu of 2 more",
            (unsigned long long)(state->head - before));
    }
    if (state->surprise != NULL) {
        sweep_note(
            tally, &tally->broken, "%s: %s", state->surprise, err_name(state->surprise_code));
        state->surprise = NULL;
    }
}

static void go_on(void *subject_state, struct sweep_tally *tally)
{
    struct outbox_state *state = subject_state;

    if (state->box == NULL && outbox_state_open(state) < 0) {
        sweep_note(tally, &tally->broken, "does not open after the fault is over");
        return;
    }
    take_more(state, tally);
}

static void check(void *subject_state, struct sweep_tally *tally)
{
    struct outbox_state *state = subject_state;
    struct outbox_repair repair = {0};
    struct err err = {.text = ""};
    struct contents contents;
    int rc = open_box(state, &repair, &err);

    if (rc < 0) {
        sweep_note(tally, &tally->broken, "cannot open: %.150s", err.text);
        return;
    }
    if (repair.was_set_aside && !state->may_renew) {
        sweep_note(tally, &tally->broken, "was set aside");
    }
    read_contents(state->box, &contents);
    if (contents.is_unreadable) {
        sweep_note(tally, &tally->broken, "the chain does not hold");
    }
    count_duplicates(&contents, tally);
    if (outbox_epoch(state->box) == state->epoch) {
        compare(state, &contents, tally);
    } else if (state->may_renew) {
        compare_renewed(state, &contents, tally);
    } else if (state->epoch != 0) {
        sweep_note(tally, &tally->losses, "another epoch");
    } else {
        adopt(state, &contents);
    }
    take_more(state, tally);
    outbox_state_close(state);
    check_integrity(tally);
}

struct sweep_subject outbox_subject(
    const char *name, struct outbox_state *state, void (*work)(void *state))
{
    return (struct sweep_subject){.name = name,
        .state = state,
        .state_size = sizeof *state,
        .work = work,
        .close = outbox_state_close,
        .go_on = go_on,
        .check = check};
}
