/*
 * program.h - a program as the linker left it, and what may be said about it.
 */
#ifndef ECM_TOOLS_FIELD_PROGRAM_H
#define ECM_TOOLS_FIELD_PROGRAM_H

#include "firmware/boot/image.h"

struct err;

enum { PROGRAM_FILE_MAX = 4 << 20, PROGRAM_XIP_BASE = 0x10000000 };

struct program {
    uint8_t *file;        /* the caller frees */
    const uint8_t *bytes; /* without the page in front */
    uint32_t size;
};

/*
 * Read a flat image that was linked for the slot at offset of the flash. It begins with the page of
 * FF that is kept for the description (or with a description), then the vector table. ECM_EFORMAT
 * when it does not, or when its reset vector shows that it was linked for elsewhere.
 */
int program_read(struct program *program, const char *path, uint32_t offset, struct err *err);

/* Fill size and hash of image. */
void program_describe(const struct program *program, struct image *image);

#endif
