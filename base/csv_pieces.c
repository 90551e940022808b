/* csv_pieces.c - see csv_pieces.h. */
#include "base/csv_pieces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct csv_pieces {
    int fd; /* -1: cuts memory */
    const char *memory;
    size_t memory_left;
    bool is_at_end; /* of the source */
    bool has_started;
    size_t rest_size;
    char rest[CSV_PIECE_SIZE]; /* what was read behind the last piece */
};

int csv_pieces_open_memory(struct csv_pieces **ret_pieces, const char *bytes, size_t size)
{
    struct csv_pieces *pieces = malloc(sizeof *pieces);

    if (pieces == NULL) {
        return -ENOMEM;
    }
    pieces->fd = -1;
    pieces->memory = bytes;
    pieces->memory_left = size;
    pieces->is_at_end = false;
    pieces->has_started = false;
    pieces->rest_size = 0;
    *ret_pieces = pieces;
    return 0;
}

int csv_pieces_open(struct csv_pieces **ret_pieces, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0) {
        return err_set(err, -errno, "%s: %s", path, strerrordesc_np(errno));
    }
    rc = csv_pieces_open_memory(ret_pieces, NULL, 0);
    if (rc < 0) {
        (void)close(fd); /* opened for reading: nothing can be lost */
        return err_set(err, rc, "%s: out of memory", path);
    }
    (*ret_pieces)->fd = fd;
    return 0;
}

void csv_pieces_close(struct csv_pieces *pieces)
{
    if (pieces != NULL && pieces->fd >= 0) {
        (void)close(pieces->fd); /* opened for reading: nothing can be lost */
    }
    free(pieces);
}

/* Like read(2), from either source. */
static ssize_t read_source(struct csv_pieces *pieces, char *into, size_t size)
{
    ssize_t got = 0;

    if (pieces->fd < 0) {
        size = size < pieces->memory_left ? size : pieces->memory_left;
        if (size > 0) {
            (void)memcpy(into, pieces->memory, size);
            pieces->memory += size;
            pieces->memory_left -= size;
        }
        return (ssize_t)size;
    }
    do {
        got = read(pieces->fd, into, size);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Where the last whole row of these bytes ends, 0 for nowhere. They begin with a row. */
static size_t find_end(const char *bytes, size_t size)
{
    const char *feed = NULL;
    bool is_quoted = false;
    size_t end = 0;

    if (memchr(bytes, '"', size) == NULL) {
        feed = memrchr(bytes, '\n', size);
        return feed == NULL ? 0 : (size_t)(feed - bytes) + 1;
    }
    for (size_t i = 0; i < size; i++) {
        is_quoted ^= bytes[i] == '"';
        if (bytes[i] == '\n' && !is_quoted) {
            end = i + 1;
        }
    }
    return end;
}

int csv_pieces_next(struct csv_pieces *pieces, char *buffer, struct csv_piece *ret_piece)
{
    struct csv_piece piece = {.bytes = buffer,
        .size = pieces->rest_size,
        .flags = pieces->has_started ? 0 : CSV_PIECE_FIRST};
    size_t end = 0;

    (void)memcpy(buffer, pieces->rest, pieces->rest_size);
    while (!pieces->is_at_end && piece.size < CSV_PIECE_SIZE) {
        ssize_t got = read_source(pieces, buffer + piece.size, CSV_PIECE_SIZE - piece.size);

        if (got < 0) {
            return (int)got;
        }
        pieces->is_at_end = got == 0;
        piece.size += (size_t)got;
    }
    pieces->has_started = true;
    pieces->rest_size = 0;
    if (!pieces->is_at_end) {
        end = find_end(buffer, piece.size);
        if (end == 0) {
            piece.flags |= CSV_PIECE_CUT;
            end = piece.size;
        }
        pieces->rest_size = piece.size - end;
        (void)memcpy(pieces->rest, buffer + end, pieces->rest_size);
        piece.size = end;
    }
    *ret_piece = piece;
    return piece.size > 0 ? 1 : 0;
}

bool csv_pieces_is_at_end(const struct csv_pieces *pieces)
{
    return pieces->is_at_end && pieces->rest_size == 0;
}
