/*
 * program.c - see program.h.
 */
#include "tools/ecm-field/program.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "firmware/flashlog/format.h"
#include "tools/ecm-field/field.h"

enum { STACK_BASE = 0x20000000, STACK_END = 0x20082000 }; /* SRAM of the RP2040 and the RP2350 */

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* The first two words of a Cortex-M program: initial stack, reset handler. */
static int check_vectors(
    const struct program *program, const char *path, uint32_t offset, struct err *err)
{
    uint32_t stack = word_at(program->bytes);
    uint32_t reset = word_at(program->bytes + 4);
    uint32_t first = PROGRAM_XIP_BASE + offset + IMAGE_PAGE;

    if (stack <= STACK_BASE || stack > STACK_END) {
        return err_set(err, ECM_EFORMAT, "'%s': does not begin with a vector table", path);
    }
    if ((reset & 1) == 0 || reset < first || reset - first >= program->size) {
        return err_set(err, ECM_EFORMAT,
            "'%s': its reset handler is at 0x%08" PRIx32 ", so it is not linked for a slot at "
            "0x%08" PRIx32,
            path, reset & ~1u, PROGRAM_XIP_BASE + offset);
    }
    return 0;
}

int program_read(struct program *program, const char *path, uint32_t offset, struct err *err)
{
    struct image image;
    size_t size = 0;
    int rc = field_read_file(path, PROGRAM_FILE_MAX, &program->file, &size, err);

    if (rc < 0) {
        return rc;
    }
    if (size < IMAGE_PAGE + IMAGE_PROGRAM_MIN) {
        rc = err_set(err, ECM_EFORMAT, "'%s': too short for a program", path);
    } else if (!format_is_blank(program->file, IMAGE_PAGE) && !image_get(program->file, &image)) {
        rc = err_set(err, ECM_EFORMAT,
            "'%s': does not begin with the %d bytes of FF that are kept for its description", path,
            IMAGE_PAGE);
    } else {
        program->bytes = program->file + IMAGE_PAGE;
        program->size = (uint32_t)size - IMAGE_PAGE;
        rc = check_vectors(program, path, offset, err);
    }
    if (rc < 0) {
        free(program->file);
        program->file = NULL;
    }
    return rc;
}

void program_describe(const struct program *program, struct image *image)
{
    struct crypto_sha256 hash;

    image->size = program->size;
    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, program->bytes, program->size);
    crypto_sha256_end(&hash, image->hash);
}
