/*
 * disk.h - a disk with a volatile cache, in memory, whose power can be cut at any operation.
 *
 * Every write and truncation since the last sync of its file is unsynced, every creation, deletion
 * and renaming since the last sync of the folder likewise. A cut keeps what is synced and, by a
 * seeded choice, some of the rest (enum disk_survival). What it does not model: a medium that lies
 * about its flush, and a write that damages bytes beside the ones it was given.
 *
 * A sync that failed loses its writes as Linux does: they stay readable, and no later sync makes
 * them durable (their pages were marked clean).
 *
 * There is one disk, with one folder (DISK_ROOT); vfs_shim.h puts SQLite on it, libc_shim.c the
 * calls that our own code makes beside SQLite. Counted operations are those of enum disk_op.
 *
 * Threads: none. Errors: 0 or -errno; after a cut everything is -EIO until disk_power_on().
 */
#ifndef ECM_TESTS_CRASH_LIB_DISK_H
#define ECM_TESTS_CRASH_LIB_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_ROOT "/simulated-disk/"

enum {
    DISK_NAME_MAX = 96,
    DISK_FILES_MAX = 64, /* ever created between two disk_power_on() */
    DISK_PAGE = 4096,
    DISK_SECTOR = 512,
};

enum disk_op {
    DISK_OP_WRITE,
    DISK_OP_TRUNCATE,
    DISK_OP_SYNC,
    DISK_OP_SYNC_FOLDER,
    DISK_OP_CREATE,
    DISK_OP_DELETE,
    DISK_OP_RENAME,
    DISK_OP_READ, /* counted only when asked for */
};

enum disk_fault {
    DISK_CUT,
    DISK_EIO_ONCE,
    DISK_EIO_ON, /* from then on, until disk_disarm() */
    DISK_ENOSPC_ONCE,
    DISK_ENOSPC_ON, /* what grows a file or makes one; the rest goes on working */
};

/* What a cut leaves of the unsynced writes. Names survive as a prefix of what was done to them, as
 * in a journalling file system. */
enum disk_survival {
    DISK_KEEP_NONE,
    DISK_KEEP_ALL,
    DISK_KEEP_SOME, /* each page of each write by lot; so newer ones may be there, older ones not */
    DISK_KEEP_TORN, /* some, and the last write ends at a sector by lot */
    DISK_SURVIVALS,
};

struct disk_image;

/* An empty disk, nothing armed. */
void disk_format(void);

/* A copy of what is on the disk; nothing may be unsynced. NULL is allowed in disk_image_free(). */
struct disk_image *disk_save(void);
void disk_load(const struct disk_image *image); /* disarms, counts from 0 */
void disk_image_free(struct disk_image *image);

/* Do fault at the at-th operation from now (1 is the next). */
void disk_arm(uint64_t at, enum disk_fault fault, bool counts_reads);
void disk_disarm(void);
bool disk_has_struck(void);     /* the fault happened */
uint64_t disk_operations(void); /* since disk_arm(), disk_load() or disk_format() */

/* Syncs of files whose name ends with suffix say yes and do nothing. NULL: none. */
void disk_ignore_syncs(const char *suffix);

/* Names do not survive as a prefix but each by lot. */
void disk_reorder_names(bool is_on);

/* On: whoever uses the disk is dead, nothing it still does reaches it; the cache lives on. Off: the
 * next one may come. */
void disk_freeze(bool is_on);

/* The power is gone (if it is not yet) and back: nothing is unsynced any more, nothing is armed.
 * Every file must be closed. */
void disk_power_on(enum disk_survival survival, uint64_t seed);

/* ---- files: numbers from 0, negative codes ------------------------------------------------- */

/* Open; makes the file when absent and may_create. -ENOENT, -EIO, -ENOSPC. */
int disk_open(const char *name, bool may_create, bool *ret_created);
int disk_open_temporary(void); /* has no name, is not counted, never fails */
void disk_close(int file);

/* The file of that name without opening it, or -ENOENT. Never counted. */
int disk_find(const char *name);
size_t disk_size(int file);
uint64_t disk_hash(int file);             /* of its bytes */
const char *disk_name_at(unsigned index); /* NULL: no more */

/* Bytes read, or -EIO. */
int64_t disk_read(int file, uint64_t offset, void *bytes, size_t size);
int disk_write(int file, uint64_t offset, const void *bytes, size_t size);
int disk_truncate(int file, uint64_t size);
int disk_sync(int file);
int disk_sync_folder(void);
int disk_delete(const char *name);
int disk_rename(const char *from, const char *to);

/* Change what lies on the medium, unseen: damage for tests. */
void disk_scribble(int file, uint64_t offset, const void *bytes, size_t size);

/* A number for each power-on: locks and shared memory of an older one are gone. */
unsigned disk_generation(void);

#endif
