/*
 * disk_internal.h - the inside of the disk, shared by disk.c (files, faults) and disk_power.c (the
 * cut, images).
 */
#ifndef ECM_TESTS_CRASH_LIB_DISK_INTERNAL_H
#define ECM_TESTS_CRASH_LIB_DISK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/lib/disk.h"

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

struct disk {
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
};

extern struct disk the_disk;

/* disk.c */
void disk_content_put(struct content *content, uint64_t offset, const uint8_t *bytes, size_t size);
void disk_content_copy(struct content *to, const struct content *from);
void disk_apply(struct content *content, const struct change *change);
void disk_apply_name(struct folder *folder, const struct name_change *change);
void disk_forget_changes(struct file *file);

#endif
