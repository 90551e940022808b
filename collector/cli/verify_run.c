/* verify_run.c - see verify.h. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "collector/cli/verify.h"
#include "collector/storage/storage.h"

enum { PIECE_SIZE = 65536 };

static int hash_file(const char *folder, const char *name, char ret_hex[static HASH_HEX_SIZE])
{
    struct hash *hash = hash_new();
    char *path = NULL;
    char *piece = malloc(PIECE_SIZE);
    FILE *file = NULL;
    size_t got = 0;
    int rc = 0;

    if (hash == NULL || piece == NULL || asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        rc = -ENOMEM;
    } else {
        file = fopen(path, "rbe");
        rc = file == NULL ? -errno : 0;
    }
    while (rc == 0 && (got = fread(piece, 1, PIECE_SIZE, file)) > 0) {
        hash_add(hash, piece, got);
    }
    if (file != NULL) {
        rc = rc == 0 && ferror(file) != 0 ? -EIO : rc;
        (void)fclose(file); /* opened for reading: nothing can be lost */
    }
    if (rc == 0) {
        hash_finish(hash, ret_hex);
    }
    free(path);
    free(piece);
    hash_free(hash);
    return rc;
}

static void hash_text(struct hash *hash, const char *text, char ret_hex[static HASH_HEX_SIZE])
{
    hash_add(hash, text, strlen(text));
    hash_finish(hash, ret_hex);
}

struct verifying {
    const char *folder;
    FILE *out;
    struct hash *hash;
    int faults;
};

static void complain(struct verifying *verifying, const char *name, const char *what)
{
    (void)fprintf(verifying->out, "%s/%s: %s\n", verifying->folder, name, what);
    verifying->faults++;
}

/* A name in a manifest must not lead out of its folder. */
static void check_file(struct verifying *verifying, const char *name, const char *expected)
{
    char hex[HASH_HEX_SIZE];

    if (strchr(name, '/') != NULL || expected == NULL) {
        complain(verifying, "manifest.json", "names no file of the run");
    } else if (hash_file(verifying->folder, name, hex) < 0) {
        complain(verifying, name, "cannot be read");
    } else if (strcmp(hex, expected) != 0) {
        complain(verifying, name, "is not the file that the run wrote");
    }
}

static size_t check_files(struct verifying *verifying, json_t *files)
{
    const char *name = NULL;
    json_t *hash = NULL;
    size_t count = 0;

    json_object_foreach(files, name, hash)
    {
        check_file(verifying, name, json_string_value(hash));
        count++;
    }
    return count;
}

struct kept {
    struct verifying *verifying;
    bool is_found;
};

/* Against the store: the same manifest and the same lines. */
static int check_kept(void *user, const struct storage_run *run)
{
    struct kept *kept = user;
    char expected[HASH_HEX_SIZE];
    char hex[HASH_HEX_SIZE];

    kept->is_found = true;
    hash_text(kept->verifying->hash, run->manifest, expected);
    if (hash_file(kept->verifying->folder, "manifest.json", hex) < 0 ||
        strcmp(hex, expected) != 0) {
        complain(kept->verifying, "manifest.json", "is not the one that the store kept");
    }
    hash_text(kept->verifying->hash, run->lines, expected);
    if (hash_file(kept->verifying->folder, "lines.csv", hex) < 0 || strcmp(hex, expected) != 0) {
        complain(kept->verifying, "lines.csv", "is not what the store kept");
    }
    return 0;
}

static int check_manifest(
    struct verifying *verifying, const json_t *manifest, struct storage *storage)
{
    const char *identity = json_string_value(json_object_get(manifest, "identity"));
    const char *run_id = json_string_value(json_object_get(manifest, "run_id"));
    struct kept kept = {.verifying = verifying};
    char hex[HASH_HEX_SIZE];
    size_t count = 0;
    int rc = 0;

    if (identity == NULL || run_id == NULL) {
        complain(verifying, "manifest.json", "has no identity or no run_id");
        return 0;
    }
    hash_text(verifying->hash, identity, hex);
    if (strcmp(hex, run_id) != 0) {
        complain(verifying, "manifest.json", "the run's id is not that of its identity");
    }
    count = check_files(verifying, json_object_get(manifest, "outputs")) +
            check_files(verifying, json_object_get(manifest, "files"));
    if (storage != NULL) {
        rc = storage->ops->run_get(storage, run_id, check_kept, &kept);
        if (rc == -ENOENT) {
            complain(verifying, "manifest.json", "the store has no such run");
            rc = 0;
        }
    }
    (void)fprintf(
        verifying->out, "run %s: files: %zu, faults: %d\n", run_id, count, verifying->faults);
    return rc;
}

int verify_run(const char *folder, struct storage *storage, FILE *out, struct err *err)
{
    struct verifying verifying = {.folder = folder, .out = out, .hash = hash_new()};
    json_error_t error;
    json_t *manifest = NULL;
    char *path = NULL;
    int rc = 0;

    if (verifying.hash == NULL || asprintf(&path, "%s/manifest.json", folder) < 0) {
        hash_free(verifying.hash);
        return err_set(err, -ENOMEM, "out of memory");
    }
    manifest = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (manifest == NULL) {
        rc = err_set(err, ECM_EFORMAT, "%s: %s", path, error.text);
    } else {
        rc = check_manifest(&verifying, manifest, storage);
    }
    json_decref(manifest);
    free(path);
    hash_free(verifying.hash);
    return rc < 0 ? rc : verifying.faults;
}
