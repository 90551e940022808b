/*
 * vfs_shim.h - SQLite on the disk of disk.h: a VFS for names below DISK_ROOT.
 *
 * It promises what SQLite's own unix VFS promises and no more: a write does not damage the bytes
 * beside it (powersafe overwrite), sectors of 4096 bytes, and the first sync of a new journal or
 * WAL syncs the folder too. Shared memory (-shm) lies on the heap: SQLite rebuilds it after a loss
 * of power and never reads what a former boot left there. Locks are of one process.
 */
#ifndef ECM_TESTS_CRASH_LIB_VFS_SHIM_H
#define ECM_TESTS_CRASH_LIB_VFS_SHIM_H

/* Make it SQLite's default. Names outside DISK_ROOT cannot be opened any more. */
void vfs_shim_install(void);

#endif
