/*
 * vfs_shim.c - see vfs_shim.h.
 */
#include "tests/crash/lib/vfs_shim.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/crash/lib/disk.h"

enum {
    SECTOR_SIZE = 4096,
    SHM_REGIONS_MAX = 64,
    PATH_SIZE = DISK_NAME_MAX,
};

struct shim_file;

/* What connections to one file share: locks, and the WAL index. One per file of the disk. */
struct node {
    unsigned generation;
    int shared; /* how many hold SHARED or more */
    const struct shim_file *reserved, *exclusive;
    unsigned shm_users;
    void *regions[SHM_REGIONS_MAX];
    int shm_shared[SQLITE_SHM_NLOCK];
    const struct shim_file *shm_exclusive[SQLITE_SHM_NLOCK];
};

static struct node nodes[DISK_FILES_MAX];

struct shim_file {
    sqlite3_file base;
    int file;
    unsigned generation;
    int lock; /* SQLITE_LOCK_* */
    bool has_shm;
    unsigned shm_shared_mask;
    bool syncs_folder; /* a new journal or WAL, not yet synced */
    char delete_on_close[PATH_SIZE];
};

static int last_errno;

static struct shim_file *file_of(sqlite3_file *base)
{
    return (struct shim_file *)base;
}

static struct node *node_of(const struct shim_file *f)
{
    struct node *node = &nodes[f->file];

    if (node->generation != f->generation) {
        for (int i = 0; i < SHM_REGIONS_MAX; i++) {
            free(node->regions[i]);
        }
        *node = (struct node){.generation = f->generation};
    }
    return node;
}

/* SQLite's code for ours: full is told apart, as the unix VFS does for writes only. */
static int code(int rc, int sqlite_rc)
{
    if (rc < 0) {
        last_errno = -rc;
        return rc == -ENOSPC && sqlite_rc == SQLITE_IOERR_WRITE ? SQLITE_FULL : sqlite_rc;
    }
    return SQLITE_OK;
}

/* ---- content ------------------------------------------------------------------------------ */

static int shim_read(sqlite3_file *base, void *bytes, int size, sqlite3_int64 offset)
{
    int64_t got = disk_read(file_of(base)->file, (uint64_t)offset, bytes, (size_t)size);

    if (got < 0) {
        return code((int)got, SQLITE_IOERR_READ);
    }
    if (got < size) {
        memset((char *)bytes + got, 0, (size_t)(size - got));
        return SQLITE_IOERR_SHORT_READ;
    }
    return SQLITE_OK;
}

static int shim_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 offset)
{
    return code(
        disk_write(file_of(base)->file, (uint64_t)offset, bytes, (size_t)size), SQLITE_IOERR_WRITE);
}

static int shim_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    return code(disk_truncate(file_of(base)->file, (uint64_t)size), SQLITE_IOERR_TRUNCATE);
}

static int shim_sync(sqlite3_file *base, int flags)
{
    struct shim_file *f = file_of(base);
    int rc = disk_sync(f->file);

    (void)flags;
    if (rc < 0) {
        return code(rc, SQLITE_IOERR_FSYNC);
    }
    if (f->syncs_folder) {
        f->syncs_folder = false;
        /* The unix VFS, too, does not look at the result of this one. */
        (void)disk_sync_folder();
    }
    return SQLITE_OK;
}

static int shim_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)disk_size(file_of(base)->file);
    return SQLITE_OK;
}

/* ---- locks -------------------------------------------------------------------------------- */

static int shim_lock(sqlite3_file *base, int level)
{
    struct shim_file *f = file_of(base);
    struct node *node = node_of(f);

    if (level <= f->lock) {
        return SQLITE_OK;
    }
    if (node->exclusive != NULL && node->exclusive != f) {
        return SQLITE_BUSY;
    }
    if (f->lock == SQLITE_LOCK_NONE) {
        node->shared++;
        f->lock = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        if (node->reserved != NULL && node->reserved != f) {
            return SQLITE_BUSY;
        }
        node->reserved = f;
        f->lock = SQLITE_LOCK_RESERVED;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        node->exclusive = f; /* pending: nobody new comes in */
        f->lock = SQLITE_LOCK_PENDING;
        if (node->shared > 1) {
            return SQLITE_BUSY;
        }
        f->lock = SQLITE_LOCK_EXCLUSIVE;
    }
    return SQLITE_OK;
}

static int shim_unlock(sqlite3_file *base, int level)
{
    struct shim_file *f = file_of(base);
    struct node *node = node_of(f);

    if (level >= f->lock) {
        return SQLITE_OK;
    }
    node->exclusive = node->exclusive == f ? NULL : node->exclusive;
    node->reserved = node->reserved == f ? NULL : node->reserved;
    if (level == SQLITE_LOCK_NONE) {
        node->shared--;
    }
    f->lock = level;
    return SQLITE_OK;
}

static int shim_check_reserved(sqlite3_file *base, int *ret_is_reserved)
{
    *ret_is_reserved = node_of(file_of(base))->reserved != NULL;
    return SQLITE_OK;
}

/* ---- shared memory ------------------------------------------------------------------------ */

static int shim_shm_map(
    sqlite3_file *base, int region, int size, int may_extend, void volatile **ret_memory)
{
    struct shim_file *f = file_of(base);
    struct node *node = node_of(f);

    assert(region < SHM_REGIONS_MAX);
    if (!f->has_shm) {
        f->has_shm = true;
        node->shm_users++;
    }
    if (node->regions[region] == NULL && may_extend != 0) {
        node->regions[region] = calloc(1, (size_t)size);
    }
    *ret_memory = node->regions[region];
    return node->regions[region] == NULL && may_extend != 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static void shm_release(struct shim_file *f, struct node *node, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        if (node->shm_exclusive[i] == f) {
            node->shm_exclusive[i] = NULL;
        }
        if ((f->shm_shared_mask & 1u << i) != 0) {
            f->shm_shared_mask &= ~(1u << i);
            node->shm_shared[i]--;
        }
    }
}

static int shim_shm_lock(sqlite3_file *base, int from, int n, int flags)
{
    struct shim_file *f = file_of(base);
    struct node *node = node_of(f);

    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        shm_release(f, node, from, n);
        return SQLITE_OK;
    }
    for (int i = from; i < from + n; i++) {
        bool is_mine = (f->shm_shared_mask & 1u << i) != 0;

        if ((node->shm_exclusive[i] != NULL && node->shm_exclusive[i] != f) ||
            ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && node->shm_shared[i] > (is_mine ? 1 : 0))) {
            return SQLITE_BUSY;
        }
    }
    for (int i = from; i < from + n; i++) {
        if ((flags & SQLITE_SHM_EXCLUSIVE) != 0) {
            node->shm_exclusive[i] = f;
        } else if ((f->shm_shared_mask & 1u << i) == 0) {
            f->shm_shared_mask |= 1u << i;
            node->shm_shared[i]++;
        }
    }
    return SQLITE_OK;
}

static void shim_shm_barrier(sqlite3_file *base)
{
    (void)base; /* one thread */
}

static int shim_shm_unmap(sqlite3_file *base, int delete_flag)
{
    struct shim_file *f = file_of(base);
    struct node *node = node_of(f);

    (void)delete_flag;
    if (!f->has_shm) {
        return SQLITE_OK;
    }
    shm_release(f, node, 0, SQLITE_SHM_NLOCK);
    f->has_shm = false;
    node->shm_users--;
    for (int i = 0; node->shm_users == 0 && i < SHM_REGIONS_MAX; i++) {
        free(node->regions[i]);
        node->regions[i] = NULL;
    }
    return SQLITE_OK;
}

/* ---- files -------------------------------------------------------------------------------- */

static int shim_control(sqlite3_file *base, int op, void *argument)
{
    (void)base;
    if (op == SQLITE_FCNTL_MMAP_SIZE) {
        *(sqlite3_int64 *)argument = 0; /* nothing is ever mapped */
        return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
}

static int shim_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

static int shim_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int shim_close(sqlite3_file *base)
{
    struct shim_file *f = file_of(base);

    (void)shim_shm_unmap(base, 0);
    (void)shim_unlock(base, SQLITE_LOCK_NONE);
    disk_close(f->file);
    if (f->delete_on_close[0] != '\0') {
        (void)disk_delete(f->delete_on_close);
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

/* ---- the VFS ------------------------------------------------------------------------------ */

static bool is_ours(const char *path)
{
    return strncmp(path, DISK_ROOT, sizeof DISK_ROOT - 1) == 0 && strlen(path) < PATH_SIZE;
}

static int shim_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
    const int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    struct shim_file *f = file_of(base);
    bool is_new = false;
    int file = -ENOENT;

    (void)vfs;
    *f = (struct shim_file){.generation = disk_generation()};
    if (path == NULL) {
        file = disk_open_temporary();
    } else if (is_ours(path)) {
        file = disk_open(path, (flags & SQLITE_OPEN_CREATE) != 0, &is_new);
    }
    if (file < 0) {
        return code(file, SQLITE_CANTOPEN);
    }
    f->file = file;
    f->syncs_folder = is_new && (flags & journals) != 0;
    if (path != NULL && (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
        (void)snprintf(f->delete_on_close, sizeof f->delete_on_close, "%s", path);
    }
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    base->pMethods = &shim_methods;
    return SQLITE_OK;
}

static int shim_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder)
{
    int rc = disk_delete(path);

    (void)vfs;
    if (rc == -ENOENT) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    if (rc < 0) {
        return code(rc, SQLITE_IOERR_DELETE);
    }
    return syncs_folder != 0 ? code(disk_sync_folder(), SQLITE_IOERR_DIR_FSYNC) : SQLITE_OK;
}

/* As the unix VFS: an empty file does not exist. */
static int shim_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_is)
{
    int file = disk_find(path);

    (void)vfs;
    *ret_is = file >= 0 && (flags != SQLITE_ACCESS_EXISTS || disk_size(file) > 0);
    return SQLITE_OK;
}

static int shim_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret_path)
{
    (void)vfs;
    return snprintf(ret_path, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* Randomness that is the same each time, so that a failing position can be looked at again. */
static int shim_randomness(sqlite3_vfs *vfs, int size, char *ret_bytes)
{
    static uint64_t state = 1;

    (void)vfs;
    for (int i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ret_bytes[i] = (char)(state >> 56);
    }
    return size;
}

static int shim_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int shim_time(sqlite3_vfs *vfs, double *ret_days)
{
    (void)vfs;
    *ret_days = 2459145.5;
    return SQLITE_OK;
}

static int shim_last_error(sqlite3_vfs *vfs, int size, char *ret_text)
{
    (void)vfs;
    if (size > 0) {
        ret_text[0] = '\0';
    }
    return last_errno;
}

void vfs_shim_install(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct shim_file),
        .mxPathname = PATH_SIZE,
        .zName = "simulated",
        .xOpen = shim_open,
        .xDelete = shim_delete,
        .xAccess = shim_access,
        .xFullPathname = shim_full_path,
        .xRandomness = shim_randomness,
        .xSleep = shim_sleep,
        .xCurrentTime = shim_time,
        .xGetLastError = shim_last_error,
    };

    assert(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
