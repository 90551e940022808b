/*
 * medium.h - from what the kernel shows to what a loss of power leaves.
 *
 * Threads: any. Blocking: both wait for the disk.
 */
#ifndef ECM_BASE_MEDIUM_H
#define ECM_BASE_MEDIUM_H

/* Make the names in the folder that holds path durable. 0 or -errno. */
int medium_sync_folder(const char *path);

/*
 * Write the bytes of the file at path over themselves and sync it. 0, also when there is no such
 * file, or -errno. Nobody else may be writing to it.
 *
 * After an fsync that failed, Linux keeps what was written in memory as if it were on the disk, and
 * no later fsync writes it. A program that takes over a journal which another one left, and builds
 * on it, does this first: else what it adds may stand behind a hole.
 */
int medium_write_again(const char *path);

#endif
