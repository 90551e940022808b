/*
 * disk.c - see disk.h.
 *
 * A file is two contents: what programs see, and what is on the medium; between them a list of
 * changes in order. Names likewise. A sync plays the list into the medium, a cut plays a part.
 */
#include "tests/crash/lib/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct content {
    uint8_t *bytes;
    size_t size, capacity;
};

struct change {
    bool is_truncation; /* to offset; else a write of bytes */
    bool is_forgotten;  /* its sync failed: later ones pass it over */
    uint64_t offset;
    size_t size;
    uint8_t *bytes;
};

struct file {
    struct content seen, medium;
    struct change *changes;
    size_t change_count, change_capacity;
    unsigned opened;
    bool is_temporary;
};

struct name {
    char text[DISK_NAME_MAX];
    int file;
};

struct folder {
    struct name names[DISK_FILES_MAX];
    unsigned count;
};

enum { NAME_CHANGES_MAX = 256 };

struct name_change {
    enum disk_op op;
    char from[DISK_NAME_MAX], to[DISK_NAME_MAX];
    int file;
};

struct disk_image {
    struct folder folder;
    struct content contents[DISK_FILES_MAX];
};

static struct {
    struct file files[DISK_FILES_MAX];
    int file_count;
    struct folder seen, medium;
    struct name_change name_changes[NAME_CHANGES_MAX];
    unsigned name_change_count;

    uint64_t operations, fault_at; /* 0: nothing armed */
    enum disk_fault fault;
    bool counts_reads, has_struck, is_cut, reorders_names;
    const char *ignored_suffix;
    unsigned generation, opened;
} disk;

/* ---- contents ----------------------------------------------------------------------------- */

static void content_resize(struct content *content, size_t size)
{
    if (size > content->capacity) {
        size_t capacity = size + size / 2 + DISK_PAGE;
        uint8_t *bytes = realloc(content->bytes, capacity);

        assert(bytes != NULL);
        content->bytes = bytes;
        content->capacity = capacity;
    }
    if (size > content->size) {
        memset(content->bytes + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void content_put(struct content *content, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > content->size) {
        content_resize(content, offset + size);
    }
    if (size > 0) {
        memcpy(content->bytes + offset, bytes, size);
    }
}

static void content_copy(struct content *to, const struct content *from)
{
    content_resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->bytes, from->bytes, from->size);
    }
}

static void apply(struct content *content, const struct change *change)
{
    if (change->is_truncation) {
        content_resize(content, change->offset);
    } else {
        content_put(content, change->offset, change->bytes, change->size);
    }
}

/* ---- names -------------------------------------------------------------------------------- */

static struct name *folder_find(struct folder *folder, const char *text)
{
    for (unsigned i = 0; i < folder->count; i++) {
        if (strcmp(folder->names[i].text, text) == 0) {
            return &folder->names[i];
        }
    }
    return NULL;
}

static void folder_remove(struct folder *folder, const char *text)
{
    struct name *name = folder_find(folder, text);

    if (name != NULL) {
        *name = folder->names[--folder->count];
    }
}

static void folder_put(struct folder *folder, const char *text, int file)
{
    folder_remove(folder, text);
    assert(folder->count < DISK_FILES_MAX);
    (void)snprintf(folder->names[folder->count].text, DISK_NAME_MAX, "%s", text);
    folder->names[folder->count++].file = file;
}

static void apply_name(struct folder *folder, const struct name_change *change)
{
    if (change->op == DISK_OP_CREATE) {
        folder_put(folder, change->from, change->file);
    } else if (change->op == DISK_OP_DELETE) {
        folder_remove(folder, change->from);
    } else {
        folder_remove(folder, change->from);
        folder_put(folder, change->to, change->file);
    }
}

static void change_name(enum disk_op op, const char *from, const char *to, int file)
{
    struct name_change *change = &disk.name_changes[disk.name_change_count];

    assert(disk.name_change_count < NAME_CHANGES_MAX && strlen(from) < DISK_NAME_MAX &&
           strlen(to) < DISK_NAME_MAX);
    *change = (struct name_change){.op = op, .file = file};
    (void)snprintf(change->from, DISK_NAME_MAX, "%s", from);
    (void)snprintf(change->to, DISK_NAME_MAX, "%s", to);
    apply_name(&disk.seen, change);
    disk.name_change_count++;
}

/* ---- faults ------------------------------------------------------------------------------- */

/*
 * Count an operation. 0: do it; -EIO or -ENOSPC: fail instead. With a cut the caller still takes
 * the change into the list, for the operation under way may survive, and answers -EIO.
 */
static int count(enum disk_op op, bool takes_space)
{
    bool is_due = false;

    if (disk.is_cut) {
        return -EIO;
    }
    if (op == DISK_OP_READ && !disk.counts_reads) {
        return 0;
    }
    disk.operations++;
    if (disk.fault_at == 0) {
        return 0;
    }
    is_due = disk.operations == disk.fault_at ||
             (disk.operations > disk.fault_at &&
                 (disk.fault == DISK_EIO_ON || disk.fault == DISK_ENOSPC_ON));
    if (!is_due) {
        return 0;
    }
    switch (disk.fault) {
    case DISK_CUT:
        disk.is_cut = true;
        break;
    case DISK_EIO_ONCE:
    case DISK_EIO_ON:
        disk.has_struck = true;
        return -EIO;
    case DISK_ENOSPC_ONCE:
    case DISK_ENOSPC_ON:
        disk.has_struck = disk.has_struck || takes_space;
        return takes_space ? -ENOSPC : 0;
    }
    disk.has_struck = true;
    return 0;
}

void disk_arm(uint64_t at, enum disk_fault fault, bool counts_reads)
{
    disk.operations = 0;
    disk.fault_at = at;
    disk.fault = fault;
    disk.counts_reads = counts_reads;
    disk.has_struck = false;
}

void disk_disarm(void)
{
    disk.fault_at = 0;
}

bool disk_has_struck(void)
{
    return disk.has_struck;
}

uint64_t disk_operations(void)
{
    return disk.operations;
}

void disk_ignore_syncs(const char *suffix)
{
    disk.ignored_suffix = suffix;
}

void disk_reorder_names(bool is_on)
{
    disk.reorders_names = is_on;
}

unsigned disk_generation(void)
{
    return disk.generation;
}

/* ---- files -------------------------------------------------------------------------------- */

static int file_add(void)
{
    assert(disk.file_count < DISK_FILES_MAX);
    return disk.file_count++;
}

static struct change *add_change(struct file *file)
{
    if (file->change_count == file->change_capacity) {
        size_t capacity = 2 * file->change_capacity + 64;
        struct change *changes = realloc(file->changes, capacity * sizeof *changes);

        assert(changes != NULL);
        file->changes = changes;
        file->change_capacity = capacity;
    }
    file->changes[file->change_count] = (struct change){0};
    return &file->changes[file->change_count++];
}

static void forget_changes(struct file *file)
{
    for (size_t i = 0; i < file->change_count; i++) {
        free(file->changes[i].bytes);
    }
    file->change_count = 0;
}

int disk_find(const char *name)
{
    const struct name *found = folder_find(&disk.seen, name);

    return found == NULL ? -ENOENT : found->file;
}

int disk_open(const char *name, bool may_create, bool *ret_created)
{
    int file = disk_find(name);
    int rc = 0;

    *ret_created = false;
    if (disk.is_cut) {
        return -EIO;
    }
    if (file < 0) {
        if (!may_create) {
            return -ENOENT;
        }
        rc = count(DISK_OP_CREATE, true);
        if (rc < 0) {
            return rc;
        }
        file = file_add();
        change_name(DISK_OP_CREATE, name, "", file);
        if (disk.is_cut) {
            return -EIO;
        }
        *ret_created = true;
    }
    disk.files[file].opened++;
    disk.opened++;
    return file;
}

int disk_open_temporary(void)
{
    int file = file_add();

    disk.files[file].is_temporary = true;
    disk.files[file].opened++;
    disk.opened++;
    return file;
}

void disk_close(int file)
{
    assert(disk.files[file].opened > 0);
    disk.files[file].opened--;
    disk.opened--;
}

size_t disk_size(int file)
{
    return disk.files[file].seen.size;
}

uint64_t disk_hash(int file)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < disk.files[file].seen.size; i++) {
        hash = (hash ^ disk.files[file].seen.bytes[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

const char *disk_name_at(unsigned index)
{
    return index < disk.seen.count ? disk.seen.names[index].text : NULL;
}

int64_t disk_read(int file, uint64_t offset, void *bytes, size_t size)
{
    const struct content *seen = &disk.files[file].seen;
    int rc = disk.files[file].is_temporary ? 0 : count(DISK_OP_READ, false);

    if (rc < 0 || disk.is_cut) {
        return -EIO;
    }
    if (offset >= seen->size) {
        return 0;
    }
    if (size > seen->size - offset) {
        size = seen->size - offset;
    }
    memcpy(bytes, seen->bytes + offset, size);
    return (int64_t)size;
}

int disk_write(int file, uint64_t offset, const void *bytes, size_t size)
{
    struct file *f = &disk.files[file];
    struct change *change = NULL;
    int rc = f->is_temporary ? 0 : count(DISK_OP_WRITE, offset + size > f->seen.size);

    if (rc < 0) {
        return rc;
    }
    content_put(&f->seen, offset, bytes, size);
    if (f->is_temporary) {
        return 0;
    }
    change = add_change(f);
    change->offset = offset;
    change->size = size;
    change->bytes = malloc(size + 1);
    assert(change->bytes != NULL);
    memcpy(change->bytes, bytes, size);
    return disk.is_cut ? -EIO : 0;
}

int disk_truncate(int file, uint64_t size)
{
    struct file *f = &disk.files[file];
    int rc = f->is_temporary ? 0 : count(DISK_OP_TRUNCATE, false);

    if (rc < 0) {
        return rc;
    }
    content_resize(&f->seen, size);
    if (!f->is_temporary) {
        struct change *change = add_change(f);

        change->is_truncation = true;
        change->offset = size;
    }
    return disk.is_cut ? -EIO : 0;
}

static bool is_ignored(int file)
{
    size_t length = disk.ignored_suffix == NULL ? 0 : strlen(disk.ignored_suffix);

    for (unsigned i = 0; length > 0 && i < disk.seen.count; i++) {
        const char *text = disk.seen.names[i].text;

        if (disk.seen.names[i].file == file && strlen(text) >= length &&
            strcmp(text + strlen(text) - length, disk.ignored_suffix) == 0) {
            return true;
        }
    }
    return false;
}

int disk_sync(int file)
{
    struct file *f = &disk.files[file];
    int rc = 0;

    if (disk.is_cut) {
        return -EIO;
    }
    rc = f->is_temporary ? 0 : count(DISK_OP_SYNC, true);
    if (rc < 0) {
        for (size_t i = 0; i < f->change_count; i++) {
            f->changes[i].is_forgotten = true;
        }
        return rc;
    }
    if (disk.is_cut) {
        return -EIO;
    }
    if (is_ignored(file)) {
        return 0;
    }
    for (size_t i = 0; i < f->change_count; i++) {
        if (!f->changes[i].is_forgotten) {
            apply(&f->medium, &f->changes[i]);
        }
    }
    /* What was forgotten may still reach the medium in a cut only if nothing newer lies on it; to
     * drop it here is the harsher choice: a later sync has not made it durable. */
    forget_changes(f);
    return 0;
}

int disk_sync_folder(void)
{
    int rc = count(DISK_OP_SYNC_FOLDER, false);

    if (rc < 0 || disk.is_cut) {
        return -EIO;
    }
    for (unsigned i = 0; i < disk.name_change_count; i++) {
        apply_name(&disk.medium, &disk.name_changes[i]);
    }
    disk.name_change_count = 0;
    return 0;
}

int disk_delete(const char *name)
{
    int rc = disk.is_cut ? -EIO : disk_find(name);

    if (rc >= 0) {
        rc = count(DISK_OP_DELETE, false);
    }
    if (rc < 0) {
        return rc;
    }
    change_name(DISK_OP_DELETE, name, "", -1);
    return disk.is_cut ? -EIO : 0;
}

int disk_rename(const char *from, const char *to)
{
    int file = disk_find(from);
    int rc = disk.is_cut ? -EIO : file;

    if (rc >= 0) {
        rc = count(DISK_OP_RENAME, false);
    }
    if (rc < 0) {
        return rc;
    }
    change_name(DISK_OP_RENAME, from, to, file);
    return disk.is_cut ? -EIO : 0;
}

void disk_scribble(int file, uint64_t offset, const void *bytes, size_t size)
{
    content_put(&disk.files[file].seen, offset, bytes, size);
    content_put(&disk.files[file].medium, offset, bytes, size);
}

void disk_freeze(bool is_on)
{
    disk.is_cut = is_on;
    disk.generation += is_on ? 0 : 1;
}

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
            content_put(medium, at, change->bytes + done, part);
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
        content_put(medium, change->offset, change->bytes, (size_t)(end - change->offset));
    }
}

static void settle_file(struct file *file, enum disk_survival survival, uint64_t *state)
{
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        bool is_last = i + 1 == file->change_count;

        if (survival == DISK_KEEP_ALL) {
            apply(&file->medium, change);
        } else if (survival == DISK_KEEP_TORN && is_last && !change->is_truncation) {
            apply_torn(&file->medium, change, state);
        } else if (survival != DISK_KEEP_NONE && !change->is_truncation) {
            apply_pages(&file->medium, change, state);
        } else if (survival != DISK_KEEP_NONE && is_heads(state)) {
            apply(&file->medium, change);
        }
    }
    forget_changes(file);
    content_copy(&file->seen, &file->medium);
}

static void settle_names(enum disk_survival survival, uint64_t *state)
{
    unsigned kept = survival == DISK_KEEP_ALL ? disk.name_change_count : 0;

    if (survival != DISK_KEEP_NONE && survival != DISK_KEEP_ALL) {
        kept = (unsigned)(lot(state) >> 33) % (disk.name_change_count + 1);
    }
    for (unsigned i = 0; i < disk.name_change_count; i++) {
        bool stays = disk.reorders_names && survival != DISK_KEEP_ALL && survival != DISK_KEEP_NONE
                         ? is_heads(state)
                         : i < kept;

        if (stays) {
            apply_name(&disk.medium, &disk.name_changes[i]);
        }
    }
    disk.name_change_count = 0;
    disk.seen = disk.medium;
}

/* A file that no name leads to is gone. */
static void drop_nameless(void)
{
    for (int i = 0; i < disk.file_count; i++) {
        bool has_name = false;

        for (unsigned n = 0; n < disk.seen.count; n++) {
            has_name = has_name || disk.seen.names[n].file == i;
        }
        if (!has_name) {
            disk.files[i].seen.size = 0;
            disk.files[i].medium.size = 0;
        }
    }
}

void disk_power_on(enum disk_survival survival, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;

    assert(disk.opened == 0);
    for (int i = 0; i < disk.file_count; i++) {
        settle_file(&disk.files[i], survival, &state);
    }
    settle_names(survival, &state);
    drop_nameless();
    disk.is_cut = false;
    disk.fault_at = 0;
    disk.operations = 0;
    disk.generation++;
}

/* ---- images ------------------------------------------------------------------------------- */

void disk_format(void)
{
    assert(disk.opened == 0);
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        struct file *file = &disk.files[i];

        forget_changes(file);
        file->seen.size = 0;
        file->medium.size = 0;
        file->is_temporary = false;
    }
    disk.file_count = 0;
    disk.seen.count = 0;
    disk.medium.count = 0;
    disk.name_change_count = 0;
    disk.is_cut = false;
    disk.has_struck = false;
    disk.fault_at = 0;
    disk.operations = 0;
    disk.generation++;
}

struct disk_image *disk_save(void)
{
    struct disk_image *image = calloc(1, sizeof *image);

    assert(image != NULL && disk.name_change_count == 0);
    for (unsigned i = 0; i < disk.seen.count; i++) {
        const struct file *file = &disk.files[disk.seen.names[i].file];

        assert(file->change_count == 0);
        image->folder.names[i] = disk.seen.names[i];
        image->folder.names[i].file = (int)i;
        content_copy(&image->contents[i], &file->medium);
    }
    image->folder.count = disk.seen.count;
    return image;
}

void disk_load(const struct disk_image *image)
{
    disk_format();
    for (unsigned i = 0; i < image->folder.count; i++) {
        content_copy(&disk.files[i].medium, &image->contents[i]);
        content_copy(&disk.files[i].seen, &image->contents[i]);
    }
    disk.file_count = (int)image->folder.count;
    disk.seen = image->folder;
    disk.medium = image->folder;
}

void disk_image_free(struct disk_image *image)
{
    for (int i = 0; image != NULL && i < DISK_FILES_MAX; i++) {
        free(image->contents[i].bytes);
    }
    free(image);
}
