/*
 * firmware_check.c - what a bundle or a slot's image is, and whether it is right.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tools/ecm-field/field.h"
#include "tools/ecm-field/firmware.h"
#include "tools/ecm-field/program.h"

enum { FILE_MAX = BUNDLE_HEADER + 2 * PROGRAM_FILE_MAX };

static void print_image(const struct image *image, const char *state)
{
    char hex[2 * CRYPTO_HASH_SIZE + 1];

    field_hex(image->hash, sizeof image->hash, hex);
    (void)printf("slot %c     linked for 0x%08" PRIx32 ", %" PRIu32 " bytes, sha-256 %s, %s\n",
        'a' + image->slot, PROGRAM_XIP_BASE + image->offset, image->size, hex, state);
}

static void print_version(const struct image *image, const char *what, const char *more)
{
    (void)printf("%s\nboard      %s\nversion    %s (number %" PRIu32 ")%s\n", what, image->board,
        image->version_text, image->version, more);
}

static bool is_program(const struct image *image, const uint8_t *bytes)
{
    struct crypto_sha256 hash;
    uint8_t found[CRYPTO_HASH_SIZE];

    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, bytes, image->size);
    crypto_sha256_end(&hash, found);
    return memcmp(found, image->hash, sizeof found) == 0;
}

/* Whether file is a bundle of that size; says what is wrong with it. */
static int read_bundle(const uint8_t *file, size_t size, struct bundle *ret_bundle, struct err *err)
{
    uint64_t expected = 0;
    int rc = size < BUNDLE_HEADER ? -EBADMSG : bundle_parse(file, ret_bundle);

    if (rc == -EPROTONOSUPPORT) {
        return err_set(err, ECM_EFORMAT, "a bundle of a newer format");
    }
    if (rc < 0) {
        return err_set(err, ECM_EFORMAT, "not an update bundle");
    }
    expected = bundle_offset_of(ret_bundle, 1) + ret_bundle->image[1].size;
    if (size != expected) {
        return err_set(
            err, ECM_ECORRUPT, "%zu bytes, but its header says %" PRIu64, size, expected);
    }
    return 0;
}

static int show_bundle(const uint8_t *file, const struct bundle *bundle)
{
    print_version(&bundle->image[0], "update bundle, format 1",
        (bundle->flags & BUNDLE_FLAG_ALLOW_OLDER) != 0 ? ", may replace a newer one" : "");
    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        bool is_right = is_program(&bundle->image[i], file + bundle_offset_of(bundle, i));

        print_image(&bundle->image[i], is_right ? "right" : "WRONG");
    }
    return 0;
}

static int show_image(const uint8_t *file, size_t size, const struct image *image, struct err *err)
{
    if (size < (size_t)IMAGE_PAGE + image->size) {
        return err_set(err, ECM_ECORRUPT, "shorter than the image it describes");
    }
    print_version(image, "slot image, format 1", "");
    print_image(image, is_program(image, file + IMAGE_PAGE) ? "right" : "WRONG");
    return 0;
}

int firmware_show(const struct firmware_args *args, struct err *err)
{
    struct bundle bundle = {.flags = 0};
    struct image image;
    uint8_t *file = NULL;
    size_t size = 0;
    int rc = 0;

    if (args->file_count != 1) {
        return err_set(err, ECM_EFORMAT, "show: name the FILE");
    }
    rc = field_read_file(args->files[0], FILE_MAX, &file, &size, err);
    if (rc < 0) {
        return rc;
    }
    if (size >= IMAGE_PAGE && image_get(file, &image)) {
        rc = show_image(file, size, &image, err);
    } else {
        rc = read_bundle(file, size, &bundle, err);
        rc = rc < 0 ? rc : show_bundle(file, &bundle);
    }
    free(file);
    return rc < 0 ? err_wrap(err, rc, "'%s'", args->files[0]) : 0;
}

static int check_bundle(
    const struct firmware_args *args, const uint8_t *file, size_t size, struct err *err)
{
    struct bundle bundle = {.flags = 0};
    int rc = read_bundle(file, size, &bundle, err);

    if (rc < 0) {
        return rc;
    }
    if (bundle_verify(file, args->key) < 0) {
        return err_set(err, ECM_ECORRUPT, "not signed with that key");
    }
    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        if (!is_program(&bundle.image[i], file + bundle_offset_of(&bundle, i))) {
            return err_set(
                err, ECM_ECORRUPT, "the program for slot %c is not the one signed", 'a' + i);
        }
    }
    (void)printf("%s %s (number %" PRIu32 ") for %s: signature and both programs are right\n",
        args->files[0], bundle.image[0].version_text, bundle.image[0].version,
        bundle.image[0].board);
    return 0;
}

int firmware_check(const struct firmware_args *args, struct err *err)
{
    uint8_t *file = NULL;
    size_t size = 0;
    int rc = 0;

    if (args->file_count != 1 || !args->has_key) {
        return err_set(err, ECM_EFORMAT, "check: name the FILE and the --public-key");
    }
    rc = field_read_file(args->files[0], FILE_MAX, &file, &size, err);
    if (rc < 0) {
        return rc;
    }
    rc = check_bundle(args, file, size, err);
    free(file);
    return rc < 0 ? err_wrap(err, rc, "'%s'", args->files[0]) : 0;
}
