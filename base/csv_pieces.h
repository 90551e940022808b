/*
 * csv_pieces.h - cut a CSV file into pieces that hold whole rows, so that several threads can read
 * one file (csv_open_pieces()).
 *
 * Cutting only counts quotes and looks for line feeds, so it runs at the speed of memory. A file
 * that is no sound CSV is cut somewhere; whoever reads the pieces in order finds the first fault
 * where a reader of the whole file finds it.
 *
 * Ownership: whoever opens closes; the pieces lie in the caller's memory.
 * Threads:   one caller at a time. Blocking: csv_pieces_next() waits for the disk.
 */
#ifndef ECM_BASE_CSV_PIECES_H
#define ECM_BASE_CSV_PIECES_H

#include <stdbool.h>

#include "base/csv.h"

/* More than a row may have, and little enough to stay in a core's cache. */
enum { CSV_PIECE_SIZE = 256 * 1024 };

struct err;
struct csv_pieces;

/* -errno with the reason in err; -ENOMEM. */
int csv_pieces_open(struct csv_pieces **ret_pieces, const char *path, struct err *err);

/* Cut size bytes of memory instead, which stay the caller's and are not changed. -ENOMEM. */
int csv_pieces_open_memory(struct csv_pieces **ret_pieces, const char *bytes, size_t size);

/* NULL is allowed. */
void csv_pieces_close(struct csv_pieces *pieces);

/*
 * The next piece, copied to buffer, which has room for CSV_PIECE_SIZE + 1 bytes. 1 when there is
 * one, 0 at the end, -errno when the file cannot be read.
 */
int csv_pieces_next(struct csv_pieces *pieces, char *buffer, struct csv_piece *ret_piece);

/* Whether the piece handed out last was the last. */
bool csv_pieces_is_at_end(const struct csv_pieces *pieces);

#endif
