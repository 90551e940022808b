/* table_file.c - see table_file.h. */
#include "tools/ecm-sim/table_file.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

enum { PATH_SIZE = 4096 };

FILE *table_file_create(const char *folder, const char *name, const char *header, struct err *err)
{
    char path[PATH_SIZE];
    FILE *file = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "we");
    if (file == NULL) {
        (void)err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
        return NULL;
    }
    (void)fprintf(file, "%s\n", header);
    return file;
}

int table_file_finish(FILE *file, struct err *err)
{
    int failed = ferror(file);

    if (fclose(file) != 0 || failed) {
        return err_set(err, -EIO, "cannot write the files: %s", strerror(errno));
    }
    return 0;
}
