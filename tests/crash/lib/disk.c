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

#include "tests/crash/lib/disk_internal.h"

struct disk the_disk;

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

void disk_content_put(struct content *content, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > content->size) {
        content_resize(content, offset + size);
    }
    if (size > 0) {
        memcpy(content->bytes + offset, bytes, size);
    }
}

void disk_content_copy(struct content *to, const struct content *from)
{
    content_resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->bytes, from->bytes, from->size);
    }
}

void disk_apply(struct content *content, const struct change *change)
{
    if (change->is_truncation) {
        content_resize(content, change->offset);
    } else {
        disk_content_put(content, change->offset, change->bytes, change->size);
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

void disk_apply_name(struct folder *folder, const struct name_change *change)
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
    struct name_change *change = &the_disk.name_changes[the_disk.name_change_count];

    assert(the_disk.name_change_count < NAME_CHANGES_MAX && strlen(from) < DISK_NAME_MAX &&
           strlen(to) < DISK_NAME_MAX);
    *change = (struct name_change){.op = op, .file = file};
    (void)snprintf(change->from, DISK_NAME_MAX, "%s", from);
    (void)snprintf(change->to, DISK_NAME_MAX, "%s", to);
    disk_apply_name(&the_disk.seen, change);
    the_disk.name_change_count++;
}

/* ---- faults ------------------------------------------------------------------------------- */

/*
 * Count an operation. 0: do it; -EIO or -ENOSPC: fail instead. With a cut the caller still takes
 * the change into the list, for the operation under way may survive, and answers -EIO.
 */
static int count(enum disk_op op, bool takes_space)
{
    bool is_due = false;

    if (the_disk.is_cut) {
        return -EIO;
    }
    if (op == DISK_OP_READ && !the_disk.counts_reads) {
        return 0;
    }
    the_disk.operations++;
    if (the_disk.fault_at == 0) {
        return 0;
    }
    is_due = the_disk.operations == the_disk.fault_at ||
             (the_disk.operations > the_disk.fault_at &&
                 (the_disk.fault == DISK_EIO_ON || the_disk.fault == DISK_ENOSPC_ON));
    if (!is_due) {
        return 0;
    }
    switch (the_disk.fault) {
    case DISK_CUT:
        the_disk.is_cut = true;
        break;
    case DISK_EIO_ONCE:
    case DISK_EIO_ON:
        the_disk.has_struck = true;
        return -EIO;
    case DISK_ENOSPC_ONCE:
    case DISK_ENOSPC_ON:
        the_disk.has_struck = the_disk.has_struck || takes_space;
        return takes_space ? -ENOSPC : 0;
    }
    the_disk.has_struck = true;
    return 0;
}

void disk_arm(uint64_t at, enum disk_fault fault, bool counts_reads)
{
    the_disk.operations = 0;
    the_disk.fault_at = at;
    the_disk.fault = fault;
    the_disk.counts_reads = counts_reads;
    the_disk.has_struck = false;
}

void disk_disarm(void)
{
    the_disk.fault_at = 0;
}

bool disk_has_struck(void)
{
    return the_disk.has_struck;
}

uint64_t disk_operations(void)
{
    return the_disk.operations;
}

void disk_ignore_syncs(const char *suffix)
{
    the_disk.ignored_suffix = suffix;
}

void disk_reorder_names(bool is_on)
{
    the_disk.reorders_names = is_on;
}

unsigned disk_generation(void)
{
    return the_disk.generation;
}

/* ---- files -------------------------------------------------------------------------------- */

static int file_add(void)
{
    assert(the_disk.file_count < DISK_FILES_MAX);
    return the_disk.file_count++;
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

void disk_forget_changes(struct file *file)
{
    for (size_t i = 0; i < file->change_count; i++) {
        free(file->changes[i].bytes);
    }
    file->change_count = 0;
}

int disk_find(const char *name)
{
    const struct name *found = folder_find(&the_disk.seen, name);

    return found == NULL ? -ENOENT : found->file;
}

int disk_open(const char *name, bool may_create, bool *ret_created)
{
    int file = disk_find(name);
    int rc = 0;

    *ret_created = false;
    if (the_disk.is_cut) {
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
        if (the_disk.is_cut) {
            return -EIO;
        }
        *ret_created = true;
    }
    the_disk.files[file].opened++;
    the_disk.opened++;
    return file;
}

int disk_open_temporary(void)
{
    int file = file_add();

    the_disk.files[file].is_temporary = true;
    the_disk.files[file].opened++;
    the_disk.opened++;
    return file;
}

void disk_close(int file)
{
    assert(the_disk.files[file].opened > 0);
    the_disk.files[file].opened--;
    the_disk.opened--;
}

size_t disk_size(int file)
{
    return the_disk.files[file].seen.size;
}

uint64_t disk_hash(int file)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < the_disk.files[file].seen.size; i++) {
        hash = (hash ^ the_disk.files[file].seen.bytes[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

const char *disk_name_at(unsigned index)
{
    return index < the_disk.seen.count ? the_disk.seen.names[index].text : NULL;
}

int64_t disk_read(int file, uint64_t offset, void *bytes, size_t size)
{
    const struct content *seen = &the_disk.files[file].seen;
    int rc = the_disk.files[file].is_temporary ? 0 : count(DISK_OP_READ, false);

    if (rc < 0 || the_disk.is_cut) {
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
    struct file *f = &the_disk.files[file];
    struct change *change = NULL;
    int rc = f->is_temporary ? 0 : count(DISK_OP_WRITE, offset + size > f->seen.size);

    if (rc < 0) {
        return rc;
    }
    disk_content_put(&f->seen, offset, bytes, size);
    if (f->is_temporary) {
        return 0;
    }
    change = add_change(f);
    change->offset = offset;
    change->size = size;
    change->bytes = malloc(size + 1);
    assert(change->bytes != NULL);
    memcpy(change->bytes, bytes, size);
    return the_disk.is_cut ? -EIO : 0;
}

int disk_truncate(int file, uint64_t size)
{
    struct file *f = &the_disk.files[file];
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
    return the_disk.is_cut ? -EIO : 0;
}

static bool is_ignored(int file)
{
    size_t length = the_disk.ignored_suffix == NULL ? 0 : strlen(the_disk.ignored_suffix);

    for (unsigned i = 0; length > 0 && i < the_disk.seen.count; i++) {
        const char *text = the_disk.seen.names[i].text;

        if (the_disk.seen.names[i].file == file && strlen(text) >= length &&
            strcmp(text + strlen(text) - length, the_disk.ignored_suffix) == 0) {
            return true;
        }
    }
    return false;
}

int disk_sync(int file)
{
    struct file *f = &the_disk.files[file];
    int rc = 0;

    if (the_disk.is_cut) {
        return -EIO;
    }
    rc = f->is_temporary ? 0 : count(DISK_OP_SYNC, true);
    if (rc < 0) {
        for (size_t i = 0; i < f->change_count; i++) {
            f->changes[i].is_forgotten = true;
        }
        return rc;
    }
    if (the_disk.is_cut) {
        return -EIO;
    }
    if (is_ignored(file)) {
        return 0;
    }
    for (size_t i = 0; i < f->change_count; i++) {
        if (!f->changes[i].is_forgotten) {
            disk_apply(&f->medium, &f->changes[i]);
        }
    }
    /* What was forgotten may still reach the medium in a cut only if nothing newer lies on it; to
     * drop it here is the harsher choice: a later sync has not made it durable. */
    disk_forget_changes(f);
    return 0;
}

int disk_sync_folder(void)
{
    int rc = count(DISK_OP_SYNC_FOLDER, false);

    if (rc < 0 || the_disk.is_cut) {
        return -EIO;
    }
    for (unsigned i = 0; i < the_disk.name_change_count; i++) {
        disk_apply_name(&the_disk.medium, &the_disk.name_changes[i]);
    }
    the_disk.name_change_count = 0;
    return 0;
}

int disk_delete(const char *name)
{
    int rc = the_disk.is_cut ? -EIO : disk_find(name);

    if (rc >= 0) {
        rc = count(DISK_OP_DELETE, false);
    }
    if (rc < 0) {
        return rc;
    }
    change_name(DISK_OP_DELETE, name, "", -1);
    return the_disk.is_cut ? -EIO : 0;
}

int disk_rename(const char *from, const char *to)
{
    int file = disk_find(from);
    int rc = the_disk.is_cut ? -EIO : file;

    if (rc >= 0) {
        rc = count(DISK_OP_RENAME, false);
    }
    if (rc < 0) {
        return rc;
    }
    change_name(DISK_OP_RENAME, from, to, file);
    return the_disk.is_cut ? -EIO : 0;
}

void disk_scribble(int file, uint64_t offset, const void *bytes, size_t size)
{
    disk_content_put(&the_disk.files[file].seen, offset, bytes, size);
    disk_content_put(&the_disk.files[file].medium, offset, bytes, size);
}

void disk_freeze(bool is_on)
{
    the_disk.is_cut = is_on;
    the_disk.generation += is_on ? 0 : 1;
}
