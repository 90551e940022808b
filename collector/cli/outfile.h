/*
 * outfile.h - write one file of a run, hashing it on the way.
 *
 * The file appears under its name only when it is whole: until outfile_finish() it is NAME.part.
 */
#ifndef ECM_COLLECTOR_CLI_OUTFILE_H
#define ECM_COLLECTOR_CLI_OUTFILE_H

#include "base/hash.h"
#include "collector/pay/text.h"

struct err;

struct outfile {
    char *path;      /* final */
    char *part_path; /* while it is being written */
    int fd;
    struct hash *hash;
    struct text text; /* write here */
};

/* Begin folder/name. On failure nothing is left to finish. -errno with the reason. */
int outfile_start(struct outfile *outfile, const char *folder, const char *name, struct err *err);

/*
 * Write the rest and close; the file is NAME.part still. The hash goes to ret_hex. On failure the
 * outfile is ended and nothing is left of it.
 */
int outfile_close(struct outfile *outfile, char ret_hex[static HASH_HEX_SIZE], struct err *err);

/* After outfile_close(): give the file its name. Ends the outfile. */
int outfile_publish(struct outfile *outfile, struct err *err);

/* Remove what was written. Ends the outfile; one that has ended already, or a zeroed, is allowed. */
void outfile_drop(struct outfile *outfile);

/* Close and publish. The hash goes to ret_hex. Always ends the outfile. */
int outfile_finish(struct outfile *outfile, char ret_hex[static HASH_HEX_SIZE], struct err *err);

#endif
