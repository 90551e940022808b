/* import.c - see import.h. */
#include "collector/import/import.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/err.h"
#include "collector/import/columns.h"
#include "collector/import/references.h"
#include "collector/import/tables.h"

enum { PROGRESS_EVERY_ROWS = 20000, NOTICE_SIZE = 512, COUNT_START = 64 };

struct import {
    struct dataset *dataset;
    const struct import_watch *watch;
    struct err *err;
    uint64_t bytes_before; /* of the files already read */
    uint64_t bytes_total;
    struct import_file files[TABLE_COUNT];
};

/* One file in hand. */
struct reading {
    struct import *import;
    enum table_index index;
    const struct table *table;
    struct csv *csv;
    int order[TABLE_COLUMNS_MAX]; /* by column of the table: its field in this file */
    size_t columns;               /* of the table */
};

static int find_table(const char *name)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(tables[i].file, name) == 0) {
            return i;
        }
    }
    return -1;
}

static int refuse(const struct reading *reading, const char *column, const char *reason)
{
    unsigned long long line = csv_line(reading->csv);

    return column == NULL ? err_set(reading->import->err, ECM_EFORMAT, "%s:%llu: %s",
                                reading->table->file, line, reason)
                          : err_set(reading->import->err, ECM_EFORMAT, "%s:%llu: %s: %s",
                                reading->table->file, line, column, reason);
}

static int explain_csv(const struct reading *reading, int rc)
{
    if (rc == ECM_EFORMAT) {
        return refuse(reading, NULL, csv_problem(reading->csv));
    }
    return err_set(reading->import->err, rc, "%s: %s", reading->table->file,
        rc == -ENOMEM ? "out of memory" : strerrordesc_np(-rc));
}

static size_t column_count(const struct table *table)
{
    size_t count = 0;

    while (count < TABLE_COLUMNS_MAX && table->columns[count].name != NULL) {
        count++;
    }
    return count;
}

static int place_column(struct reading *reading, const struct csv_field *field, int position)
{
    for (size_t i = 0; i < reading->columns; i++) {
        if (strcmp(reading->table->columns[i].name, field->text) == 0) {
            if (reading->order[i] >= 0) {
                return refuse(reading, field->text, "this column is there twice");
            }
            reading->order[i] = position;
            return 0;
        }
    }
    return refuse(reading, field->text, "unknown column");
}

static int read_header(struct reading *reading)
{
    struct csv_field *fields = NULL;
    size_t count = 0;
    int rc = csv_next(reading->csv, &fields, &count);

    if (rc < 0) {
        return explain_csv(reading, rc);
    }
    if (rc == 0) {
        return err_set(reading->import->err, ECM_EFORMAT, "%s:1: there is no header row",
            reading->table->file);
    }
    reading->columns = column_count(reading->table);
    for (size_t i = 0; i < reading->columns; i++) {
        reading->order[i] = -1;
    }
    rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = place_column(reading, &fields[i], (int)i);
    }
    for (size_t i = 0; rc == 0 && i < reading->columns; i++) {
        if (reading->order[i] < 0) {
            rc = refuse(reading, reading->table->columns[i].name, "this column is missing");
        }
    }
    return rc;
}

/* Remember on which line the row about to be added lies. Events are many and need it not. */
static int note_line(struct reading *reading)
{
    struct import_file *file = &reading->import->files[reading->index];

    if (reading->index == TABLE_EVENTS) {
        return 0;
    }
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? COUNT_START : file->capacity * 2;
        uint32_t *lines = realloc(file->lines, capacity * sizeof *lines);

        if (lines == NULL) {
            return -ENOMEM;
        }
        file->lines = lines;
        file->capacity = capacity;
    }
    file->lines[file->count++] = (uint32_t)csv_line(reading->csv);
    return 0;
}

static int read_row(struct reading *reading, const struct csv_field *fields, size_t count)
{
    union table_row row;
    struct table_fault fault = {0};
    int rc = 0;

    if (count != reading->columns) {
        return refuse(
            reading, NULL, count < reading->columns ? "too few fields" : "too many fields");
    }
    (void)memset(&row, 0, sizeof row);
    for (size_t i = 0; rc == 0 && i < reading->columns; i++) {
        const struct column *column = &reading->table->columns[i];
        const char *reason = NULL;

        rc = column_read(
            column, &fields[reading->order[i]], reading->import->dataset, &row, &reason);
        if (rc == ECM_EFORMAT) {
            return refuse(reading, column->name, reason);
        }
    }
    if (rc == 0 && reading->table->check != NULL && !reading->table->check(&row, &fault)) {
        return refuse(reading, fault.column, fault.reason);
    }
    if (rc == 0) {
        rc = note_line(reading);
    }
    if (rc == 0) {
        rc = reading->table->add(reading->import->dataset, &row);
    }
    return rc == 0 ? 0 : explain_csv(reading, rc);
}

static void tell_progress(const struct reading *reading)
{
    const struct import *import = reading->import;

    if (import->watch != NULL && import->watch->progress != NULL) {
        import->watch->progress(import->watch->user,
            import->bytes_before + csv_bytes_done(reading->csv), import->bytes_total);
    }
}

/* Header and rows of the file that reading->csv has open. */
static int read_rows(struct reading *reading)
{
    struct csv_field *fields = NULL;
    size_t count = 0;
    uint64_t rows = 0;
    int rc = read_header(reading);

    if (rc < 0) {
        return rc;
    }
    reading->import->files[reading->index].is_read = true;
    for (;;) {
        rc = csv_next(reading->csv, &fields, &count);
        if (rc <= 0) {
            break;
        }
        rc = read_row(reading, fields, count);
        if (rc < 0) {
            return rc;
        }
        if (++rows % PROGRESS_EVERY_ROWS == 0) {
            tell_progress(reading);
        }
    }
    tell_progress(reading);
    reading->import->bytes_before += csv_bytes_done(reading->csv);
    return rc < 0 ? explain_csv(reading, rc) : 0;
}

static int read_file(struct import *import, const char *path, enum table_index index)
{
    struct reading reading = {.import = import, .index = index, .table = &tables[index]};
    int rc = csv_open(&reading.csv, path, import->err);

    if (rc == 0) {
        rc = read_rows(&reading);
    }
    csv_close(reading.csv);
    return rc;
}

static int join(char path[static PATH_MAX], const char *folder, const char *name)
{
    int size = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    return size < 0 || size >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void tell_passed_over(const struct import *import, const char *folder, const char *name)
{
    char text[NOTICE_SIZE];

    if (import->watch != NULL && import->watch->notice != NULL) {
        (void)snprintf(text, sizeof text, "%s/%s: not a file I know, passed over", folder, name);
        import->watch->notice(import->watch->user, text);
    }
}

/* Note what a folder holds: the sizes of our files, and a notice for every other file. */
static int survey(struct import *import, const char *folder, bool ret_found[TABLE_COUNT])
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);

    if (count < 0) {
        return err_set(import->err, -errno, "%s: %s", folder, strerrordesc_np(errno));
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        int index = find_table(name);
        char path[PATH_MAX];
        struct stat status;

        if (join(path, folder, name) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
            if (index >= 0) {
                ret_found[index] = true;
                import->bytes_total += (uint64_t)status.st_size;
            } else if (name[0] != '.') {
                tell_passed_over(import, folder, name);
            }
        }
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static int check_complete(
    const struct import *import, const char *folder, const bool found[TABLE_COUNT])
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (!found[i] && !tables[i].is_optional) {
            return err_set(import->err, -ENOENT, "%s: %s is missing", folder, tables[i].file);
        }
    }
    return 0;
}

static int read_folder(struct import *import, const char *folder, bool must_be_complete)
{
    bool found[TABLE_COUNT] = {false};
    bool any = false;
    int rc = survey(import, folder, found);

    if (rc == 0 && must_be_complete) {
        rc = check_complete(import, folder, found);
    }
    for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
        char path[PATH_MAX];

        if (!found[i]) {
            continue;
        }
        any = true;
        rc = join(path, folder, tables[i].file);
        rc = rc < 0 ? err_set(import->err, rc, "%s: the path is too long", folder)
                    : read_file(import, path, (enum table_index)i);
    }
    if (rc == 0 && !any) {
        rc = err_set(import->err, -ENOENT, "%s: none of the files I know is here", folder);
    }
    return rc;
}

static int read_single(struct import *import, const char *path, uint64_t size)
{
    const char *slash = strrchr(path, '/');
    int index = find_table(slash == NULL ? path : slash + 1);

    if (index < 0) {
        return err_set(import->err, ECM_EFORMAT, "%s: not the name of a file I know", path);
    }
    import->bytes_total = size;
    return read_file(import, path, (enum table_index)index);
}

static void import_done(struct import *import)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        free(import->files[i].lines);
    }
}

int import_path(const char *path, bool must_be_complete, const struct import_watch *watch,
    struct dataset *dataset, struct err *err)
{
    struct import import = {.dataset = dataset, .watch = watch, .err = err};
    struct stat status;
    int rc = 0;

    if (stat(path, &status) != 0) {
        return err_set(err, -errno, "%s: %s", path, strerrordesc_np(errno));
    }
    rc = S_ISDIR(status.st_mode) ? read_folder(&import, path, must_be_complete)
                                 : read_single(&import, path, (uint64_t)status.st_size);
    if (rc == 0) {
        rc = references_check(dataset, import.files, err);
    }
    import_done(&import);
    return rc;
}

int import_bytes(
    const char *name, const char *bytes, size_t size, struct dataset *dataset, struct err *err)
{
    struct import import = {.dataset = dataset, .err = err};
    struct reading reading = {.import = &import};
    int index = find_table(name);
    int rc = 0;

    if (index < 0) {
        return err_set(err, ECM_EFORMAT, "%s: not the name of a file I know", name);
    }
    reading.index = (enum table_index)index;
    reading.table = &tables[index];
    rc = csv_open_memory(&reading.csv, bytes, size);
    rc = rc < 0 ? err_set(err, rc, "%s: out of memory", name) : read_rows(&reading);
    csv_close(reading.csv);
    import_done(&import);
    return rc;
}
