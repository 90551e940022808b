/*
 * fault_vfs.c - each file carries the real file behind its own methods.
 */
#include "tests/unit/gateway/fault_vfs.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include <sqlite3.h>

struct fault_file {
    sqlite3_file base; /* first */
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static unsigned fail_at;
static bool fail_forever;
static enum fault_vfs_kind fail_kind;
static unsigned calls;

static bool fails(void)
{
    bool is_due = false;

    calls++;
    is_due = fail_at != 0 && (fail_forever ? calls >= fail_at : calls == fail_at);
    if (is_due && fail_kind == FAULT_VFS_KILL) {
        (void)raise(SIGKILL);
    }
    return is_due;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

static int f_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int f_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    return real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

static int f_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    if (fails()) {
        return fail_kind == FAULT_VFS_DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails() ? SQLITE_IOERR_TRUNCATE : real(file)->pMethods->xTruncate(real(file), size);
}

static int f_sync(sqlite3_file *file, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : real(file)->pMethods->xSync(real(file), flags);
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int f_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int f_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int f_check_reserved(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int f_control(sqlite3_file *file, int op, void *argument)
{
    return real(file)->pMethods->xFileControl(real(file), op, argument);
}

static int f_sector_size(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int f_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_check_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector_size,
    .xDeviceCharacteristics = f_characteristics,
};

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct fault_file *me = (struct fault_file *)file;
    int rc = SQLITE_OK;

    (void)vfs;
    me->base.pMethods = NULL;
    me->real = (sqlite3_file *)(me + 1);
    if (fails()) {
        return SQLITE_CANTOPEN;
    }
    rc = real_vfs->xOpen(real_vfs, name, me->real, flags, out_flags);
    if (me->real->pMethods != NULL) {
        me->base.pMethods = &methods;
    }
    return rc;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    return fails() ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, name, sync_folder);
}

void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    real_vfs = sqlite3_vfs_find(NULL);
    assert(real_vfs != NULL);
    vfs = *real_vfs;
    vfs.iVersion = 2;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    assert(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}

void fault_vfs_set(unsigned at, bool forever, enum fault_vfs_kind kind)
{
    fail_at = at;
    fail_forever = forever;
    fail_kind = kind;
    calls = 0;
}

unsigned fault_vfs_calls(void)
{
    return calls;
}
