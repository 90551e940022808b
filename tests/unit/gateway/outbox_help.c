/*
 * outbox_help.c - see outbox_help.h.
 */
#include "tests/unit/gateway/outbox_help.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/unit/suite.h"

int scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);

    assert_non_null(scratch);
    (void)snprintf(scratch->folder, sizeof scratch->folder, "%s/ecm-outbox-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(scratch->folder));
    (void)snprintf(scratch->path, sizeof scratch->path, "%s/outbox.db", scratch->folder);
    *state = scratch;
    return 0;
}

int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    DIR *folder = opendir(scratch->folder);

    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char name[512] = "";

        (void)snprintf(name, sizeof name, "%s/%s", scratch->folder, entry->d_name);
        (void)unlink(name);
    }
    (void)closedir(folder);
    (void)rmdir(scratch->folder);
    free(scratch);
    return 0;
}

struct outbox *open_repaired(const struct scratch *scratch, struct outbox_repair *ret_repair)
{
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox *box = NULL;
    struct err err = {0};

    if (outbox_open(&box, &conf, ret_repair, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return box;
}

struct outbox *open_small_box(const struct scratch *scratch, uint64_t bytes_max)
{
    const struct outbox_conf conf = {scratch->path, "gw-test", bytes_max};
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err err = {0};

    if (outbox_open(&box, &conf, &repair, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_false(repair.was_set_aside);
    return box;
}

struct outbox *open_box(const struct scratch *scratch)
{
    return open_small_box(scratch, OUTBOX_BYTES_DEFAULT);
}

struct record make_tap(uint64_t n)
{
    struct record record = {
        .type = RECORD_TAP,
        .boot_id = 77,
        .boot_ms = n * 1000,
        .wall_ms = 1700000000000 + (int64_t)n * 1000,
        .wall_trust = WALL_SYNCED,
        .wall_uncertainty_ms = 5,
    };

    record.tap.uid_size = 7;
    record.tap.uid[0] = 4;
    for (unsigned i = 0; i < 6; i++) {
        record.tap.uid[6 - i] = (uint8_t)(n >> (8 * i));
    }
    record.tap.tech = TAP_TECH_TYPE2;
    record.tap.direction = TAP_IN;
    (void)snprintf(record.tap.reader, sizeof record.tap.reader, "spi0");
    return record;
}

uint64_t tap_number(const struct record *record)
{
    uint64_t n = 0;

    for (unsigned i = 1; i < 7; i++) {
        n = n << 8 | record->tap.uid[i];
    }
    return n;
}

void append_taps(struct outbox *box, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        struct record record = make_tap(n);

        assert_int_equal(outbox_append(box, &record), 0);
    }
}

static bool keep(void *user, const struct outbox_item *item)
{
    struct readout *readout = user;

    assert_true(readout->count < sizeof readout->records / sizeof readout->records[0]);
    assert_int_equal(record_decode(item->bytes, item->size, &readout->records[readout->count]), 0);
    assert_int_equal(readout->records[readout->count].seq, item->seq);
    readout->count++;
    return true;
}

int read_out(struct outbox *box, uint64_t from_seq, struct readout *ret_readout)
{
    ret_readout->count = 0;
    return outbox_read(box, from_seq, keep, ret_readout);
}

void scribble(const char *path, long offset, size_t size, uint8_t value)
{
    FILE *file = fopen(path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(fputc(value, file), value);
    }
    assert_int_equal(fclose(file), 0);
}

long file_size(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

unsigned count_files(const struct scratch *scratch, const char *part)
{
    DIR *folder = opendir(scratch->folder);
    unsigned count = 0;

    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += strstr(entry->d_name, part) != NULL;
    }
    (void)closedir(folder);
    return count;
}
