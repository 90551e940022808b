/* import.c - see import.h. */
#include "collector/import/import.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "collector/import/pipeline.h"
#include "collector/import/references.h"

enum { NOTICE_SIZE = 512, COUNT_START = 64, ANNOUNCED_ROWS = 8, BYTES_A_TEXT = 60 };

struct import {
    struct dataset *dataset;
    const struct import_watch *watch;
    struct err *err;
    uint64_t bytes_done;
    uint64_t bytes_total;
    struct import_file files[TABLE_COUNT];
};

/* One file in hand. */
struct reading {
    struct import *import;
    enum table_index index;
    const struct table *table;
    struct rows_format format;
    uint64_t lines_before; /* in the pieces already taken */
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

static int refuse(
    const struct reading *reading, uint64_t line, const char *column, const char *reason)
{
    unsigned long long number = reading->lines_before + line;

    return column == NULL ? err_set(reading->import->err, ECM_EFORMAT, "%s:%llu: %s",
                                reading->table->file, number, reason)
                          : err_set(reading->import->err, ECM_EFORMAT, "%s:%llu: %s: %s",
                                reading->table->file, number, column, reason);
}

static int explain(const struct reading *reading, int rc)
{
    return err_set(reading->import->err, rc, "%s: %s", reading->table->file,
        rc == -ENOMEM ? "out of memory" : strerrordesc_np(-rc));
}

static int explain_fault(const struct reading *reading, const struct rows_fault *fault)
{
    return fault->reason != NULL ? refuse(reading, fault->line, fault->column, fault->reason)
                                 : explain(reading, fault->rc);
}

/* Remember on which line the row about to be added lies. Events are many and need it not. */
static int note_line(struct reading *reading, uint64_t line)
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
    file->lines[file->count++] = (uint32_t)(reading->lines_before + line);
    return 0;
}

static void announce(const struct reading *reading, const union cell *cells)
{
    for (size_t i = 0; i < reading->format.columns; i++) {
        if (column_is_text(&reading->table->columns[i])) {
            dataset_announce(reading->import->dataset, cells[i].piece.hash);
        }
    }
}

static int fill_row(const struct reading *reading, const union cell *cells, union table_row *row)
{
    int rc = 0;

    (void)memset(row, 0, sizeof *row);
    for (size_t i = 0; rc == 0 && i < reading->format.columns; i++) {
        const struct column *column = &reading->table->columns[i];
        text_id id = 0;

        if (column_is_text(column)) {
            rc = dataset_intern_piece(reading->import->dataset, &cells[i].piece, &id);
            column_put_text(column, id, row);
        } else {
            column_put_number(column, cells[i].number, row);
        }
    }
    return rc;
}

static int take_row(struct reading *reading, const union cell *cells, uint64_t line)
{
    union table_row row;
    struct table_fault fault = {0};
    int rc = fill_row(reading, cells, &row);

    if (rc == 0 && reading->table->check != NULL && !reading->table->check(&row, &fault)) {
        return refuse(reading, line, fault.column, fault.reason);
    }
    if (rc == 0) {
        rc = note_line(reading, line);
    }
    if (rc == 0) {
        rc = reading->table->add(reading->import->dataset, &row);
    }
    return rc == 0 ? 0 : explain(reading, rc);
}

static void tell_progress(const struct import *import)
{
    if (import->watch != NULL && import->watch->progress != NULL) {
        import->watch->progress(import->watch->user, import->bytes_done, import->bytes_total);
    }
}

/* A piece of the file, in the order of the file. */
static int take_rows(void *user, const struct rows *rows)
{
    struct reading *reading = user;
    size_t columns = reading->format.columns;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < rows->count; i++) {
        if (i + ANNOUNCED_ROWS < rows->count) {
            announce(reading, &rows->cells[(i + ANNOUNCED_ROWS) * columns]);
        }
        rc = take_row(reading, &rows->cells[i * columns], rows->lines[i]);
    }
    if (rc == 0 && rows->fault.rc < 0) {
        rc = explain_fault(reading, &rows->fault);
    }
    reading->lines_before += csv_lines_done(rows->csv);
    reading->import->bytes_done += rows->piece.size;
    tell_progress(reading->import);
    return rc;
}

/* The first piece: the header, and often all there is. */
static int read_first(struct reading *reading, struct csv_pieces *pieces, struct rows *rows)
{
    int rc = csv_pieces_next(pieces, rows->bytes, &rows->piece);

    if (rc < 0) {
        return explain(reading, rc);
    }
    if (!rows_read_header(rows, reading->table, &reading->format)) {
        return explain_fault(reading, &rows->fault);
    }
    reading->import->files[reading->index].is_read = true;
    rows_read(rows, &reading->format);
    return take_rows(reading, rows);
}

static int read_pieces(struct reading *reading, struct csv_pieces *pieces)
{
    struct rows first = {0};
    int rc = rows_init(&first);

    rc = rc < 0 ? explain(reading, rc) : read_first(reading, pieces, &first);
    rows_done(&first);
    if (rc == 0 && !csv_pieces_is_at_end(pieces)) {
        rc = pipeline_run(pieces, &reading->format, take_rows, reading);
        rc = rc < 0 && rc != ECM_EFORMAT ? explain(reading, rc) : rc;
    }
    return rc;
}

static int read_file(struct import *import, const char *path, enum table_index index)
{
    struct reading reading = {.import = import, .index = index, .table = &tables[index]};
    struct csv_pieces *pieces = NULL;
    int rc = csv_pieces_open(&pieces, path, import->err);

    if (rc == 0) {
        rc = read_pieces(&reading, pieces);
    }
    csv_pieces_close(pieces);
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
    if (rc == 0 && dataset_expect(import->dataset, import->bytes_total / BYTES_A_TEXT) < 0) {
        rc = err_set(import->err, -ENOMEM, "out of memory");
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
    struct csv_pieces *pieces = NULL;
    int index = find_table(name);
    int rc = 0;

    if (index < 0) {
        return err_set(err, ECM_EFORMAT, "%s: not the name of a file I know", name);
    }
    reading.index = (enum table_index)index;
    reading.table = &tables[index];
    rc = csv_pieces_open_memory(&pieces, bytes, size);
    rc = rc < 0 ? err_set(err, rc, "%s: out of memory", name) : read_pieces(&reading, pieces);
    csv_pieces_close(pieces);
    import_done(&import);
    return rc;
}
