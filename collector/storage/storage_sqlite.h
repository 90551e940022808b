/*
 * storage_sqlite.h - the store of storage.h in one SQLite file.
 *
 * Files: PATH, PATH-wal, PATH-shm (SQLite's own) and PATH.lock. WAL with synchronous=FULL: commit()
 * waits for the disk. Every transaction and every checkpoint happens under an exclusive flock() of
 * PATH.lock, because SQLite before 3.51.3 can damage a file when one process writes the WAL while
 * another resets it. Never copy or open the file with another tool while a program holds it.
 *
 * A disk with less than STORAGE_SQLITE_RESERVE bytes free counts as full before SQLite notices: a
 * shared-memory page that cannot be given a block would end the process with SIGBUS.
 */
#ifndef ECM_COLLECTOR_STORAGE_STORAGE_SQLITE_H
#define ECM_COLLECTOR_STORAGE_STORAGE_SQLITE_H

struct err;
struct storage;

#define STORAGE_SQLITE_RESERVE (8u << 20)

enum {
    STORAGE_SQLITE_MUST_EXIST = 1 << 0, /* -ENOENT instead of making a new store */
};

/*
 * Open the store at path, making it when absent. ":memory:" is a store that dies with its handle.
 *
 * On failure *ret_storage is left as it was and err says which file and why: -ENOENT, -EACCES,
 * -EBUSY, ECM_EFULL, ECM_ECORRUPT (not a store, or a damaged one), ECM_EFORMAT (a store of another
 * version of this program), -EIO, -ENOMEM.
 */
int storage_sqlite_open(
    struct storage **ret_storage, const char *path, unsigned flags, struct err *err);

#endif
