/*
 * fault_vfs.h - a SQLite file system that fails call N, over the real one.
 *
 * Counts the calls that change the medium: write, truncate, sync, and opening or deleting a file.
 * Installed as the default VFS of the process, so the code under test does not know of it.
 */
#ifndef ECM_TESTS_FAULT_VFS_H
#define ECM_TESTS_FAULT_VFS_H

#include <stdbool.h>

enum fault_vfs_kind {
    FAULT_VFS_IO_ERROR,
    FAULT_VFS_DISK_FULL,
    FAULT_VFS_KILL, /* SIGKILL to this process, before the call */
};

/* Register it. Nothing fails yet. */
void fault_vfs_install(void);

/* Fail call at (from 1; 0: none), and all after it when forever. Restarts the count. */
void fault_vfs_set(unsigned at, bool forever, enum fault_vfs_kind kind);

/* Calls counted since fault_vfs_set(). */
unsigned fault_vfs_calls(void);

#endif
