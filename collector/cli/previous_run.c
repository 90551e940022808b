/* previous_run.c - see previous_run.h. */
#include "collector/cli/previous_run.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/storage.h"

struct found {
    char *lines, *period_id;
};

static int copy(void *user, const struct storage_run *run)
{
    struct found *found = user;

    found->lines = strdup(run->lines);
    found->period_id = strdup(run->period_id);
    return found->lines == NULL || found->period_id == NULL ? -ENOMEM : 0;
}

static int from_store(
    struct storage *storage, const char *run_id, struct found *found, struct err *err)
{
    int rc = storage->ops->run_get(storage, run_id, copy, found);

    return rc < 0 ? err_set(err, rc, "run %s: %s", run_id,
                        rc == -ENOENT ? "there is no such run in the store" : err_name(rc))
                  : 0;
}

/* The whole of folder/name, ended by a zero byte. */
static int read_file(const char *folder, const char *name, char **ret_text, struct err *err)
{
    char *path = NULL;
    FILE *file = NULL;
    char *text = NULL;
    size_t size = 0;
    int rc = 0;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    file = fopen(path, "rbe");
    if (file == NULL) {
        rc = err_set(err, -errno, "%s: %s: without --store, --previous is the folder of a run",
            path, strerrordesc_np(errno));
    } else {
        ssize_t got = getdelim(&text, &size, '\0', file);

        rc = got < 0 ? err_set(err, ECM_EFORMAT, "%s: empty", path) : 0;
        (void)fclose(file); /* opened for reading: nothing can be lost */
    }
    free(path);
    if (rc < 0) {
        free(text);
        return rc;
    }
    *ret_text = text;
    return 0;
}

static int from_folder(const char *folder, struct found *found, struct err *err)
{
    char *manifest = NULL;
    json_t *root = NULL;
    const char *period_id = NULL;
    int rc = read_file(folder, "lines.csv", &found->lines, err);

    if (rc == 0) {
        rc = read_file(folder, "manifest.json", &manifest, err);
    }
    if (rc < 0) {
        return rc;
    }
    root = json_loads(manifest, 0, NULL);
    period_id = json_string_value(json_object_get(root, "period_id"));
    if (period_id == NULL) {
        rc = err_set(err, ECM_EFORMAT, "%s/manifest.json: not the manifest of a run", folder);
    } else {
        found->period_id = strdup(period_id);
        rc = found->period_id == NULL ? err_set(err, -ENOMEM, "out of memory") : 0;
    }
    json_decref(root);
    free(manifest);
    return rc;
}

int previous_run_get(struct storage *storage, const char *previous, const char *period_id,
    char **ret_lines, struct err *err)
{
    struct found found = {0};
    int rc = storage != NULL ? from_store(storage, previous, &found, err)
                             : from_folder(previous, &found, err);

    if (rc == 0 && strcmp(found.period_id, period_id) != 0) {
        rc = err_set(err, -EINVAL,
            "--previous: run %s is of period %s; only a run of period %s can be adjusted", previous,
            found.period_id, period_id);
    }
    if (rc == 0) {
        *ret_lines = found.lines;
        found.lines = NULL;
    }
    free(found.lines);
    free(found.period_id);
    return rc;
}
