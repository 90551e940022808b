/*
 * firmware_make.c - bundles, slot images, keys.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "tools/ecm-field/field.h"
#include "tools/ecm-field/firmware.h"
#include "tools/ecm-field/program.h"

static int put_text(
    char *ret_text, size_t size, const char *text, const char *what, struct err *err)
{
    size_t used = text != NULL ? strlen(text) : 0;

    if (used == 0 || used >= size) {
        return err_set(err, ECM_EFORMAT, "--%s: 1 to %zu characters", what, size - 1);
    }
    for (size_t i = 0; i < used; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E) {
            return err_set(err, ECM_EFORMAT, "--%s: plain ASCII only", what);
        }
    }
    (void)memcpy(ret_text, text, used + 1);
    return 0;
}

/* What the arguments say of the image for a slot. */
static int fill_image(
    const struct firmware_args *args, uint8_t slot, struct image *image, struct err *err)
{
    int rc = 0;

    if (!args->has_offset[slot] || !args->has_number) {
        return err_set(err, ECM_EFORMAT, "--number and the offset of each slot are needed");
    }
    if (args->offset[slot] % HAL_FLASH_SECTOR != 0) {
        return err_set(err, ECM_EFORMAT, "a slot begins at a multiple of %d", HAL_FLASH_SECTOR);
    }
    image->slot = slot;
    image->offset = args->offset[slot];
    image->version = args->number;
    rc = put_text(image->board, sizeof image->board, args->board, "board", err);
    return rc < 0
               ? rc
               : put_text(image->version_text, sizeof image->version_text, args->name, "name", err);
}

static int read_programs(const struct firmware_args *args, struct bundle *bundle,
    struct program *programs, struct err *err)
{
    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        int rc = fill_image(args, i, &bundle->image[i], err);

        if (rc == 0) {
            rc = program_read(&programs[i], args->files[i], args->offset[i], err);
        }
        if (rc < 0) {
            return rc;
        }
        program_describe(&programs[i], &bundle->image[i]);
    }
    return 0;
}

static int sign_header(const char *key_path, uint8_t header[static BUNDLE_HEADER], struct err *err)
{
    uint8_t message[BUNDLE_MESSAGE];
    struct signer *signer = NULL;
    int rc = signer_open(&signer, key_path, err);

    if (rc == 0) {
        bundle_message(header, message);
        rc = signer_sign(signer, message, sizeof message, header + BUNDLE_SIGNATURE_AT);
        signer_close(signer);
    }
    return rc;
}

int firmware_sign(const struct firmware_args *args, struct err *err)
{
    struct program programs[IMAGE_SLOTS] = {{.file = NULL}};
    struct bundle bundle = {.flags = args->allows_older ? BUNDLE_FLAG_ALLOW_OLDER : 0};
    uint8_t *file = NULL;
    size_t size = 0;
    int rc = 0;

    if (args->file_count != IMAGE_SLOTS || args->key_path == NULL || args->out == NULL) {
        return err_set(err, ECM_EFORMAT, "sign: two PROGRAMs, --key and --out are needed");
    }
    rc = read_programs(args, &bundle, programs, err);
    if (rc == 0) {
        size = (size_t)BUNDLE_HEADER + programs[0].size + programs[1].size;
        file = malloc(size);
        rc = file == NULL ? err_set(err, -ENOMEM, "out of memory") : 0;
    }
    if (rc == 0 && file != NULL) {
        bundle_put(file, &bundle);
        rc = sign_header(args->key_path, file, err);
    }
    /* Both were read; the analyser does not see it. */
    if (rc == 0 && file != NULL && programs[0].bytes != NULL && programs[1].bytes != NULL) {
        (void)memcpy(file + BUNDLE_HEADER, programs[0].bytes, programs[0].size);
        (void)memcpy(file + BUNDLE_HEADER + programs[0].size, programs[1].bytes, programs[1].size);
        rc = field_write_file(args->out, file, size, err);
    }
    free(file);
    free(programs[0].file);
    free(programs[1].file);
    return rc;
}

int firmware_stamp(const struct firmware_args *args, struct err *err)
{
    struct program program = {.file = NULL};
    struct image image = {.slot = 0};
    int rc = 0;

    if (args->file_count != 1 || args->out == NULL || args->slot == FIRMWARE_SLOT_NONE) {
        return err_set(err, ECM_EFORMAT, "stamp: one PROGRAM, --slot and --out are needed");
    }
    rc = fill_image(args, (uint8_t)args->slot, &image, err);
    if (rc == 0) {
        rc = program_read(&program, args->files[0], image.offset, err);
    }
    if (rc == 0) {
        program_describe(&program, &image);
        image_put(program.file, &image);
        rc = field_write_file(args->out, program.file, (size_t)IMAGE_PAGE + program.size, err);
    }
    free(program.file);
    return rc;
}

int firmware_key(const struct firmware_args *args, struct err *err)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    char hex[2 * PUBLIC_KEY_SIZE + 1];
    struct signer *signer = NULL;
    int rc = 0;

    if (args->file_count != 1) {
        return err_set(err, ECM_EFORMAT, "key: name the PEM file");
    }
    rc = signer_open(&signer, args->files[0], err);
    if (rc < 0) {
        return rc;
    }
    signer_public_key(signer, key);
    signer_close(signer);
    field_hex(key, sizeof key, hex);
    (void)printf("%s\n", hex);
    return 0;
}
