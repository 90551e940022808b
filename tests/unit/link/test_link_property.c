/*
 * test_link_property.c - whatever the lines, the gateways and the power do, each record of each tag
 * reader reaches the collector once, and nothing is freed before it is there (rig.c asserts both).
 *
 * usage: test_link_property [SEED [ROUNDS]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* after setjmp.h */
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/link/rig.h"

static uint64_t first_seed = 20260730;
static unsigned rounds = 12;

/* One thing that happens. */
static void happen(struct rig *rig)
{
    int reader = (int)rig_chance(rig, RIG_READERS);
    int gateway = (int)rig_chance(rig, RIG_GATEWAYS);
    struct rig_gateway *there = &rig->gateways[gateway];

    switch (rig_chance(rig, 12)) {
    case 0:
        rig_pull(rig, reader);
        break;
    case 1:
    case 2:
        rig_plug(rig, reader, gateway);
        break;
    case 3:
        rig_reader_boot(rig, reader);
        break;
    case 4:
        if (there->relay != NULL) {
            rig_gateway_stop(rig, gateway);
            if (rig_chance(rig, 3) == 0) {
                rig_gateway_wipe(rig, gateway);
            }
        } else {
            rig_gateway_start(rig, gateway);
        }
        break;
    case 5:
        if (there->relay == NULL) {
            rig_gateway_start(rig, gateway);
        }
        break;
    case 6:
        rig_set_online(rig, gateway, !there->is_online);
        break;
    default:
        for (uint64_t i = rig_chance(rig, 40); i > 0; i--) {
            rig_tap(rig, reader);
        }
        break;
    }
    rig_run(rig, (unsigned)rig_chance(rig, 900));
}

/* The trouble ends: then all must arrive. */
static void settle(struct rig *rig)
{
    rig->lost_messages = 0;
    for (int i = 0; i < RIG_GATEWAYS; i++) {
        if (rig->gateways[i].relay == NULL) {
            rig_gateway_start(rig, i);
        }
        rig_set_online(rig, i, true);
    }
    for (int i = 0; i < RIG_READERS; i++) {
        struct rig_reader *reader = &rig->readers[i];

        rig_plug(rig, i, i % RIG_GATEWAYS);
        rig_tap(rig, i);
        if (!rig_run_until_done(rig, i, 240000)) {
            fail_msg("%s: head %llu, done %llu, mark %llu, phase %d", reader->id,
                (unsigned long long)reader->head, (unsigned long long)reader->done,
                (unsigned long long)reader->mark, (int)reader->session.status.phase);
        }
        assert_int_equal(reader->mark, reader->head);
    }
}

static void run_one(uint64_t seed)
{
    struct rig *rig = rig_new(seed);

    /* Up to one byte of 300: half of all full frames are damaged. */
    rig->noise = (struct rig_noise){(unsigned)rig_chance(rig, 8), (unsigned)rig_chance(rig, 10),
        (unsigned)rig_chance(rig, 8), (unsigned)rig_chance(rig, 8)};
    rig->lost_messages = (unsigned)rig_chance(rig, 40);
    rig_gateway_start(rig, 0);
    rig_gateway_start(rig, 1);
    for (int i = 0; i < 60; i++) {
        happen(rig);
    }
    settle(rig);
    rig_free(rig);
}

static void nothing_is_lost_doubled_or_freed_too_early(void **state)
{
    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t seed = first_seed + i;

        print_message("seed %llu\n", (unsigned long long)seed);
        run_one(seed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_doubled_or_freed_too_early),
    };

    log_set_level(LOG_LEVEL_ERR);
    first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : first_seed;
    rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : rounds;
    return cmocka_run_group_tests_name("link property", tests, NULL, NULL);
}
