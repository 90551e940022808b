/*
 * outbox_bases.c - see outbox_bases.h.
 */
#include "tests/crash/powercut/outbox_bases.h"

#include <string.h>

#include "tests/unit/suite.h"

enum {
    FRAME_SIZE = 24 + 4096,
    FRAMES_BEFORE_CHECKPOINT = 256,
    PAGE_SIZE = 4096,
};

struct disk_image *base_nothing(struct outbox_state *state)
{
    disk_format();
    outbox_state_init(state);
    return disk_save();
}

struct disk_image *base_stopped(struct outbox_state *state)
{
    struct disk_image *image = NULL;

    disk_format();
    outbox_state_init(state);
    assert_int_equal(outbox_state_open(state), 0);
    outbox_state_append(state, BASES_FEW_RECORDS);
    outbox_state_ack(state, BASES_FEW_RECORDS / 3);
    outbox_state_keep_house(state, BASES_START_MS);
    outbox_state_close(state);
    disk_power_on(DISK_KEEP_ALL, 0); /* else the WAL that was deleted would be there again */
    image = disk_save();
    assert_int_equal(state->head, BASES_FEW_RECORDS);
    return image;
}

struct disk_image *base_before_checkpoint(struct outbox_state *state)
{
    const size_t enough = (FRAMES_BEFORE_CHECKPOINT - 8) * (size_t)FRAME_SIZE;

    disk_format();
    outbox_state_init(state);
    assert_int_equal(outbox_state_open(state), 0);
    while (disk_size(disk_find(OUTBOX_FILE "-wal")) < enough) {
        outbox_state_append(state, 1);
    }
    outbox_state_crash(state);
    return disk_save();
}

struct disk_image *base_full(struct outbox_state *state)
{
    disk_format();
    outbox_state_init(state);
    state->bytes_max = OUTBOX_BYTES_MIN;
    assert_int_equal(outbox_state_open(state), 0);
    while (state->attempt_count == 0) {
        outbox_state_append(state, 1);
    }
    outbox_state_close(state);
    disk_power_on(DISK_KEEP_NONE, 0);
    return disk_save();
}

/* The last page but one that holds records: behind the last one the salvage searches for long. */
static uint64_t page_with_records(int file)
{
    uint8_t page[PAGE_SIZE];
    uint64_t offset = disk_size(file);
    unsigned found = 0;

    while (offset > 0) {
        offset -= PAGE_SIZE;
        assert_int_equal(disk_read(file, offset, page, sizeof page), PAGE_SIZE);
        found += memmem(page, sizeof page, "spi0", 4) != NULL ? 1 : 0;
        if (found == 2) {
            return offset;
        }
    }
    fail_msg("no page with records");
    return 0;
}

struct disk_image *base_damaged(struct outbox_state *state)
{
    static const uint8_t rubbish[PAGE_SIZE] = {0xee, 0xee, 0xee};
    struct disk_image *image = base_stopped(state);
    int file = 0;

    disk_load(image);
    disk_image_free(image);
    file = disk_find(OUTBOX_FILE);
    disk_scribble(file, page_with_records(file), rubbish, sizeof rubbish);
    image = disk_save();
    outbox_state_forgive_damage(state);
    return image;
}
