/*
 * test_clock.c - every clock scene from the gateway's reader to the verdict, and the table of it.
 *
 * The gateway's core with a clock that is told what to show, its real outbox, the collector's real
 * ingest and store (in memory), and the real reconciliation. Simulated time only; nothing waits.
 * With --table the table of docs/TIME.md goes to stdout.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "collector/ingest/ingest.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "collector/visits/visits.h"
#include "gateway/gateway.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"
#include "tests/integration/clock/scenes.h"
#include "tests/unit/gateway/outbox_help.h"
#include "tests/unit/suite.h"

enum {
    ACKS_MAX = 64,
    ROUNDS_MAX = 16,
    TICK_S = 10,
    VISIT_S = 1800,
    TEXT_SIZE = 128,
    SYNC_DOUBT_MS = 20,
};

struct message {
    size_t size;
    uint8_t bytes[SMALL_MESSAGE_MAX];
    char topic[TOPIC_MAX];
};

/* What a tap of the visit came to. */
struct placed {
    struct record record; /* as the gateway stamped it */
    int64_t truth_ms;
    char source[TEXT_SIZE];
    int64_t effective_utc; /* 0: unknown */
    unsigned doubt_s;
};

struct world {
    const struct scene *scene;
    struct scratch *scratch;
    int64_t truth_ms;
    uint64_t boots;
    uint64_t anchored_boots[SCENE_STEPS_MAX];
    size_t anchored_count;
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct gateway *gateway;
    uint64_t uplink_us;
    struct storage *storage;
    struct ingest *ingest;
    size_t ack_count;
    struct message acks[ACKS_MAX];
    struct placed in, out;
    char verdict[TEXT_SIZE];
    int32_t worked_s;
};

static bool wants_table;

/* ---- ports -------------------------------------------------------------------------------- */

static int to_collector(
    void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct world *world = user;

    (void)retain;
    ingest_message(world->ingest, topic, payload, size);
    return 0;
}

static int to_gateway(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct world *world = user;
    struct message *message = &world->acks[world->ack_count];

    assert_true(world->ack_count++ < ACKS_MAX);
    assert_true(size <= sizeof message->bytes);
    message->size = size;
    memcpy(message->bytes, bytes, size);
    (void)snprintf(message->topic, sizeof message->topic, "%s", topic);
    return 0;
}

static int subscribe(void *user, const char *topic)
{
    (void)user;
    (void)topic;
    return 0;
}

static uint64_t uplink_now_us(void *user)
{
    return ((struct world *)user)->uplink_us;
}

static int64_t true_now_ms(void *user)
{
    return ((struct world *)user)->truth_ms;
}

static void on_record(void *user, const struct record *record, int rc)
{
    struct world *world = user;

    assert_int_equal(rc, 0);
    if (record->type == RECORD_CLOCK_SET && record->wall_trust == WALL_SYNCED) {
        world->anchored_boots[world->anchored_count++ % SCENE_STEPS_MAX] = record->boot_id;
    }
    if (record->type == RECORD_TAP && record->tap.uid[0] == 4) {
        struct placed *placed = world->in.truth_ms == 0 ? &world->in : &world->out;

        placed->record = *record;
        placed->truth_ms = world->truth_ms;
    }
}

/* ---- what happens ------------------------------------------------------------------------- */

static void boot(struct world *world, int64_t wall_ms, enum hal_clock_trust trust)
{
    const struct gateway_conf conf = {.site = "test",
        .device = "gw-test",
        .outbox_path = world->scratch->path,
        .version = "test"};
    const struct gateway_ports ports = {
        .clock = &world->clock.base,
        .feedback = &world->feedback.base,
        .readers = {&world->reader.base},
        .reader_count = 1,
        .uplink = {world, to_collector, subscribe, uplink_now_us},
        .on_record = on_record,
        .on_record_user = world,
    };
    struct err err = {0};

    fake_clock_init(&world->clock, ++world->boots, wall_ms);
    fake_clock_set_trust(&world->clock, trust, UINT32_MAX);
    fake_feedback_init(&world->feedback);
    fake_reader_init(&world->reader, "spi0", &world->clock.base);
    assert_int_equal(gateway_open(&world->gateway, &conf, &ports, &err), 0);
}

static void power_cut(struct world *world)
{
    gateway_close(world->gateway); /* not connected: it tells nobody */
    world->gateway = NULL;
}

static void tick(struct world *world)
{
    struct gateway_due due = {0};

    gateway_tick(world->gateway, &due);
}

static void pass_until(struct world *world, int64_t until_ms)
{
    while (world->truth_ms < until_ms) {
        int64_t step_ms =
            until_ms - world->truth_ms < TICK_S * 1000 ? until_ms - world->truth_ms : TICK_S * 1000;

        world->truth_ms += step_ms;
        if (world->gateway != NULL) {
            fake_clock_advance_us(&world->clock, (uint64_t)step_ms * 1000);
            tick(world);
        }
    }
}

/* The card is laid on the reader and taken away. */
static void tap(struct world *world, uint8_t first_byte)
{
    struct fake_reader_step steps[2] = {
        {.at_us = world->clock.boot_us}, {.at_us = world->clock.boot_us}};

    steps[0].event.kind = HAL_READER_TAG;
    steps[0].event.detected_us = world->clock.boot_us;
    steps[1].event.kind = HAL_READER_GONE;
    for (size_t i = 0; i < 2; i++) {
        steps[i].event.tag.uid_size = 4;
        steps[i].event.tag.uid[0] = first_byte;
    }
    fake_reader_play(&world->reader, steps, 2);
    gateway_poll_reader(world->gateway, 0);
}

static void happen(struct world *world, const struct step *step)
{
    int64_t ahead_ms = step->value * 1000;

    pass_until(world, (world->scene->day_utc + step->at_s) * 1000);
    switch (step->what) {
    case BOOT_UNSET:
        boot(world, 0, HAL_CLOCK_UNSET);
        break;
    case BOOT_RTC:
        boot(world, world->truth_ms + ahead_ms, HAL_CLOCK_RTC);
        break;
    case SYNC:
        fake_clock_sync(&world->clock, world->truth_ms, SYNC_DOUBT_MS);
        break;
    case MOVE:
        fake_clock_step_wall(&world->clock, ahead_ms);
        fake_clock_set_trust(&world->clock, HAL_CLOCK_UNSET, UINT32_MAX);
        break;
    case MOVE_RTC:
        fake_clock_step_wall(&world->clock, ahead_ms);
        break;
    case POWER_CUT:
        power_cut(world);
        break;
    case ARRIVE:
    case LEAVE:
        tap(world, 4);
        break;
    case OTHER_TAP:
        tap(world, 5);
        break;
    case END:
        break;
    }
}

/* The network comes: everything to the collector, its answers back. */
static void deliver(struct world *world)
{
    struct device_state state = {0};

    gateway_on_connected(world->gateway);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        size_t count = 0;

        world->uplink_us += 1000000;
        tick(world);
        assert_int_equal(ingest_commit(world->ingest), 0);
        count = world->ack_count;
        world->ack_count = 0;
        for (size_t i = 0; i < count; i++) {
            gateway_on_message(
                world->gateway, world->acks[i].topic, world->acks[i].bytes, world->acks[i].size);
        }
    }
    gateway_state(world->gateway, &state);
    assert_true(state.head_seq > 0 && state.acked_seq == state.head_seq);
}

/* ---- what comes of it --------------------------------------------------------------------- */

static text_id text(struct dataset *dataset, const char *value)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(dataset, value, strlen(value), &id), 0);
    return id;
}

static void import_roster(struct world *world)
{
    const struct scene *scene = world->scene;
    int64_t start_utc = scene->day_utc + scene->visit_s;
    struct storage_import_counts counts = {0};
    struct dataset dataset;
    struct err err = {0};

    assert_int_equal(dataset_init(&dataset), 0);
    {
        struct period_row period = {.period_id = text(&dataset, "P1"),
            .start_day = (int32_t)(scene->day_utc / 86400 - 1),
            .end_day = (int32_t)(scene->day_utc / 86400 + 3),
            .start_utc = scene->day_utc - 86400,
            .end_utc = scene->day_utc + 3 * 86400,
            .run1_asof_utc = scene->day_utc + 5 * 86400,
            .run2_asof_utc = scene->day_utc + 6 * 86400};
        struct person_row person = {.person_id = text(&dataset, "S1"),
            .funder = text(&dataset, "LA"),
            .zone = text(&dataset, "Z"),
            .provider_id = text(&dataset, "PR")};
        struct provider_row provider = {.provider_id = text(&dataset, "PR"),
            .zone = text(&dataset, "Z"),
            .lot = text(&dataset, "L"),
            .tier = text(&dataset, "T")};
        struct carer_row carer = {text(&dataset, "C1"), text(&dataset, "PR")};
        struct card_row card = {text(&dataset, "04000000"), text(&dataset, "C1"), 0, DATASET_NEVER};
        struct device_row device = {
            text(&dataset, "gw-test"), text(&dataset, "S1"), 0, DATASET_NEVER};
        struct planned_row planned = {.visit_id = text(&dataset, "V1"),
            .person_id = text(&dataset, "S1"),
            .provider_id = text(&dataset, "PR"),
            .start_utc = start_utc,
            .end_utc = start_utc + VISIT_S,
            .carers_required = 1,
            .roster_carers = text(&dataset, "C1"),
            .cancel_utc = DATASET_NEVER};

        assert_int_equal(dataset_add_period(&dataset, &period), 0);
        assert_int_equal(dataset_add_provider(&dataset, &provider), 0);
        assert_int_equal(dataset_add_person(&dataset, &person), 0);
        assert_int_equal(dataset_add_carer(&dataset, &carer), 0);
        assert_int_equal(dataset_add_card(&dataset, &card), 0);
        assert_int_equal(dataset_add_device(&dataset, &device), 0);
        assert_int_equal(dataset_add_planned(&dataset, &planned), 0);
    }
    if (world->storage->ops->import(world->storage, &dataset, scene->day_utc, &counts, &err) < 0) {
        fail_msg("%s", err.text);
    }
    dataset_done(&dataset);
}

static bool is_event_of(
    const struct dataset *dataset, text_id event_id, const struct placed *placed)
{
    const char *id = dataset_text(dataset, event_id);

    return strtoull(strrchr(id, '-') + 1, NULL, 10) == placed->record.seq;
}

static bool is_anchored_boot(const struct world *world, uint64_t boot_id)
{
    for (size_t i = 0; i < world->anchored_count && i < SCENE_STEPS_MAX; i++) {
        if (world->anchored_boots[i] == boot_id) {
            return true;
        }
    }
    return false;
}

/* "2026-03-10T07:05:05Z/..." as "07:05:05 to ...". */
static void describe_bounds(const char *between, char *ret_source)
{
    if (strlen(between) != 41) {
        (void)snprintf(ret_source, TEXT_SIZE, "unknown");
        return;
    }
    (void)snprintf(ret_source, TEXT_SIZE, "unknown, %.8s to %.8s", between + 11, between + 32);
}

static void find_placed(
    const struct world *world, const struct dataset *dataset, struct placed *placed)
{
    (void)snprintf(placed->source, sizeof placed->source, "lost");
    for (size_t i = 0; i < dataset->unplaced_count; i++) {
        if (is_event_of(dataset, dataset->unplaced[i].event_id, placed)) {
            describe_bounds(dataset_text(dataset, dataset->unplaced[i].between), placed->source);
        }
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];
        bool is_suspect = (event->evidence & EVENT_CLOCK_SUSPECT) != 0;
        const char *source = "between";

        if (!is_event_of(dataset, event->event_id, placed)) {
            continue;
        }
        if (!is_suspect) {
            source = "stamped";
        } else if (is_anchored_boot(world, placed->record.boot_id)) {
            source = "anchored";
        } else if (placed->record.wall_trust == WALL_RTC &&
                   event->ts_utc == placed->record.wall_ms / 1000) {
            source = "rtc";
        }
        (void)snprintf(placed->source, sizeof placed->source, "%s", source);
        placed->effective_utc = event->ts_utc;
        placed->doubt_s = event->uncertainty_s;
    }
}

static void describe_verdict(
    struct world *world, const struct dataset *dataset, const struct visits_result *result)
{
    struct visits_flags flags = {{0}, {0}};
    size_t used = 0;
    unsigned unknown = 0;

    assert_int_equal(result->slots_count, 1);
    visits_flags(dataset, &visits_default_params, result, 0, &flags);
    used = (size_t)snprintf(world->verdict, TEXT_SIZE, "%s",
        slot_status_name((enum slot_status)result->slots[0].status));
    if (flags.is_set[FLAG_CLOCK_SUSPECT]) {
        used += (size_t)snprintf(world->verdict + used, TEXT_SIZE - used,
            ", clock_suspect %" PRId64 " s", flags.seconds[FLAG_CLOCK_SUSPECT]);
    }
    for (size_t i = 0; i < result->exceptions_count; i++) {
        unknown += result->exceptions[i].code == EXCEPTION_TIME_UNKNOWN ? 1 : 0;
    }
    if (unknown > 0) {
        (void)snprintf(
            world->verdict + used, TEXT_SIZE - used, "; TIME_UNKNOWN%s", unknown > 1 ? " x2" : "");
    }
    if (result->slots[0].attendance != VISITS_NONE) {
        world->worked_s = result->attendances[result->slots[0].attendance].worked_s;
    }
}

static void reconcile(struct world *world)
{
    const struct storage_filter filter = {.period_id = "P1", .person_id = "S1"};
    const struct visits_period period = {world->scene->day_utc - 86400,
        world->scene->day_utc + 3 * 86400, world->scene->day_utc + 5 * 86400};
    struct visits_result result = {.people_count = 0};
    struct dataset dataset;
    struct err err = {0};

    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(world->storage->ops->load(world->storage, &filter, &dataset, &err), 0);
    assert_int_equal(visits_reconcile(&dataset, &visits_default_params, &period, &result), 0);
    find_placed(world, &dataset, &world->in);
    find_placed(world, &dataset, &world->out);
    describe_verdict(world, &dataset, &result);
    visits_done(&result);
    dataset_done(&dataset);
}

static void play(struct world *world, const struct scene *scene)
{
    const struct ingest_ports ports = {.publish = to_gateway, .now_ms = true_now_ms, .user = world};
    struct ingest_ports with_storage = ports;
    struct err err = {0};

    *world = (struct world){.scene = scene, .uplink_us = 1000000};
    assert_int_equal(scratch_setup((void **)&world->scratch), 0);
    assert_int_equal(storage_sqlite_open(&world->storage, ":memory:", 0, &err), 0);
    with_storage.storage = world->storage;
    assert_int_equal(ingest_open(&world->ingest, &with_storage, "collector", &err), 0);
    world->truth_ms = (scene->day_utc + scene->steps[0].at_s) * 1000;
    for (size_t i = 0; i < SCENE_STEPS_MAX && scene->steps[i].what != END; i++) {
        happen(world, &scene->steps[i]);
    }
    pass_until(world, world->truth_ms + 3600 * 1000);
    deliver(world);
    import_roster(world);
    reconcile(world);
    power_cut(world);
    ingest_close(world->ingest);
    storage_close(world->storage);
    (void)scratch_teardown((void **)&world->scratch);
}

/* ---- claims and table --------------------------------------------------------------------- */

/* The time alone where the day is right. */
static void clock_text(int64_t utc, int64_t truth_utc, char ret_text[static 32])
{
    time_t at = (time_t)utc;
    struct tm parts = {0};
    bool is_near = utc > truth_utc - 43200 && utc < truth_utc + 43200;

    assert_non_null(gmtime_r(&at, &parts));
    assert_true(strftime(ret_text, 32,
                    utc == 0  ? "-"
                    : is_near ? "%H:%M:%S"
                              : "%Y-%m-%d %H:%M",
                    &parts) > 0);
}

static void print_tap(const char *name, const struct placed *placed, const char *verdict)
{
    static const char *const trusts[] = {
        [WALL_UNSET] = "unset", [WALL_RTC] = "rtc", [WALL_SYNCED] = "synced"};
    char stamped[32] = "";
    char effective[32] = "";
    char doubt[32] = "-";

    clock_text(placed->record.wall_ms / 1000, placed->truth_ms / 1000, stamped);
    clock_text(placed->effective_utc, placed->truth_ms / 1000, effective);
    if (placed->doubt_s == UINT16_MAX) {
        (void)snprintf(doubt, sizeof doubt, "nobody knows");
    } else if (placed->doubt_s > 0) {
        (void)snprintf(doubt, sizeof doubt, "%u s", placed->doubt_s);
    } else if (strcmp(placed->source, "stamped") == 0) {
        (void)snprintf(doubt, sizeof doubt, "%u ms", placed->record.wall_uncertainty_ms);
    }
    (void)printf("| %s | %s, %s | %s | %s | %s | %s |\n", name, stamped,
        trusts[placed->record.wall_trust], effective, placed->source, doubt, verdict);
}

/* Unless the scene says that the evidence misleads: what is claimed of a tap is true. */
static void assert_true_claim(const struct world *world, const struct placed *placed)
{
    int64_t off_s = placed->effective_utc - placed->truth_ms / 1000;

    if (placed->effective_utc == 0 || world->scene->is_wrong) {
        return;
    }
    assert_true(off_s <= (int64_t)placed->doubt_s && -off_s <= (int64_t)placed->doubt_s);
}

static void every_scene_comes_to_what_it_must(void **state)
{
    static struct world world;

    (void)state;
    if (wants_table) {
        (void)printf("| scene | stamped, trust | effective | source | uncertainty | verdict |\n"
                     "|---|---|---|---|---|---|\n");
    }
    for (size_t i = 0; i < scene_count; i++) {
        char name[TEXT_SIZE] = "";

        play(&world, &scenes[i]);
        if (wants_table) {
            (void)snprintf(name, sizeof name, "%s: in", scenes[i].name);
            print_tap(name, &world.in, world.verdict);
            print_tap("out", &world.out, "");
            continue;
        }
        print_message(
            "%s: %s | %s | %s\n", scenes[i].name, world.in.source, world.out.source, world.verdict);
        assert_string_equal(world.in.source, scenes[i].in);
        assert_string_equal(world.out.source, scenes[i].out);
        assert_string_equal(world.verdict, scenes[i].verdict);
        assert_true_claim(&world, &world.in);
        assert_true_claim(&world, &world.out);
        if (strncmp(world.verdict, "OK", 2) == 0) {
            assert_true(labs((long)world.worked_s - VISIT_S) <=
                        (long)world.in.doubt_s + (long)world.out.doubt_s);
        }
    }
}

static void the_gateway_never_edits_a_stamp(void **state)
{
    static struct world world;

    (void)state;
    /* Time arrives later: the arrival keeps its 1970 for ever. */
    play(&world, &scenes[2]);
    assert_int_equal(world.in.record.wall_trust, WALL_UNSET);
    assert_true(world.in.record.wall_ms < INT64_C(86400000));
    assert_int_equal(world.in.effective_utc, MARCH_10 + scenes[2].visit_s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scene_comes_to_what_it_must),
        cmocka_unit_test(the_gateway_never_edits_a_stamp),
    };

    wants_table = argc > 1 && strcmp(argv[1], "--table") == 0;
    log_set_level(LOG_LEVEL_ERR);
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
