/*
 * show.c - see show.h.
 */
#include "collector/show.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/medium.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"

enum { TIME_SIZE = 32 };

/* "2026-11-26T22:05:46Z". */
static const char *time_text(int64_t ms, char text[static TIME_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts = {0};

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(text, TIME_SIZE, "?");
    }
    return text;
}

static int check_out(FILE *out, int rc, struct err *err)
{
    if (rc == 0 && (ferror(out) || fflush(out) != 0)) {
        return err_set(err, -EIO, "cannot write the output");
    }
    return rc;
}

/* ---- cases and buttons -------------------------------------------------------------------- */

static const char *state_of(const struct storage_input *input)
{
    if (input->kind == STORAGE_INPUT_CASE) {
        return input->is_active ? "opened" : "closed";
    }
    return input->is_active ? "pressed" : "let-go";
}

static int print_input(void *user, const struct storage_input_row *row)
{
    FILE *out = user;
    char at[TIME_SIZE] = "unknown";
    char received[TIME_SIZE] = "";
    char uncertainty[16] = "";

    if (row->has_time) {
        (void)time_text(row->at_ms, at);
    }
    if (row->has_time && row->at_uncertainty_ms != UINT32_MAX) {
        (void)snprintf(uncertainty, sizeof uncertainty, "%" PRIu32, row->at_uncertainty_ms);
    }
    (void)fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%016" PRIx64 "\t%" PRIu64 "\n", at, uncertainty,
        row->device_id, row->input.kind == STORAGE_INPUT_CASE ? "case" : "button",
        state_of(&row->input), time_text(row->recv_ms, received), row->is_told ? "yes" : "no",
        row->epoch, row->input.seq);
    return 0;
}

int show_inputs(const char *store_path, FILE *out, struct err *err)
{
    struct storage *storage = NULL;
    int rc = storage_sqlite_open(&storage, store_path, STORAGE_SQLITE_MUST_EXIST, err);

    if (rc < 0) {
        return rc;
    }
    (void)fprintf(out, "at\tuncertainty_ms\tdevice\twhat\tstate\treceived\ttold\tepoch\tseq\n");
    rc = storage->ops->inputs(storage, false, print_input, out);
    if (rc < 0) {
        (void)err_set(err, rc, "store '%s': %s", store_path, err_name(rc));
    }
    storage_close(storage);
    return check_out(out, rc, err);
}

/* ---- quarantine --------------------------------------------------------------------------- */

struct taking {
    const char *folder;
    FILE *index;
    int64_t last_id;
    uint64_t count;
    struct err *err;
};

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);

        if (done < 0) {
            return -errno;
        }
        bytes += done;
        size -= (size_t)done;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

static int take_message(
    void *user, int64_t quarantine_id, const struct storage_quarantined *message)
{
    struct taking *taking = user;
    char path[PATH_MAX];
    char received[TIME_SIZE];
    int fd = -1;
    int rc = 0;

    (void)snprintf(path, sizeof path, "%s/%08" PRId64 ".bin", taking->folder, quarantine_id);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        return err_set(taking->err, -errno, "%s: %s", path, strerror(errno));
    }
    rc = write_all(fd, message->bytes, message->size);
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    if (rc < 0) {
        return err_set(taking->err, rc, "%s: %s", path, strerror(-rc));
    }
    (void)fprintf(taking->index, "%08" PRId64 ".bin\t%s\t%zu\t%s\t%s\n", quarantine_id,
        time_text(message->recv_ms, received), message->size, message->topic, message->reason);
    taking->last_id = quarantine_id;
    taking->count++;
    return 0;
}

/* The index, with a header when it is new. */
static int open_index(struct taking *taking, char path[static PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/index.tsv", taking->folder);
    taking->index = fopen(path, "ae");
    if (taking->index == NULL) {
        return err_set(taking->err, -errno, "%s: %s", path, strerror(errno));
    }
    if (ftell(taking->index) == 0) {
        (void)fprintf(taking->index, "file\treceived\tbytes\ttopic\treason\n");
    }
    return 0;
}

static int close_index(struct taking *taking, const char *path, int rc)
{
    bool is_written =
        !ferror(taking->index) && fflush(taking->index) == 0 && fsync(fileno(taking->index)) == 0;

    if (fclose(taking->index) != 0 || !is_written) {
        return rc < 0 ? rc : err_set(taking->err, -EIO, "%s: cannot write it", path);
    }
    return rc < 0 ? rc : medium_sync_folder(path);
}

int show_take_quarantine(const char *store_path, const char *folder, FILE *out, struct err *err)
{
    struct storage *storage = NULL;
    struct taking taking = {.folder = folder, .err = err};
    char path[PATH_MAX];
    int rc = storage_sqlite_open(&storage, store_path, STORAGE_SQLITE_MUST_EXIST, err);

    if (rc < 0) {
        return rc;
    }
    rc = open_index(&taking, path);
    if (rc == 0) {
        rc = storage->ops->quarantined(storage, take_message, &taking);
        rc = close_index(&taking, path, rc);
    }
    if (rc == 0 && taking.count > 0) {
        rc = storage->ops->quarantine_release(storage, taking.last_id);
    }
    storage_close(storage);
    if (rc < 0) {
        return err->text[0] != '\0' ? rc
                                    : err_set(err, rc, "store '%s': %s", store_path, err_name(rc));
    }
    (void)fprintf(out, "%" PRIu64 " messages taken to %s\n", taking.count, folder);
    return check_out(out, rc, err);
}
