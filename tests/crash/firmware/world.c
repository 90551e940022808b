/*
 * world.c - see world.h.
 */
#include "tests/crash/firmware/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char device_id[] = "PR-0007";

static uint32_t mix(uint64_t seq, uint32_t attempt)
{
    uint64_t z = seq * UINT64_C(0x9E3779B97F4A7C15) ^ attempt * UINT64_C(0xD1B54A32D192ED03);

    z = (z ^ (z >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(z >> 32);
}

/* Each attempt at a seq has other bytes: a seq that was used twice shows. */
static uint32_t make_record(
    uint64_t seq, uint32_t attempt, uint8_t ret_bytes[static FLASHLOG_RECORD_MAX])
{
    uint32_t dice = mix(seq, attempt);
    uint32_t size = 1 + dice % FLASHLOG_RECORD_MAX;

    for (uint32_t i = 0; i < size; i++) {
        dice = dice * 1664525u + 1013904223u;
        ret_bytes[i] = (uint8_t)(dice >> 24);
    }
    return size;
}

static uint32_t *attempt_at(struct world *world, uint64_t seq)
{
    return &world->attempt_of[seq % WORLD_MEMORY];
}

/* The chain head before record seq depends on which attempt became the one before. */
static void make_chain(struct world *world, uint64_t seq, uint8_t ret_head[static 32])
{
    uint32_t dice = mix(seq, seq > 1 ? *attempt_at(world, seq - 1) : 0);

    for (int i = 0; i < FLASHLOG_CHAIN_SIZE; i++) {
        ret_head[i] = (uint8_t)(dice >> (i % 4 * 8)) ^ (uint8_t)i;
    }
}

void world_init(struct world *world, uint32_t sectors, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->sectors = sectors;
    if (fake_flash_init(&world->flash, sectors * HAL_FLASH_SECTOR, seed) != 0) {
        abort();
    }
    world->seen = &world->flash.base;
}

void world_done(struct world *world)
{
    fake_flash_done(&world->flash);
}

void world_copy(struct world *world, const struct world *from, uint64_t seed)
{
    struct fake_flash mine = world->flash;

    *world = *from;
    world->flash.bytes = mine.bytes;
    world->flash.weak = mine.weak;
    world->flash.erases = mine.erases;
    memcpy(mine.bytes, from->flash.bytes, from->flash.base.size);
    memcpy(mine.weak, from->flash.weak, from->flash.base.size);
    memcpy(mine.erases, from->flash.erases, from->sectors * sizeof *mine.erases);
    world->flash.random = seed;
    world->seen = &world->flash.base;
    world->is_open = false; /* the log points to the other chip */
}

/* A record as read: is it the one that was promised? */
static void compare(struct world *world, const struct flashlog_item *item)
{
    uint8_t bytes[FLASHLOG_RECORD_MAX];
    uint32_t size = make_record(item->seq, *attempt_at(world, item->seq), bytes);

    if (item->size != size || memcmp(item->bytes, bytes, size) != 0) {
        world->duplicates++;
    }
}

bool world_check(struct world *world)
{
    struct flashlog_item item;
    uint64_t wanted = world->done + 1;
    int rc = 0;

    while ((rc = flashlog_read(&world->log, wanted, &item)) == 0) {
        if (item.seq < wanted || item.seq > world->promised) {
            world->wrong++;
            return true;
        }
        world->lost += item.seq - wanted;
        compare(world, &item);
        wanted = item.seq + 1;
    }
    if (world->flash.is_dead) {
        return false;
    }
    world->wrong += rc == -ENOENT ? 0 : 1;
    world->lost += world->promised + 1 - wanted;
    return true;
}

/* What is done may be gone, but what is there must be right. */
static void check_done_ones(struct world *world)
{
    uint64_t wanted = world->done > WORLD_MEMORY / 2 ? world->done - WORLD_MEMORY / 2 : 1;
    struct flashlog_item item;

    while (wanted <= world->done && flashlog_read(&world->log, wanted, &item) == 0 &&
           item.seq <= world->done) {
        compare(world, &item);
        wanted = item.seq + 1;
    }
}

static void check_chain(struct world *world)
{
    uint8_t head[FLASHLOG_CHAIN_SIZE];
    uint8_t expected[FLASHLOG_CHAIN_SIZE];
    uint64_t seq = 0;
    int rc = flashlog_chain_base(&world->log, world->promised + 1, &seq, head);

    if (world->promised == 0 || world->flash.is_dead) {
        return;
    }
    make_chain(world, seq, expected);
    if (rc != 0 || seq + FLASHLOG_SECTOR_RECORDS <= world->promised ||
        memcmp(head, expected, sizeof head) != 0) {
        world->wrong++;
    }
}

/* Which of the attempts at the record after the newest promised one was stored? 0: none. */
static uint32_t find_attempt(struct world *world, uint64_t seq)
{
    struct flashlog_item item;
    uint8_t bytes[FLASHLOG_RECORD_MAX];

    if (flashlog_read(&world->log, seq, &item) != 0 || item.seq != seq) {
        return 0;
    }
    for (uint32_t attempt = world->attempts; attempt > world->attempts_before; attempt--) {
        uint32_t size = make_record(seq, attempt, bytes);

        if (size == item.size && memcmp(bytes, item.bytes, size) == 0) {
            return attempt;
        }
    }
    return 0;
}

static void promise(struct world *world, uint64_t seq, uint32_t attempt)
{
    *attempt_at(world, seq) = attempt;
    world->promised = seq;
    world->epoch = flashlog_epoch(&world->log);
    world->attempts_before = world->attempts;
}

/*
 * The log has opened. One record more than was promised may be there, one of those that were being
 * stored when the power went; also one that could not be read after an earlier start, as long as
 * no other got its seq meanwhile. From now on it is promised: it may have been sent.
 */
static void take_head(struct world *world)
{
    uint64_t head = flashlog_head(&world->log);

    if (head == world->promised + 1) {
        uint32_t attempt = find_attempt(world, head);

        world->wrong += attempt == 0 ? 1 : 0;
        promise(world, head, attempt);
    } else if (head > world->promised) {
        world->wrong++;
        world->promised = head;
    } else {
        world->lost += world->promised - head;
    }
}

bool world_start(struct world *world)
{
    struct flashlog_conf conf = {.flash = world->seen,
        .sectors = world->sectors,
        .device_id = device_id,
        .new_epoch = UINT64_C(0x100000000) + world->starts};
    struct flashlog_found found;
    int rc = flashlog_open(&world->log, &conf, &found);

    if (world->flash.is_dead) {
        return false;
    }
    world->starts++;
    world->is_open = rc == 0;
    if (rc != 0 || (world->epoch != 0 && flashlog_epoch(&world->log) != world->epoch)) {
        world->wrong++;
        world->is_open = false;
        return true;
    }
    take_head(world);
    if (flashlog_done_seq(&world->log) > world->done) {
        world->wrong++;
    }
    check_chain(world);
    if (world_check(world)) {
        check_done_ones(world);
        return true;
    }
    return false;
}

bool world_append(struct world *world)
{
    uint8_t bytes[FLASHLOG_RECORD_MAX];
    uint8_t chain[FLASHLOG_CHAIN_SIZE];
    uint64_t seq = world->promised + 1;
    uint32_t size = 0;
    int rc = 0;

    world->attempts++;
    size = make_record(seq, world->attempts, bytes);
    make_chain(world, seq, chain);
    rc = flashlog_append(&world->log, bytes, size, chain);
    if (rc == 0) {
        promise(world, seq, world->attempts);
        world->appends++;
        world->duplicates += flashlog_head(&world->log) == seq ? 0 : 1;
    } else if (!world->flash.is_dead) {
        /* Refused, not tried. With everything done, as the log knows it, there must be room. */
        world->wrong += rc == -ENOSPC && flashlog_done_seq(&world->log) < world->promised ? 0 : 1;
        world->attempts--;
    }
    return !world->flash.is_dead;
}

bool world_prepare(struct world *world)
{
    int rc = flashlog_prepare(&world->log);

    world->wrong += rc < 0 && !world->flash.is_dead ? 1 : 0;
    return !world->flash.is_dead;
}

bool world_done_part(struct world *world, uint64_t percent)
{
    uint64_t seq = world->done + (world->promised - world->done) * percent / 100;

    if (flashlog_done(&world->log, seq) == 0) {
        world->done = seq;
    } else if (!world->flash.is_dead) {
        world->wrong++;
    }
    return !world->flash.is_dead;
}

uint64_t world_faults(const struct world *world)
{
    return world->lost + world->duplicates + world->wrong;
}
