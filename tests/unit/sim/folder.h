/*
 * folder.h - a folder of its own for a test, and files in it.
 */
#ifndef ECM_TESTS_UNIT_SIM_FOLDER_H
#define ECM_TESTS_UNIT_SIM_FOLDER_H

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct folder {
    char path[64];
};

static inline struct folder folder_make(void)
{
    struct folder folder = {"/tmp/test-sim-XXXXXX"};

    if (mkdtemp(folder.path) == NULL) {
        abort();
    }
    return folder;
}

static inline int folder_remove_one(
    const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void folder_remove(const struct folder *folder)
{
    (void)nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void folder_write(const struct folder *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    file = fopen(path, "w");
    assert(file != NULL);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* The whole file, to be freed. NULL when it is not there. */
static inline char *folder_read(const struct folder *folder, const char *name)
{
    char path[256];
    char *text = NULL;
    size_t size = 0;
    FILE *file = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    (void)fclose(file);
    return text;
}

#endif
