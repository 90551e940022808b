/*
 * disk_power.c - the loss of power, and disks to start from; see disk.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/lib/disk_internal.h"

/* ---- the cut ------------------------------------------------------------------------------ */

/* xorshift64*: the same seed makes the same disk everywhere. */
static uint64_t lot(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static bool is_heads(uint64_t *state)
{
    return (lot(state) >> 33 & 1) != 0;
}

/* Pages of a write survive one by one. */
static void apply_pages(struct content *medium, const struct change *change, uint64_t *state)
{
    size_t done = 0;

    while (done < change->size) {
        uint64_t at = change->offset + done;
        size_t part = DISK_PAGE - (size_t)(at % DISK_PAGE);

        if (part > change->size - done) {
            part = change->size - done;
        }
        if (is_heads(state)) {
            disk_content_put(medium, at, change->bytes + done, part);
        }
        done += part;
    }
}

/* The first bytes of a write, up to a sector of the medium. */
static void apply_torn(struct content *medium, const struct change *change, uint64_t *state)
{
    uint64_t end = change->offset + lot(state) % (change->size + 1);

    end -= end % DISK_SECTOR;
    if (end > change->offset) {
        disk_content_put(medium, change->offset, change->bytes, (size_t)(end - change->offset));
    }
}

static void settle_file(struct file *file, enum disk_survival survival, uint64_t *state)
{
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        bool is_last = i + 1 == file->change_count;

        if (survival == DISK_KEEP_ALL) {
            disk_apply(&file->medium, change);
        } else if (survival == DISK_KEEP_TORN && is_last && !change->is_truncation) {
            apply_torn(&file->medium, change, state);
        } else if (survival != DISK_KEEP_NONE && !change->is_truncation) {
            apply_pages(&file->medium, change, state);
        } else if (survival != DISK_KEEP_NONE && is_heads(state)) {
            disk_apply(&file->medium, change);
        }
    }
    disk_forget_changes(file);
    disk_content_copy(&file->seen, &file->medium);
}

static void settle_names(enum disk_survival survival, uint64_t *state)
{
    unsigned kept = survival == DISK_KEEP_ALL ? the_disk.name_change_count : 0;

    if (survival != DISK_KEEP_NONE && survival != DISK_KEEP_ALL) {
        kept = (unsigned)(lot(state) >> 33) % (the_disk.name_change_count + 1);
    }
    for (unsigned i = 0; i < the_disk.name_change_count; i++) {
        bool stays =
            the_disk.reorders_names && survival != DISK_KEEP_ALL && survival != DISK_KEEP_NONE
                ? is_heads(state)
                : i < kept;

        if (stays) {
            disk_apply_name(&the_disk.medium, &the_disk.name_changes[i]);
        }
    }
    the_disk.name_change_count = 0;
    the_disk.seen = the_disk.medium;
}

/* A file that no name leads to is gone. */
static void drop_nameless(void)
{
    for (int i = 0; i < the_disk.file_count; i++) {
        bool has_name = false;

        for (unsigned n = 0; n < the_disk.seen.count; n++) {
            has_name = has_name || the_disk.seen.names[n].file == i;
        }
        if (!has_name) {
            the_disk.files[i].seen.size = 0;
            the_disk.files[i].medium.size = 0;
        }
    }
}

void disk_power_on(enum disk_survival survival, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;

    assert(the_disk.opened == 0);
    for (int i = 0; i < the_disk.file_count; i++) {
        settle_file(&the_disk.files[i], survival, &state);
    }
    settle_names(survival, &state);
    drop_nameless();
    the_disk.is_cut = false;
    the_disk.fault_at = 0;
    the_disk.operations = 0;
    the_disk.generation++;
}

/* ---- images ------------------------------------------------------------------------------- */

void disk_format(void)
{
    assert(the_disk.opened == 0);
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        struct file *file = &the_disk.files[i];

        disk_forget_changes(file);
        file->seen.size = 0;
        file->medium.size = 0;
        file->is_temporary = false;
    }
    the_disk.file_count = 0;
    the_disk.seen.count = 0;
    the_disk.medium.count = 0;
    the_disk.name_change_count = 0;
    the_disk.is_cut = false;
    the_disk.has_struck = false;
    the_disk.fault_at = 0;
    the_disk.operations = 0;
    the_disk.generation++;
}

struct disk_image *disk_save(void)
{
    struct disk_image *image = calloc(1, sizeof *image);

    assert(image != NULL && the_disk.name_change_count == 0);
    for (unsigned i = 0; i < the_disk.seen.count; i++) {
        const struct file *file = &the_disk.files[the_disk.seen.names[i].file];

        assert(file->change_count == 0);
        image->folder.names[i] = the_disk.seen.names[i];
        image->folder.names[i].file = (int)i;
        disk_content_copy(&image->contents[i], &file->medium);
    }
    image->folder.count = the_disk.seen.count;
    return image;
}

void disk_load(const struct disk_image *image)
{
    disk_format();
    for (unsigned i = 0; i < image->folder.count; i++) {
        disk_content_copy(&the_disk.files[i].medium, &image->contents[i]);
        disk_content_copy(&the_disk.files[i].seen, &image->contents[i]);
    }
    the_disk.file_count = (int)image->folder.count;
    the_disk.seen = image->folder;
    the_disk.medium = image->folder;
}

void disk_image_free(struct disk_image *image)
{
    for (int i = 0; image != NULL && i < DISK_FILES_MAX; i++) {
        free(image->contents[i].bytes);
    }
    free(image);
}
