/* outfile.c - see outfile.h. */
#include "collector/cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum { FILE_MODE = 0666 }; /* less the umask */

static int write_all(void *user, const char *bytes, size_t size)
{
    struct outfile *outfile = user;

    hash_add(outfile->hash, bytes, size);
    while (size > 0) {
        ssize_t written = write(outfile->fd, bytes, size);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -errno;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static void release(struct outfile *outfile)
{
    if (outfile->path != NULL && outfile->fd >= 0) {
        (void)close(outfile->fd); /* only after an error, which is already reported */
    }
    hash_free(outfile->hash);
    text_done(&outfile->text);
    free(outfile->path);
    free(outfile->part_path);
    *outfile = (struct outfile){.fd = -1};
}

int outfile_start(struct outfile *outfile, const char *folder, const char *name, struct err *err)
{
    int rc = 0;

    *outfile = (struct outfile){.fd = -1, .hash = hash_new()};
    if (outfile->hash == NULL || asprintf(&outfile->path, "%s/%s", folder, name) < 0 ||
        asprintf(&outfile->part_path, "%s/%s.part", folder, name) < 0) {
        release(outfile);
        return err_set(err, -ENOMEM, "out of memory");
    }
    outfile->fd = open(outfile->part_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (outfile->fd < 0) {
        rc = err_set(err, -errno, "%s: %s", outfile->part_path, strerrordesc_np(errno));
        release(outfile);
        return rc;
    }
    outfile->text = (struct text){.drain = write_all, .user = outfile};
    return 0;
}

void outfile_drop(struct outfile *outfile)
{
    if (outfile->part_path != NULL) {
        (void)unlink(outfile->part_path); /* half a file helps nobody */
    }
    release(outfile);
}

int outfile_close(struct outfile *outfile, char ret_hex[static HASH_HEX_SIZE], struct err *err)
{
    int rc = text_drain(&outfile->text);

    hash_finish(outfile->hash, ret_hex);
    if (close(outfile->fd) != 0 && rc == 0) {
        rc = -errno;
    }
    outfile->fd = -1;
    text_done(&outfile->text);
    if (rc < 0) {
        (void)err_set(err, rc, "%s: %s", outfile->path, strerrordesc_np(-rc));
        outfile_drop(outfile);
    }
    return rc;
}

int outfile_publish(struct outfile *outfile, struct err *err)
{
    if (rename(outfile->part_path, outfile->path) != 0) {
        int rc = err_set(err, -errno, "%s: %s", outfile->path, strerrordesc_np(errno));

        outfile_drop(outfile);
        return rc;
    }
    release(outfile);
    return 0;
}

int outfile_finish(struct outfile *outfile, char ret_hex[static HASH_HEX_SIZE], struct err *err)
{
    int rc = outfile_close(outfile, ret_hex, err);

    return rc < 0 ? rc : outfile_publish(outfile, err);
}
